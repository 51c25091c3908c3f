/** A run's files in S3: publishes them, so that readers see them all or those of the run before. */
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";

import { mapConcurrently } from "../../shared/resilience/concurrency";
import { errorMessage, errorName } from "../../shared/errors";
import { parseInput, parseJson } from "../../shared/input";
import { manifestSchema, type Manifest, type Run } from "../contract";
import { buildManifest } from "../run/manifest";
import {
  isExportedFile,
  isOwnKey,
  isSuperseded,
  literalPrefix,
  manifestKey,
  manifestKeyBeside,
  publisherKey,
  reservationKey,
  runFolder,
  strayPrefix,
  successKey,
  symlinkKey,
} from "../run/object-keys";
import { encryptionParameters, objectStore, ownerOf, type IncompleteUpload } from "./object-store";
import { RunSupersededError, type StateTable } from "./state-table";

const CONCURRENT_REQUESTS = 32;

export interface PublishPorts {
  readonly state: Pick<StateTable, "assertActive" | "markPublished" | "markUploadCompleted" | "parts" | "runProgress">;
  readonly s3: S3Client;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/**
 * Aborts the uploads of unfinished runs that this one has superseded: S3 then refuses their completion. Fails before the table is read if
 * the bucket does not exist or cannot be read, another export publishes in the folder, or its manifest is none.
 *
 * @throws {@link FolderTakenError}, {@link ManifestError}
 */
export async function abortSupersededUploads(run: Run, s3: S3Client): Promise<void> {
  assertOwnFolder(run, await readObject(run, s3, publisherKey(run)));
  parseManifest(run, await readObject(run, s3, manifestKey(run)));
  const store = storeOf(run, s3);
  for (const superseded of run.superseded)
    for (const { key, id } of await store.listUploads(superseded.prefix))
      if (isSuperseded(run, superseded, key)) await ifGranted(run, key, () => store.abortUpload(key, id));
}

/**
 * Removes what an earlier run has left. A prefix that the export had before its configuration changed may not be granted any longer: what is
 * there stays, uploads until the bucket's lifecycle rule aborts them. A run that failed for it would be resumed, and fail, night after night.
 */
async function ifGranted(run: Run, key: string, remove: () => Promise<unknown>): Promise<void> {
  try {
    await remove();
  } catch (error) {
    if (errorName(error) !== "AccessDenied" || key.startsWith(literalPrefix(run))) throw error;
  }
}

/**
 * Makes the run's files those of its day: completes its uploads, then replaces the manifest and Athena's list of files. Idempotent.
 *
 * A worker of an older run may be anywhere in this function while a newer run publishes. It cannot undo that: it reads what it replaces
 * before it checks that its run is the active one, and replaces it on condition that it is unchanged. The marker, which is missing while a run
 * publishes, has no such state: it is copied from the object that names the publisher, on condition that this still names its run.
 *
 * @throws {@link FolderTakenError}, {@link ManifestError}, RunSupersededError, ObjectExistsError, UploadLostError
 */
export async function publishRun(run: Run, { state, s3, now }: PublishPorts): Promise<void> {
  const published = await readPublished(run, s3);
  const before = published.manifest;
  const isPublished = before?.run === run.id && before.deployment === run.deployment;
  await state.assertActive(run);

  const store = storeOf(run, s3);
  const parts = await state.parts(run);
  if (!isPublished) {
    await put(run, s3, publisherKey(run), {
      content: contentOf(run),
      type: "text/plain",
      replaces: published.publisherTag,
    });
    if (published.markerTag !== undefined) await deleteIfUnchanged(run, s3, successKey(run), published.markerTag);
    await mapConcurrently(parts, CONCURRENT_REQUESTS, async ({ key, upload, segment, number }) => {
      if (upload === undefined) return;
      await store.completeUpload(key, upload);
      await state.markUploadCompleted(run, segment, number);
    });
  }
  const files = parts.map(({ upload: _, segment: __, number: ___, ...file }) => file);
  const { unusable = 0 } = await state.runProgress(run);
  const manifest = isPublished ? before : buildManifest(run, files, { now: now(), unusable, before });
  // From here on the run is not started over, but finished: its items are published, and the cursor is still before them.
  await state.markPublished(run);
  if (!isPublished)
    await put(run, s3, manifestKey(run), {
      content: `${JSON.stringify(manifest, undefined, 2)}\n`,
      type: "application/json",
      replaces: published.manifestTag,
    });
  if (run.config.layout === "partitioned")
    await put(run, s3, symlinkKey(run), {
      content: manifest.files.map(({ key }) => `s3://${run.bucket}/${key}\n`).join(""),
      type: "text/plain",
      replaces: published.symlinkTag,
    });

  // DynamoDB writes other files beside its data.
  const kept = new Set(manifest.files.flatMap(({ key }) => [key, nativeFolder(key)]));
  const stale = [...published.files, ...(manifest.replaced ?? [])].filter(
    (key) => !kept.has(key) && !kept.has(nativeFolder(key)),
  );
  await mapConcurrently([...new Set(stale)], CONCURRENT_REQUESTS, (Key) =>
    ifGranted(run, Key, () => s3.send(new DeleteObjectCommand({ Bucket: run.bucket, Key }))),
  );
  const own = new Set(parts.map(({ upload }) => upload?.id));
  for (const { key, id } of published.uploads)
    if (!own.has(id)) await ifGranted(run, key, () => store.abortUpload(key, id));
  await state.assertActive(run);
  await putMarker(run, s3);
}

/** Of the marker, and of the object that it is copied from. */
const contentOf = (run: Run): string => `${ownerOf(run)}\n`;

/** Another export, or one of another application, environment or account, publishes in the folder: this run would delete its files. */
export class FolderTakenError extends Error {
  override readonly name = "FolderTakenError";
}

/** The first to publish in a folder has it, because that is conditional. */
function assertOwnFolder(run: Run, publisher: StoredObject | undefined): void {
  if (publisher === undefined || publisher.text.startsWith(`${run.deployment}/${run.exportId}/`)) return;
  const owner = publisher.text.slice(0, publisher.text.lastIndexOf("/"));
  throw new FolderTakenError(
    `s3://${run.bucket}/${runFolder(run) ?? ""} has files of ${owner}: this export needs another bucket or prefix`,
  );
}

/** The object in the place of the day's manifest is none. Replacing it could lose the day's earlier files. */
export class ManifestError extends Error {
  override readonly name = "ManifestError";
}

function parseManifest(run: Run, object: StoredObject | undefined): Manifest | undefined {
  try {
    return object && parseInput(manifestSchema, parseJson(object.text));
  } catch (cause) {
    throw new ManifestError(
      `s3://${run.bucket}/${object?.key ?? ""} is not a manifest of an export (${errorMessage(cause)}): restore or delete it`,
      { cause },
    );
  }
}

/** @throws PreconditionFailed when another run publishes */
async function putMarker(run: Run, s3: S3Client): Promise<void> {
  const { bucket: Bucket, config } = run;
  const publisher = await readObject(run, s3, publisherKey(run));
  if (publisher?.tag === undefined || publisher.text !== contentOf(run)) throw new RunSupersededError(run);
  await s3.send(
    new CopyObjectCommand({
      Bucket,
      Key: successKey(run),
      CopySource: [Bucket, ...publisherKey(run).split("/")].map(encodeURIComponent).join("/"),
      CopySourceIfMatch: publisher.tag,
      ...encryptionParameters(config.kmsKeyArn),
    }),
  );
}

interface Published {
  readonly manifest: Manifest | undefined;
  /** ETags; undefined where there is no object. */
  readonly manifestTag: string | undefined;
  readonly symlinkTag: string | undefined;
  readonly publisherTag: string | undefined;
  /** Of another run's marker. Its own stays: another invocation of this step has published the run. */
  readonly markerTag: string | undefined;
  /** Keys of the day's folder that are files of exports. */
  readonly files: readonly string[];
  /** Of workers that were killed, and of superseded runs. */
  readonly uploads: readonly IncompleteUpload[];
}

async function readPublished(run: Run, s3: S3Client): Promise<Published> {
  const publisher = await readObject(run, s3, publisherKey(run));
  assertOwnFolder(run, publisher);
  const manifest = await readObject(run, s3, manifestKey(run));
  const marker = await readObject(run, s3, successKey(run));
  const store = storeOf(run, s3);
  const stray = (await store.listUploads(strayPrefix(run))).filter(({ key }) => isOwnKey(run, key));
  for (const superseded of run.superseded)
    stray.push(...(await store.listUploads(superseded.prefix)).filter(({ key }) => isSuperseded(run, superseded, key)));
  const files: string[] = [];
  const folder = runFolder(run);
  const list = folder === undefined ? undefined : await readObject(run, s3, symlinkKey(run));
  // Files of a flat layout share their folder with those of other days: their manifest has them.
  if (folder !== undefined)
    for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket: run.bucket, Prefix: folder }))
      files.push(...Contents.flatMap(({ Key = "" }) => (isExportedFile(folder, Key) ? Key : [])));
  return {
    manifest: parseManifest(run, manifest ?? (await manifestBeside(run, s3, list))),
    manifestTag: manifest?.tag,
    symlinkTag: list?.tag,
    publisherTag: publisher?.tag,
    markerTag: marker?.text === contentOf(run) ? undefined : marker?.tag,
    files,
    uploads: [...new Map(stray.map((upload) => [upload.id, upload])).values()],
  };
}

/**
 * The day's manifest where the export had another prefix before: Athena's list has its files, and would lose those of earlier windows. Undefined
 * also where that prefix is granted no longer.
 */
async function manifestBeside(
  run: Run,
  s3: S3Client,
  list: StoredObject | undefined,
): Promise<StoredObject | undefined> {
  const key = list?.text.trimEnd().split("\n").at(-1)?.slice(`s3://${run.bucket}/`.length) ?? "";
  if (key === "" || key.startsWith(runFolder(run) ?? "")) return undefined;
  try {
    return await readObject(run, s3, manifestKeyBeside(run, key));
  } catch (error) {
    if (errorName(error) === "AccessDenied") return undefined;
    throw error;
  }
}

/** The folder of one of DynamoDB's own exports; other keys are returned as they are. */
function nativeFolder(key: string): string {
  return /^.*\/AWSDynamoDB\/[^/]+\//.exec(key)?.[0] ?? key;
}

interface StoredObject {
  readonly key: string;
  readonly text: string;
  readonly tag: string | undefined;
}

async function readObject({ bucket: Bucket }: Run, s3: S3Client, Key: string): Promise<StoredObject | undefined> {
  try {
    const { Body, ETag: tag } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    return { key: Key, text: (await Body?.transformToString()) ?? "", tag };
  } catch (error) {
    if (errorName(error) === "NoSuchKey") return undefined;
    throw error;
  }
}

interface NewObject {
  readonly content: string;
  readonly type: string;
  /** ETag of the object that it replaces, undefined: it is new. Without this field it replaces any. */
  readonly replaces?: string | undefined;
}

/**
 * Reserves a key for a run, in the bucket itself: other deployments may write there. Idempotent.
 *
 * @returns false when another run has it
 */
export async function reserveKey(run: Run, key: string, s3: S3Client): Promise<boolean> {
  const Key = reservationKey(key);
  try {
    await put(run, s3, Key, { content: contentOf(run), type: "text/plain", replaces: undefined });
    return true;
  } catch (error) {
    if (errorName(error) !== "PreconditionFailed") throw error;
    return (await readObject(run, s3, Key))?.text === contentOf(run);
  }
}

/** @throws PreconditionFailed when another run was faster; Step Functions retries, and the next call sees what that has published */
async function put(run: Run, s3: S3Client, Key: string, object: NewObject): Promise<void> {
  const condition =
    "replaces" in object
      ? object.replaces === undefined
        ? { IfNoneMatch: "*" }
        : { IfMatch: object.replaces }
      : undefined;
  await s3.send(
    new PutObjectCommand({
      Bucket: run.bucket,
      Key,
      Body: Buffer.from(object.content), // The SDK cannot tell the length of an empty string.
      ContentType: object.type,
      ...condition,
      ...encryptionParameters(run.config.kmsKeyArn),
    }),
  );
}

async function deleteIfUnchanged({ bucket: Bucket }: Run, s3: S3Client, Key: string, IfMatch: string): Promise<void> {
  await s3.send(new DeleteObjectCommand({ Bucket, Key, IfMatch }));
}

function storeOf(run: Run, s3: S3Client) {
  return objectStore(s3, { bucket: run.bucket, kmsKeyArn: run.config.kmsKeyArn, owner: ownerOf(run) });
}
