/** S3 keys of an export's objects. */
import type { ExportConfig, Run } from "../contract";

/** The fields of a run that its keys depend on. */
export interface KeySource extends Pick<Run, "application" | "startedAt" | "day"> {
  readonly config: Pick<ExportConfig, "name" | "layout" | "format" | "compression" | "prefix">;
}

/** The UTC day of a time in epoch milliseconds: `2026-11-21`. */
export function dayOf(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 10);
}

/** A JSON document is one file; NDJSON is written in parts, numbered within their segment from 0. */
export function fileKey(run: KeySource, segment: number, part: number): string {
  const { layout, format, compression } = run.config;
  const extension = `${format}${compression === "gzip" ? ".gz" : ""}`;
  const number = `${padded(segment, 4)}-${padded(part, 5)}`;
  if (layout === "partitioned")
    return `${dayFolder(run)}${format === "json" ? "export" : `part-${number}`}.${extension}`;
  const stem = `${expandedPrefix(run)}${new Date(run.startedAt).toISOString().slice(0, 19).replace("T", " ")}Z`;
  return `${stem}${format === "json" ? "" : `-${number}`}.${extension}`;
}

/** Partitioned: beside the parts, because Athena skips names with a leading underscore. Flat: under `_exports/`, see successKey. */
export function manifestKey(run: KeySource): string {
  return `${manifestFolder(run)}_manifest.json`;
}

/** The empty `_SUCCESS` object. Readers of flat layouts expect only documents under the prefix, so theirs is under `_exports/`. */
export function successKey(run: KeySource): string {
  return `${manifestFolder(run)}_SUCCESS`;
}

/** The folder that contains only this day's files. Undefined for a flat layout. */
export function runFolder(run: KeySource): string | undefined {
  return run.config.layout === "partitioned" ? dayFolder(run) : undefined;
}

/** URI for display: the document, the folder, or the common prefix of the parts. */
export function locationOf(run: Run): string {
  const key =
    run.config.format === "json"
      ? fileKey(run, 0, 0)
      : (runFolder(run) ?? fileKey(run, 0, 0).replace(/-\d+-\d+\.\S+$/, ""));
  return `s3://${run.bucket}/${key}`;
}

function manifestFolder(run: KeySource): string {
  const { config, application, day } = run;
  return config.layout === "partitioned"
    ? dayFolder(run)
    : `_exports/${config.name}/${application === "" ? "" : `${application}/`}${day}/`;
}

function dayFolder(run: KeySource): string {
  return `${expandedPrefix(run)}dt=${run.day}/`;
}

/** Replaces the prefix's placeholders. Year, month and day have no leading zeros. */
function expandedPrefix({ config: { name, prefix = `${name}/` }, application, day }: KeySource): string {
  const [year = "", month = "", date = ""] = day.split("-");
  const values: Readonly<Record<string, string>> = {
    application,
    year,
    month: String(Number(month)),
    day: String(Number(date)),
  };
  return prefix.replace(/\{(\w+)\}/g, (placeholder, field: string) => values[field] ?? placeholder);
}

function padded(value: number, width: number): string {
  return String(value).padStart(width, "0");
}
