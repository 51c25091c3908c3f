/** What an export's objects are called. */
import type { Format, Layout, Run } from "../contract";

/** What names are made of. */
export interface Names {
  readonly layout: Layout;
  readonly format: Format;
  readonly compressed: boolean;
  /** Begins every key; may hold `{application}`, `{year}`, `{month}` and `{day}`. */
  readonly prefix: string;
  /** Which export: where a flat layout's manifest is. */
  readonly exportName: string;
  /** Stands for `{application}`. */
  readonly application: string;
  /** When the run started, epoch milliseconds. */
  readonly startedAt: number;
  /** The day the run is for, `2026-11-21`. */
  readonly day: string;
}

/** The UTC day of a moment: `2026-11-21`. */
export function dayOf(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 10);
}

/** Where one file goes. A document is one file; NDJSON comes in parts, numbered within their segment. */
export function fileKey(names: Names, segment: number, part: number): string {
  const extension = `${names.format === "json" ? "json" : "ndjson"}${names.compressed ? ".gz" : ""}`;
  const number = `${padded(segment, 4)}-${padded(part, 5)}`;
  if (names.layout === "partitioned")
    return `${folder(names)}${names.format === "json" ? "export" : `part-${number}`}.${extension}`;
  const stem = `${expanded(names)}${new Date(names.startedAt).toISOString().slice(0, 19).replace("T", " ")}Z`;
  return `${stem}${names.format === "json" ? "" : `-${number}`}.${extension}`;
}

/**
 * Where the manifest goes. Beside the parts, where there is a folder of the day (Athena skips what begins with an underscore); apart
 * from a flat layout's files, whose readers expect nothing else there.
 */
export function manifestKey(names: Names): string {
  return `${controlFolder(names)}_manifest.json`;
}

/** Where the empty object goes that says: the export is whole. */
export function successKey(names: Names): string {
  return `${controlFolder(names)}_SUCCESS`;
}

/** What a partitioned run's files all begin with; whatever else is there is not of this run. Undefined for a flat layout. */
export function runFolder(names: Names): string | undefined {
  return names.layout === "partitioned" ? folder(names) : undefined;
}

function controlFolder(names: Names): string {
  return names.layout === "partitioned"
    ? folder(names)
    : `_exports/${names.exportName}/${names.application === "" ? "" : `${names.application}/`}${names.day}/`;
}

function folder(names: Names): string {
  return `${expanded(names)}dt=${names.day}/`;
}

/** Year, month and day as numbers, without leading zeros. */
function expanded({ prefix, application, day }: Names): string {
  const [year = "", month = "", date = ""] = day.split("-");
  const values: Readonly<Record<string, string>> = {
    application,
    year,
    month: String(Number(month)),
    day: String(Number(date)),
  };
  return prefix.replace(/\{(\w+)\}/g, (placeholder, name: string) => values[name] ?? placeholder);
}

function padded(value: number, width: number): string {
  return String(value).padStart(width, "0");
}

/** Of a run's files. */
export function namesOf({ config, application, startedAt, day }: Run): Names {
  return {
    layout: config.layout,
    format: config.format,
    compressed: config.compression === "gzip",
    prefix: config.prefix ?? `${config.name}/`,
    exportName: config.name,
    application,
    startedAt,
    day,
  };
}

/** Where a run's files are, for people: its document, its folder, or what all of its parts begin with. */
export function locationOf(run: Run): string {
  const names = namesOf(run);
  const key =
    names.format === "json"
      ? fileKey(names, 0, 0)
      : (runFolder(names) ?? fileKey(names, 0, 0).replace(/-\d+-\d+\.\S+$/, ""));
  return `s3://${run.bucket}/${key}`;
}
