/** The manifest of a published run. No I/O. */
import type { ExportedFile, Manifest, Run } from "../contract";
import { incrementalPeriod, timeOf } from "./window";

export interface PublishedRun {
  /** Epoch milliseconds. */
  readonly now: number;
  /** Items that no window can hold. */
  readonly unusable: number;
  /** The day's manifest so far. */
  readonly before: Manifest | undefined;
}

/**
 * The manifest of a run's day. A full export replaces what was there. An incremental one is added to the day's earlier windows, unless it
 * repeats one, or the cursor was reset since.
 */
export function buildManifest(
  run: Run,
  own: readonly ExportedFile[],
  { now, unusable, before }: PublishedRun,
): Manifest {
  const { config, window } = run;
  const { watermark } = config;
  const native = config.engine === "dynamodb-export";
  const form = native
    ? ({ format: "dynamodb-json", compression: "gzip" } as const)
    : { format: config.format, compression: config.compression };
  const mode = native && window !== undefined && incrementalPeriod(window) === undefined ? "full" : config.mode;
  // DynamoDB's own changes follow a whole table.
  const earlier = mode === "full" || (before?.mode === "full" && !native) ? undefined : before;
  const isBackfill = run.range !== undefined;
  const ownWindow = window && watermark && { ...window, attribute: watermark.attribute, unit: watermark.unit };
  // What was exported before the cursor was reset is exported again since: the day would have its items twice.
  const beginsAnew = !isBackfill && earlier !== undefined && run.follows !== earlier.follows;
  const follows = isBackfill && earlier !== undefined ? earlier.follows : run.follows;
  const kept = (earlier?.files ?? []).flatMap(({ run: of = earlier?.run, ...file }): readonly ExportedFile[] => {
    if (of === run.replaces || of === run.id || beginsAnew) return [];
    const { format = earlier?.format, compression = earlier?.compression, ...rest } = file;
    const same = format === form.format && compression === form.compression;
    return [{ ...rest, run: of, ...(!same && { format, compression }) }];
  });
  const files = [...kept, ...own];
  const added = kept.length > 0 ? earlier : undefined;
  const manifestWindow = isBackfill || ownWindow === undefined ? added?.window : unionOf(ownWindow, added?.window);
  const keys = new Set(files.map(({ key }) => key));
  const replaced =
    config.layout === "partitioned"
      ? []
      : (before?.files ?? []).flatMap(({ key, run: of = before?.run }) =>
          (of === run.replaces || beginsAnew) && !keys.has(key) ? key : [],
        );
  const backfills = [
    ...(added?.backfills ?? []).filter((backfill) => backfill.run !== run.replaces && backfill.run !== run.id),
    ...(isBackfill && window ? [{ ...window, run: run.id }] : []),
  ];
  return {
    version: 1,
    deployment: run.deployment,
    export: config.name,
    table: config.table,
    account: run.account,
    region: run.region,
    run: run.id,
    day: run.day,
    ...(run.time !== undefined && { time: run.time }),
    startedAt: new Date(run.startedAt).toISOString(),
    finishedAt: new Date(now).toISOString(),
    mode: added?.mode ?? mode,
    ...(manifestWindow && { window: manifestWindow }),
    ...(backfills.length > 0 && { backfills }),
    ...(ownWindow && { unusableItems: unusable }),
    ...form,
    bucket: run.bucket,
    ...totalsOf(files),
    files,
    ...(follows !== undefined && { follows }),
    ...(replaced.length > 0 && { replaced }),
  };
}

type ManifestWindow = NonNullable<Manifest["window"]>;

/** Windows of one day follow each other. */
function unionOf(own: ManifestWindow, earlier: ManifestWindow | undefined): ManifestWindow {
  if (earlier?.attribute !== own.attribute || earlier.unit !== own.unit) return own;
  const isBefore = (a: string, b: string) => timeOf(own.unit, a) < timeOf(own.unit, b);
  const { from: _, ...rest } = own;
  const to = isBefore(own.to, earlier.to) ? earlier.to : own.to;
  if (own.from === undefined || earlier.from === undefined) return { ...rest, to };
  return { ...rest, from: isBefore(earlier.from, own.from) ? earlier.from : own.from, to };
}

export function totalsOf(files: readonly ExportedFile[]): { readonly items: number; readonly bytes: number } {
  return {
    items: files.reduce((sum, { items }) => sum + items, 0),
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}
