/** S3 keys of an export's objects. */
import { createHash } from "node:crypto";

import { RESERVATIONS, symlinkFolder, type ExportConfig, type Run } from "../contract";

/** The fields of a run that its keys depend on. */
export interface KeySource extends Pick<
  Run,
  "deployment" | "exportId" | "id" | "application" | "keyTime" | "day" | "time"
> {
  readonly config: Pick<ExportConfig, "name" | "layout" | "format" | "compression" | "prefix">;
}

/**
 * A JSON document is one file; NDJSON and Parquet are written in parts, numbered within their segment from 0. In a partitioned layout the key has the
 * run's id and its export's (see {@link isOwnKey}); in a flat one, whose keys other systems rely on, the time is reserved for one run (see
 * {@link reservedKey}).
 */
export function fileKey(run: KeySource, segment: number, part: number): string {
  const { layout, format, compression } = run.config;
  // Parquet is compressed inside.
  const extension = `${format}${compression === "gzip" && format !== "parquet" ? ".gz" : ""}`;
  const number = `${padded(segment, 4)}-${padded(part, 5)}`;
  if (layout === "partitioned")
    return `${dayFolder(run)}${format === "json" ? "export" : `part-${number}`}-${idInKeys(run)}-${exportInKeys(run)}.${extension}`;
  return `${stem(run)}${format === "json" ? "" : `-${number}`}.${extension}`;
}

/** What all keys of a flat run begin with. Undefined for partitioned layouts, whose keys have the run's id. */
export function reservedKey(run: KeySource): string | undefined {
  return run.config.layout === "flat" ? stem(run) : undefined;
}

/** What all keys of a run begin with; those of other runs may, too. */
export function uploadPrefix(run: KeySource): string {
  return runFolder(run) ?? stem(run);
}

/** What all keys that the configuration allows begin with: a bucket of the user's own is granted by it. */
export function literalPrefix({ config: { name, prefix = `${name}/` } }: Pick<KeySource, "config">): string {
  return prefix.replace(/\{.*/, "");
}

/**
 * What all keys of an export's runs begin with. Workers that outlive their run may begin uploads there at any time. For a flat layout: those
 * of this run, because jobs of one application share the others.
 */
export function strayPrefix(run: KeySource): string {
  return run.config.layout === "partitioned" ? literalPrefix(run) : stem(run);
}

/** Whether a key is of a superseded run: keys of flat layouts are unique by their prefix, others have the ids of run and export. */
export function isSuperseded(run: KeySource, { id, prefix }: Run["superseded"][number], key: string): boolean {
  return (
    key.startsWith(prefix) && (!prefix.endsWith("/") || key.includes(`-${idInKeys({ id })}-${exportInKeys(run)}.`))
  );
}

/** Whether a key below {@link strayPrefix} is of a run of the same export: other deployments may write below the same prefix. */
export function isOwnKey(run: KeySource, key: string): boolean {
  return run.config.layout === "flat" || key.includes(`-${exportInKeys(run)}.`);
}

/** Whether an object of a day's folder is an export's: its own parts and documents, and files of DynamoDB's own exports. */
export function isExportedFile(folder: string, key: string): boolean {
  return (
    key.startsWith(folder) &&
    /^((part-\d{4}-\d{5}(-[\w-]+)?\.ndjson|export(-[\w-]+)?\.json)(\.gz)?|part-\d{4}-\d{5}-[\w-]+\.parquet)$|^AWSDynamoDB\//.test(
      key.slice(folder.length),
    )
  );
}

/** The files of the published run, one URI a line, for Athena: one object, so that a query sees one run. */
export function symlinkKey(run: KeySource): string {
  return `${symlinkFolder(run.deployment, run.config.name)}${slotFolder(run)}files.txt`;
}

/** Where the manifest of a day's earlier run is, whatever its prefix was. @param key of one of its files, in a partitioned layout */
export function manifestKeyBeside(run: KeySource, key: string): string {
  const slot = slotFolder(run);
  return `${key.slice(0, key.lastIndexOf(slot) + slot.length)}_manifest.json`;
}

/** Partitioned: beside the parts, because Athena skips names with a leading underscore. Flat: under `_exports/`, see successKey. */
export function manifestKey(run: KeySource): string {
  return `${manifestFolder(run)}_manifest.json`;
}

/** The empty `_SUCCESS` object. Readers of flat layouts expect only documents under the prefix, so theirs is under `_exports/`. */
export function successKey(run: KeySource): string {
  return `${manifestFolder(run)}_SUCCESS`;
}

/** Names the run that publishes in a folder, of whatever deployment. Not in the folder of readers. */
export function publisherKey(run: KeySource): string {
  return run.config.layout === "partitioned"
    ? `_exports/publishers/${dayFolder(run)}run.txt`
    : `${manifestFolder(run)}publisher.txt`;
}

/** Names the run that a key of a flat layout is reserved for, of whatever deployment. */
export function reservationKey(key: string): string {
  return `${RESERVATIONS}${key}.txt`;
}

/** The folder that contains only this day's files. Undefined for a flat layout. */
export function runFolder(run: KeySource): string | undefined {
  return run.config.layout === "partitioned" ? dayFolder(run) : undefined;
}

/** URI for display: the document, the folder, or the common prefix of the parts. */
export function locationOf(run: Run): string {
  const key = run.config.format === "json" ? fileKey(run, 0, 0) : uploadPrefix(run);
  return `s3://${run.bucket}/${key}`;
}

/** `20261121T170002120Z` */
function idInKeys({ id }: Pick<Run, "id">): string {
  return id.replace(/[^\w]/g, "");
}

/** Distinguishes exports, and those of other deployments. */
function exportInKeys({ deployment, exportId }: Pick<KeySource, "deployment" | "exportId">): string {
  return createHash("sha256").update(`${deployment}/${exportId}`).digest("hex").slice(0, 8);
}

function stem(run: KeySource): string {
  return `${expandedPrefix(run)}${new Date(run.keyTime).toISOString().slice(0, 19).replace("T", " ")}Z`;
}

function manifestFolder(run: KeySource): string {
  const { config, deployment, exportId, day, time } = run;
  return config.layout === "partitioned"
    ? dayFolder(run)
    : `_exports/${deployment}/${exportId}/${day}/${time === undefined ? "" : `${time.replace(":", "-")}/`}`;
}

function dayFolder(run: KeySource): string {
  return `${expandedPrefix(run)}${slotFolder(run)}`;
}

/** `dt=2026-11-21/`, `dt=2026-11-21/hour=17/`, `dt=2026-11-21/hour=17/minute=15/` */
function slotFolder({ day, time = "" }: Pick<KeySource, "day" | "time">): string {
  const [hour = "", minute] = time.split(":");
  return `dt=${day}/${hour === "" ? "" : `hour=${hour}/`}${minute === undefined ? "" : `minute=${minute}/`}`;
}

/** Replaces the prefix's placeholders. Year, month and day have no leading zeros. */
function expandedPrefix({ config: { name, prefix = `${name}/` }, application, day, time = "" }: KeySource): string {
  const [year = "", month = "", date = ""] = day.split("-");
  const [hour = "00", minute = "00"] = time.split(":");
  const values: Readonly<Record<string, string>> = {
    application,
    year,
    month: String(Number(month)),
    day: String(Number(date)),
    hour: hour === "" ? "00" : hour,
    minute,
  };
  return prefix.replace(/\{(\w+)\}/g, (placeholder, field: string) => values[field] ?? placeholder);
}

function padded(value: number, width: number): string {
  return String(value).padStart(width, "0");
}
