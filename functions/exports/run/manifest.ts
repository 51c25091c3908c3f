/** The manifest of a finished run: what there is, and by what one knows that it is whole. */
import type { ExportedFile, Manifest, Run } from "../contract";
import { changesOf } from "./window";

export function manifestOf(run: Run, files: readonly ExportedFile[], finishedAt: number): Manifest {
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
    mode: native && window !== undefined && changesOf(window) === undefined ? "full" : config.mode,
    ...(window && watermark && { window: { ...window, attribute: watermark.attribute, unit: watermark.unit } }),
    format: native ? "dynamodb-json" : config.format,
    compression: native ? "gzip" : config.compression,
    bucket: run.bucket,
    items: files.reduce((sum, { items }) => sum + items, 0),
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    files: [...files],
  };
}
