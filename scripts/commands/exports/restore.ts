/** `almanac exports restore <manifest> <table>`: loads an export into a table. */
import { Readable } from "node:stream";
import {
  BatchWriteItemCommand,
  DescribeTableCommand,
  DynamoDBClient,
  type WriteRequest,
} from "@aws-sdk/client-dynamodb";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { sendInBatches } from "../../../functions/shared/aws/batches";
import { systemClock } from "../../../functions/shared/clock";
import { errorMessage } from "../../../functions/shared/errors";
import { MINUTE_MS, SECOND_MS } from "../../../functions/shared/time";
import { findDeployed } from "../../environments/deployed";
import { orMissing } from "../../features/exports/environment";
import { parseManifest, RestoreError } from "../../features/exports/manifest";
import { restore, verify, type RestorePorts } from "../../features/exports/restore";
import { restoreProgress } from "../../features/exports/restore-progress";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  UsageError,
  withEnvironment,
  type EnvironmentOptions,
} from "../../shared/terminal/command-line";
import { count, duration, progressOn, size } from "../../shared/terminal/progress";
import { createS3Client, IDLE_TIMEOUT } from "../../shared/aws/s3-client";

/** How long a throttled batch is retried. */
const RETRY_MS = 5 * MINUTE_MS;

interface Options extends EnvironmentOptions {
  readonly verify: boolean;
  readonly fromStart: boolean;
}

export const command = () =>
  withEnvironment(
    new DocumentedCommand({
      description: "Loads an export into an existing table. Interrupted, it resumes when it is called again.",
      examples: [
        "npx almanac exports restore s3://almanac-staging-exports/orders/dt=2026-11-21/_manifest.json orders-copy --env staging",
        "npx almanac exports restore s3://almanac-staging-exports/orders/dt=2026-11-21/_manifest.json --verify --env staging",
      ],
    }),
  )
    .argument("<manifest>", "s3://<bucket>/<key> of an export's _manifest.json")
    .argument("[table]", "its name; items with the same keys are overwritten")
    .option("--verify", "only check the files against the manifest; needs no table", false)
    .option("--from-start", "do not resume: load everything", false)
    .action(exitCodeOf(run));

async function run(uri: string, table: string | undefined, options: Options): Promise<number> {
  if (table === undefined && !options.verify) throw new UsageError("Name the table, or pass --verify.");
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
  if (bucket === undefined || key === undefined) throw new UsageError(`"${uri}" is not s3://<bucket>/<key>`);
  const { name: environment, aws } = await findDeployed(options);
  const s3 = createS3Client(aws);
  const dynamodb = new DynamoDBClient({ ...aws, maxAttempts: 8, requestHandler: IDLE_TIMEOUT });

  const { Body } = await orMissing(
    s3.send(new GetObjectCommand({ Bucket: bucket, Key: key })),
    ["NoSuchBucket", "NoSuchKey"],
    `there is no ${uri}. \`almanac exports show <export>\` says where runs are; their manifest is _manifest.json`,
  );
  const manifest = parseManifest(uri, (await Body?.transformToString()) ?? "");
  const { items, bytes, files, table: from, finishedAt } = manifest;
  console.log(`${count(items)} items of ${from}, exported ${finishedAt}: ${size(bytes)} in ${files.length} files`);

  const target =
    table === undefined || options.verify
      ? undefined
      : await orMissing(
          dynamodb.send(new DescribeTableCommand({ TableName: table })),
          ["ResourceNotFoundException"],
          `there is no table ${table}: create it, with the keys of ${from}`,
        );
  const saved =
    target?.Table && restoreProgress(options.home, { environment, uri, run: manifest.run, table: target.Table });
  const begun = options.fromStart ? undefined : await saved?.read();
  if (begun !== undefined) console.log(`Resuming in file ${begun.file + 1}, after ${count(begun.items)} items of it.`);

  const read = async (Key: string): Promise<Readable> => {
    const file = `s3://${manifest.bucket}/${Key}`;
    const { Body: content } = await orMissing(
      s3.send(new GetObjectCommand({ Bucket: manifest.bucket, Key })),
      ["NoSuchBucket", "NoSuchKey"],
      `the file ${file} of the manifest does not exist any more`,
    );
    if (!(content instanceof Readable)) throw new RestoreError(`${file} has no content`);
    return content;
  };
  const progress = progressOn(process.stderr, Date.now);
  const onProgress = (done: number) => {
    progress.show(items === 0 ? 1 : done / items, `${count(done)} of ${count(items)} items verified`);
  };
  const verified = await verify(manifest, begun?.file ?? 0, { read, onProgress }).finally(() => {
    progress.end();
  });
  console.log(`${count(verified)} items verified: the files are as the manifest says.`);
  if (table === undefined || saved === undefined) return EXIT.ok;

  const startedAt = Date.now();
  let first: number | undefined;
  const ports: RestorePorts = {
    read,
    write: (batch) =>
      write(
        dynamodb,
        table,
        batch.map((change) =>
          "put" in change ? { PutRequest: { Item: change.put } } : { DeleteRequest: { Key: change.remove } },
        ),
      ),
    save: saved.save,
    onProgress: (done) => {
      first ??= done;
      const share = items === 0 ? 1 : done / items;
      const rate = (done - first) / Math.max(1, Date.now() - startedAt);
      const left = rate === 0 ? "" : `, ${duration((items - done) / rate / SECOND_MS)} left`;
      progress.show(share, `${count(done)} of ${count(items)} items${left}`);
    },
  };
  const written = await restore(manifest, begun ?? { file: 0, items: 0 }, ports).finally(() => {
    progress.end();
  });
  await saved.remove();
  console.log(`${count(written)} items written to ${table} in ${duration((Date.now() - startedAt) / SECOND_MS)}.`);
  return EXIT.ok;
}

async function write(dynamodb: DynamoDBClient, table: string, requests: readonly WriteRequest[]): Promise<void> {
  const { items, errors } = await sendInBatches(requests, {
    batchSize: 25,
    concurrency: 8,
    deadline: Date.now() + RETRY_MS,
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
  const why = errors.length === 0 ? "the table is throttled" : errorMessage(errors[0]);
  throw new RestoreError(`${items.length} items were not written: ${why}. Run the command again to resume.`);
}
