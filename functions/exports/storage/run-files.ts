/** A run's files in S3: completes, lists and publishes them. */
import { DeleteObjectCommand, paginateListObjectsV2, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";

import type { ExportedFile, Run } from "../contract";
import { buildManifest } from "../run/manifest";
import { fileKey, manifestKey, runFolder, successKey } from "../run/object-keys";
import { encryptionParameters, objectStore } from "./object-store";
import type { StateTable } from "./state-table";

/** All files of a run. Completes uploads whose worker died before it could. */
export async function completedFiles(run: Run, state: StateTable, s3: S3Client): Promise<readonly ExportedFile[]> {
  const store = objectStore(s3, { bucket: run.bucket, kmsKeyArn: run.config.kmsKeyArn });
  const parts = await state.parts(run);
  for (const { key, upload } of parts) if (upload !== undefined) await store.completeUpload(key, upload);
  return parts.map(({ upload: _, ...file }) => file);
}

/** Deletes files of an earlier run of the same day from a partitioned folder: its readers would read them, too. */
export async function deleteOrphans(run: Run, files: readonly ExportedFile[], s3: S3Client): Promise<void> {
  const folder = runFolder(run);
  if (folder === undefined || run.config.engine === "dynamodb-export") return;
  const known = new Set(files.map(({ key }) => key));
  const [prefix = ""] = fileKey(run, 0, 0).split("0000-00000");
  const pages = paginateListObjectsV2({ client: s3 }, { Bucket: run.bucket, Prefix: folder });
  for await (const { Contents = [] } of pages)
    for (const { Key } of Contents)
      if (Key !== undefined && Key.startsWith(prefix) && !known.has(Key))
        await s3.send(new DeleteObjectCommand({ Bucket: run.bucket, Key }));
}

export async function writeManifest(
  run: Run,
  files: readonly ExportedFile[],
  finishedAt: number,
  s3: S3Client,
): Promise<void> {
  const manifest = buildManifest(run, files, finishedAt);
  await put(run, s3, manifestKey(run), `${JSON.stringify(manifest, undefined, 2)}\n`, "application/json");
}

export async function writeSuccessMarker(run: Run, s3: S3Client): Promise<void> {
  await put(run, s3, successKey(run), "", "text/plain");
}

export async function deleteSuccessMarker(run: Run, s3: S3Client): Promise<void> {
  await s3.send(new DeleteObjectCommand({ Bucket: run.bucket, Key: successKey(run) }));
}

async function put(run: Run, s3: S3Client, Key: string, content: string, ContentType: string): Promise<void> {
  await s3.send(
    new PutObjectCommand({
      Bucket: run.bucket,
      Key,
      Body: Buffer.from(content), // The SDK cannot tell the length of an empty string.
      ContentType,
      ...encryptionParameters(run.config.kmsKeyArn),
    }),
  );
}
