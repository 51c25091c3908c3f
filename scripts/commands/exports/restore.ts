/** `npm run restore -- <environment> <manifest> <table>`: loads an export back into a table. */
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { BatchWriteItemCommand, DynamoDBClient, type WriteRequest } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import * as z from "zod";
import { MINUTE_MS } from "../../../functions/shared/time";
import { manifestSchema } from "../../../functions/exports/contract";
import { sendInBatches } from "../../../functions/shared/aws/batches";
import { systemClock } from "../../../functions/shared/clock";
import { describeIssues } from "../../../functions/shared/errors";
import { findDeployed, type DeployedOptions } from "../../environments/deployed";
import { DEFAULT_HOME } from "../../emulator/home";
import { describeError, EXIT, npmCommand } from "../../shared/command-line";
import { count, duration, progressOn, size } from "../../shared/progress";
import { restore, type Restored, type RestorePorts } from "../../features/exports/restore";

/** A table that is too busy is asked again for so long. */
const PATIENCE_MS = 5 * MINUTE_MS;

const command = npmCommand(
  "npm run restore --",
  "Loads an export into a table, which must be there. Stopped, it goes on where it was when it is called again.",
)
  .argument("<environment>", "as main.ts names it: staging")
  .argument("<manifest>", "s3://<bucket>/<key> of an export's _manifest.json")
  .argument("<table>", "its name; items of the same keys are overwritten")
  .option("--from-start", "does not go on where it was", false)
  .option("--app <file>", "the app that has the environment", "main.ts")
  .option("--home <folder>", "where it keeps how far it is; for local: as given to npm start", DEFAULT_HOME)
  .parse();

const restoredSchema = z.strictObject({ file: z.int().nonnegative(), items: z.int().nonnegative() });

/** The export cannot be restored so. The message says why. */
class RestoreError extends Error {
  override readonly name = "RestoreError";
}

async function main(environment: string, uri: string, table: string, options: DeployedOptions): Promise<number> {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
  if (bucket === undefined || key === undefined) throw new RestoreError(`"${uri}" is not s3://<bucket>/<key>`);
  const { aws } = await findDeployed(environment, options);
  const s3 = new S3Client({ ...aws, forcePathStyle: aws.endpoint !== undefined });
  const dynamodb = new DynamoDBClient({ ...aws, maxAttempts: 8 });

  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  const manifest = manifestSchema.safeParse(JSON.parse((await Body?.transformToString()) ?? ""));
  if (!manifest.success) throw new RestoreError(`${uri} is no manifest: ${describeIssues(manifest.error)}`);
  const { items, bytes, files, table: from, finishedAt } = manifest.data;
  console.log(`${count(items)} items of ${from}, exported ${finishedAt}: ${size(bytes)} in ${files.length} files`);

  const id = createHash("sha256")
    .update(JSON.stringify([environment, uri, manifest.data.run, table]))
    .digest("hex");
  const file = join(options.home, "restore", `${id.slice(0, 16)}.json`);
  const begun = command.opts<{ fromStart: boolean }>().fromStart ? undefined : await readRestored(file);
  if (begun !== undefined) console.log(`Going on in file ${begun.file + 1}, after ${count(begun.items)} items of it.`);

  const progress = progressOn(process.stderr, Date.now);
  const began = Date.now();
  let first: number | undefined;
  const ports: RestorePorts = {
    read: async (Key) => {
      const { Body: content } = await s3.send(new GetObjectCommand({ Bucket: manifest.data.bucket, Key }));
      if (!(content instanceof Readable)) throw new RestoreError(`s3://${bucket}/${Key} has no content`);
      return content;
    },
    write: (batch) =>
      write(
        dynamodb,
        table,
        batch.map((change) =>
          "put" in change ? { PutRequest: { Item: change.put } } : { DeleteRequest: { Key: change.remove } },
        ),
      ),
    save: (restored) => saveRestored(file, restored),
    onProgress: (done) => {
      first ??= done;
      const share = items === 0 ? 1 : done / items;
      const rate = (done - first) / Math.max(1, Date.now() - began);
      const left = rate === 0 ? "" : `, ${duration((items - done) / rate / 1_000)} left`;
      progress.show(share, `${count(done)} of ${count(items)} items${left}`);
    },
  };
  const written = await restore(manifest.data, begun ?? { file: 0, items: 0 }, ports).finally(() => {
    progress.end();
  });
  await rm(file, { force: true });
  console.log(`${count(written)} items written to ${table} in ${duration((Date.now() - began) / 1_000)}.`);
  return EXIT.ok;
}

async function write(dynamodb: DynamoDBClient, table: string, requests: readonly WriteRequest[]): Promise<void> {
  const { items, errors } = await sendInBatches(requests, {
    batchSize: 25,
    concurrency: 8,
    deadline: Date.now() + PATIENCE_MS,
    clock: systemClock,
    random: Math.random,
    send: async (batch) => {
      const { UnprocessedItems } = await dynamodb.send(
        new BatchWriteItemCommand({ RequestItems: { [table]: [...batch] } }),
      );
      return UnprocessedItems?.[table] ?? [];
    },
  });
  if (items.length === 0) return;
  const why = errors.length === 0 ? "the table is too busy" : describeError(errors[0]);
  throw new RestoreError(`${items.length} items were not written: ${why}. Call it again to go on`);
}

async function readRestored(file: string): Promise<Restored | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  return text === undefined ? undefined : restoredSchema.parse(JSON.parse(text));
}

async function saveRestored(file: string, restored: Restored): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, JSON.stringify(restored));
  await rename(`${file}.new`, file);
}

const [environment = "", manifest = "", table = ""] = command.args;
main(environment, manifest, table, command.opts<DeployedOptions>()).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(`npm run restore: ${describeError(error)}`);
    process.exitCode = EXIT.failure;
  },
);
