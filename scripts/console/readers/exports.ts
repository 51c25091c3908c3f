/** Exports: their runs, the progress of one that is running, and the manifest of the last. */
import { GetObjectCommand, NoSuchKey } from "@aws-sdk/client-s3";
import { manifestSchema, type ExportConfig } from "../../../functions/exports/contract";
import { readConfiguration } from "../../../functions/exports/run/configuration";
import { manifestKey } from "../../../functions/exports/run/object-keys";
import { timeOfCursor, type Cursor } from "../../../functions/exports/run/cursor";
import { UnreadableRowError } from "../../../functions/exports/storage/state-items";
import { stateTable, type RunRecord } from "../../../functions/exports/storage/state-table";
import { systemClock } from "../../../functions/shared/clock";
import { outputsOf } from "../../shared/feature-outputs";
import { parseJson } from "../../shared/fields";
import { RequestError } from "../server/server";
import type { ExportRun, ExportsView, ExportSummary, ExportView, Query } from "../contract";
import type { Environment, Source } from "./source";

const RUNS_SHOWN = 50;
const RUNS_OF_EACH = 10;

/** Of a manifest, which may have a hundred thousand. */
const FILES_SHOWN = 200;

export async function readExports(source: Source): Promise<ExportsView> {
  const environment = await source.environment();
  const { tables } = await configurationOf(environment);
  const unreadable: string[] = [];
  const read = await Promise.all(
    tables.map(async (config) => {
      const runs = await latestRuns(config.name, RUNS_OF_EACH, environment, unreadable);
      return { summary: await summaryOf(config, runs, environment, unreadable), runs };
    }),
  );
  const runs = read.flatMap((each) => each.runs.map(viewOf));
  return {
    exports: read.map(({ summary }) => summary),
    unreadable,
    runs: runs.sort((a, b) => (a.startedAt > b.startedAt ? -1 : 1)).slice(0, RUNS_SHOWN),
  };
}

/** @param query name: the export's */
export async function readExport(source: Source, { name = "" }: Query): Promise<ExportView> {
  const environment = await source.environment();
  const { tables } = await configurationOf(environment);
  const config = tables.find((each) => each.name === name);
  if (config === undefined) throw new RequestError(404, `There is no export "${name}".`);
  const unreadable: string[] = [];
  const runs = await latestRuns(name, RUNS_SHOWN, environment, unreadable);
  const published = runs.find(({ status, location }) => status === "SUCCEEDED" && location !== undefined);
  const running = runs.find(({ status }) => status === "RUNNING");
  const [summary, progress, manifest] = await Promise.all([
    summaryOf(config, runs, environment, unreadable),
    running && readable(`${name} progress`, unreadable, () => progressOf(running, environment)),
    published && readManifest(published, environment),
  ]);
  return {
    export: summary,
    unreadable,
    runs: runs.map(viewOf),
    ...(progress !== undefined && { progress }),
    ...(manifest !== undefined && { manifest }),
  };
}

function configurationOf(environment: Environment) {
  return readConfiguration(environment.s3, outputsOf("exports", environment).configuration_bucket_name);
}

function stateOf(environment: Environment) {
  return stateTable(environment.dynamodb, outputsOf("exports", environment).state_table_name, systemClock);
}

/** @param unreadable the runs that have no readable record are added to it: `orders 2026-11-21T17:00:00.123Z` */
function latestRuns(name: string, limit: number, environment: Environment, unreadable: string[]) {
  return stateOf(environment).latestRuns(name, limit, (id) => void unreadable.push(`${name} ${id}`));
}

async function summaryOf(
  config: ExportConfig,
  [last]: readonly RunRecord[],
  environment: Environment,
  unreadable: string[],
): Promise<ExportSummary> {
  const { name, table, mode, engine, format, compression } = config;
  const cursor = mode === "incremental" ? await readCursor(name, environment, unreadable) : undefined;
  const time = cursor && timeOfCursor(cursor);
  return {
    name,
    table,
    kind: [mode, engine === "scan" ? format : engine, ...(compression === "none" ? [] : [compression])].join(", "),
    ...(time !== undefined && { cursor: new Date(time).toISOString() }),
    ...(last !== undefined && { last: viewOf(last) }),
  };
}

async function readCursor(name: string, environment: Environment, unreadable: string[]): Promise<Cursor | undefined> {
  const state = await readable(`${name} state`, unreadable, () => stateOf(environment).exportState(name));
  const cursor = state?.cursor;
  if (cursor !== undefined && timeOfCursor(cursor) === undefined) unreadable.push(`${name} cursor`);
  return cursor;
}

/** Undefined for a row that cannot be read, whose name is added to `unreadable`. */
async function readable<T>(name: string, unreadable: string[], read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof UnreadableRowError)) throw error;
    unreadable.push(name);
    return undefined;
  }
}

function viewOf(record: RunRecord): ExportRun {
  const { run, status, finishedAt, items, bytes, location, error, cause, execution } = record;
  const reason = [error, cause].filter((text) => text !== undefined && text !== "").join(": ");
  return {
    export: run.exportId,
    id: run.id,
    day: run.day,
    trigger: run.trigger,
    status,
    startedAt: new Date(run.startedAt).toISOString(),
    ...(finishedAt !== undefined && { finishedAt }),
    ...(items !== undefined && { items }),
    ...(bytes !== undefined && { bytes }),
    ...(location !== undefined && { location }),
    ...(reason !== "" && { error: reason }),
    execution,
  };
}

async function progressOf({ run }: RunRecord, environment: Environment): Promise<ExportView["progress"]> {
  const { items, bytes, segments, segmentsDone } = await stateOf(environment).runProgress(run);
  const counted = run.tableSize?.items ?? 0;
  return { items, bytes, segments, segmentsDone, tableItems: counted === 0 ? null : counted };
}

async function readManifest({ run }: RunRecord, { s3 }: Environment): Promise<ExportView["manifest"]> {
  const key = manifestKey(run);
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: run.bucket, Key: key }));
    const manifest = manifestSchema.safeParse(parseJson((await Body?.transformToString()) ?? "")).data;
    if (manifest === undefined) return undefined;
    const { items, bytes, files } = manifest;
    return {
      uri: `s3://${run.bucket}/${key}`,
      items,
      bytes,
      files: files.slice(0, FILES_SHOWN).map((file) => ({ key: file.key, items: file.items, bytes: file.bytes })),
      fileCount: files.length,
    };
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined;
    throw error;
  }
}
