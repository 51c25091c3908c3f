import type { ExportedFile, Manifest, Run } from "../contract";
import { incrementalPeriod } from "./window";

/** The manifest of a finished run. `finishedAt` in epoch milliseconds. */
export function buildManifest(run: Run, files: readonly ExportedFile[], finishedAt: number): Manifest {
  const { config, window } = run;
  const { watermark } = config;
  const native = config.engine === "dynamodb-export";
  return {
    version: 1,
    export: config.name,
    table: config.table,
    region: run.region,
    run: run.id,
    day: run.day,
    startedAt: new Date(run.startedAt).toISOString(),
    finishedAt: new Date(finishedAt).toISOString(),
    mode: native && window !== undefined && incrementalPeriod(window) === undefined ? "full" : config.mode,
    ...(window && watermark && { window: { ...window, attribute: watermark.attribute, unit: watermark.unit } }),
    format: native ? "dynamodb-json" : config.format,
    compression: native ? "gzip" : config.compression,
    bucket: run.bucket,
    ...totalsOf(files),
    files: [...files],
  };
}

export function totalsOf(files: readonly ExportedFile[]): { readonly items: number; readonly bytes: number } {
  return {
    items: files.reduce((sum, { items }) => sum + items, 0),
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}
