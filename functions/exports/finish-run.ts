import { DeleteObjectCommand, paginateListObjectsV2, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";

import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { invocationHandler } from "../shared/handlers/invocation-handler";
import { exportClients } from "./scan/clients";
import {
  EXPORT_DIMENSION,
  finishCallSchema,
  finishEnvironment,
  type Answer,
  type ExportedFile,
  type Run,
} from "./contract";
import { answeringFailures } from "./run/failure";
import { manifestOf } from "./run/manifest";
import { fileKey, locationOf, manifestKey, namesOf, runFolder, successKey } from "./run/object-keys";
import { objectStore } from "./format/object-store";
import { stateTable, type StateTable } from "./storage/state-table";

/**
 * The steps around the reading, one a call. Before it: no marker says that what is there is whole, for it will be written over. After
 * it: the manifest of what is there, the marker, and the release of the export for the next run. Each may be done twice.
 */
export const handler = invocationHandler(
  finishEnvironment,
  { input: finishCallSchema },
  ({ environment, clock, logger, metrics }) => {
    const { s3 } = exportClients();
    const state = stateTable(createDynamoDB(), environment.STATE_TABLE, clock);

    return answeringFailures(logger, async ({ run, step }): Promise<Answer | undefined> => {
      const names = namesOf(run);
      // Bytes: of an empty string the SDK would not know the length.
      const put = (Key: string, content: string, ContentType: string) =>
        s3.send(
          new PutObjectCommand({
            Bucket: run.bucket,
            Key,
            Body: Buffer.from(content),
            ContentType,
            ...encryptionOf(run),
          }),
        );
      if (step === "unmark") {
        await s3.send(new DeleteObjectCommand({ Bucket: run.bucket, Key: successKey(names) }));
        return undefined;
      }
      if (step === "success") {
        await put(successKey(names), "", "text/plain");
        return undefined;
      }
      const files = await filesOf(run, state, s3);
      if (step === "manifest") {
        await removeStrays(run, files, s3);
        const manifest = manifestOf(run, files, clock.now());
        await put(manifestKey(names), `${JSON.stringify(manifest, undefined, 2)}\n`, "application/json");
        return undefined;
      }
      const items = files.reduce((sum, file) => sum + file.items, 0);
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      const location = locationOf(run);
      const nothingNew = files.length === 0 && run.config.mode === "incremental";
      await state.finish(run, nothingNew ? undefined : { location, items, bytes });
      logger.info("exported", { run: run.id, files: files.length, items, bytes });
      metrics.countBy({ name: EXPORT_DIMENSION, value: run.config.name }, "finishedExports", 1);
      metrics.milliseconds("exportDuration", clock.now() - run.startedAt);
      // A job's application may have had a quiet day.
      if (items === 0 && run.application === "") metrics.count("emptyExports", 1);
      return nothingNew
        ? { outcome: "nothing-new", message: "no new data was retrieved" }
        : { outcome: "exported", message: `${items} items exported: ${location}` };
    });
  },
);

/** What was saved and not completed, because somebody died in between, is completed here. */
async function filesOf(run: Run, state: StateTable, s3: S3Client): Promise<readonly ExportedFile[]> {
  const store = objectStore(s3, { bucket: run.bucket, kmsKeyArn: run.config.kmsKeyArn });
  const parts = await state.parts(run);
  for (const { key, upload } of parts) if (upload !== undefined) await store.complete(key, upload);
  return parts.map(({ upload: _, item: __, ...file }) => file);
}

/** A run that was begun anew, or again, may find files of the one before it: whoever reads the folder would read them, too. */
async function removeStrays(run: Run, files: readonly ExportedFile[], s3: S3Client): Promise<void> {
  const names = namesOf(run);
  const folder = runFolder(names);
  if (folder === undefined || run.config.engine === "dynamodb-export") return;
  const known = new Set(files.map(({ key }) => key));
  const [ours = ""] = fileKey(names, 0, 0).split("0000-00000");
  const pages = paginateListObjectsV2({ client: s3 }, { Bucket: run.bucket, Prefix: folder });
  for await (const { Contents = [] } of pages)
    for (const { Key } of Contents)
      if (Key !== undefined && Key.startsWith(ours) && !known.has(Key))
        await s3.send(new DeleteObjectCommand({ Bucket: run.bucket, Key }));
}

function encryptionOf({ config: { kmsKeyArn } }: Run) {
  return kmsKeyArn === undefined ? {} : ({ ServerSideEncryption: "aws:kms", SSEKMSKeyId: kmsKeyArn } as const);
}
