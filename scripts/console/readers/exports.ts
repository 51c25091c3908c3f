/** Exports: their runs, the progress of one that is running, and the manifest of the last. */
import { QueryCommand } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, NoSuchKey } from "@aws-sdk/client-s3";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";
import { manifestSchema, runSchema, STATE_TABLE_KEYS, type ExportConfig } from "../../../functions/exports/contract";
import { readConfiguration } from "../../../functions/exports/run/configuration";
import { manifestKey } from "../../../functions/exports/run/object-keys";
import { timeOf } from "../../../functions/exports/run/window";
import { stateTable } from "../../../functions/exports/storage/state-table";
import { systemClock } from "../../../functions/shared/clock";
import { outputsOf } from "../../shared/feature-outputs";
import { parseJson } from "../../shared/fields";
import { RequestError } from "../server/server";
import type { ExportRun, ExportsView, ExportSummary, ExportView, Query } from "../contract";
import type { Environment, Source } from "./source";

const RUNS_SHOWN = 50;
const RUNS_OF_EACH = 10;

/** A record of a run, as the state table has it. */
const recordSchema = z.object({
  status: z.enum(["RUNNING", "SUCCEEDED", "FAILED", "SUPERSEDED"]),
  run: z.string(),
  execution: z.string().optional(),
  finishedAt: z.string().optional(),
  items: z.number().optional(),
  bytes: z.number().optional(),
  location: z.string().optional(),
  error: z.string().optional(),
  cause: z.string().optional(),
});

interface Recorded {
  readonly view: ExportRun;
  readonly run: z.output<typeof runSchema>;
}

export async function readExports(source: Source): Promise<ExportsView> {
  const environment = await source.environment();
  const { tables } = await configurationOf(environment);
  const read = await Promise.all(
    tables.map(async (config) => {
      const runs = await readRuns(config.name, environment, RUNS_OF_EACH);
      return { summary: await summaryOf(config, runs, environment), runs };
    }),
  );
  const runs = read.flatMap((each) => each.runs.map(({ view }) => view));
  return {
    exports: read.map(({ summary }) => summary),
    runs: runs.sort((a, b) => (a.startedAt > b.startedAt ? -1 : 1)).slice(0, RUNS_SHOWN),
  };
}

/** @param query name: the export's */
export async function readExport(source: Source, { name = "" }: Query): Promise<ExportView> {
  const environment = await source.environment();
  const { tables } = await configurationOf(environment);
  const config = tables.find((each) => each.name === name);
  if (config === undefined) throw new RequestError(404, `There is no export "${name}".`);
  const runs = await readRuns(name, environment, RUNS_SHOWN);
  const published = runs.find(({ view }) => view.status === "SUCCEEDED" && view.location !== undefined);
  const running = runs.find(({ view }) => view.status === "RUNNING");
  const [summary, progress, manifest] = await Promise.all([
    summaryOf(config, runs, environment),
    running && progressOf(running, environment),
    published && readManifest(published, environment),
  ]);
  return {
    export: summary,
    runs: runs.map(({ view }) => view),
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

async function summaryOf(
  config: ExportConfig,
  [last]: readonly Recorded[],
  environment: Environment,
): Promise<ExportSummary> {
  const { name, table, mode, engine, format, compression } = config;
  const { cursor } = mode === "incremental" ? await stateOf(environment).exportState(name) : { cursor: undefined };
  return {
    name,
    table,
    kind: [mode, engine === "scan" ? format : engine, ...(compression === "none" ? [] : [compression])].join(", "),
    ...(cursor !== undefined && {
      cursor: new Date(timeOf(cursor.source?.unit ?? "milliseconds", cursor.value)).toISOString(),
    }),
    ...(last !== undefined && { last: last.view }),
  };
}

/** The latest first. A record that cannot be read hides no other. */
async function readRuns(name: string, environment: Environment, Limit: number): Promise<readonly Recorded[]> {
  const { Items = [] } = await environment.dynamodb.send(
    new QueryCommand({
      TableName: outputsOf("exports", environment).state_table_name,
      KeyConditionExpression: "#pk = :name AND begins_with(#sk, :run)",
      ExpressionAttributeNames: { "#pk": STATE_TABLE_KEYS.partition, "#sk": STATE_TABLE_KEYS.sort },
      ExpressionAttributeValues: { ":name": { S: name }, ":run": { S: "run#" } },
      ScanIndexForward: false,
      Limit,
    }),
  );
  return Items.flatMap((item) => {
    const record = recordSchema.safeParse(unmarshall(item)).data;
    const run = record && runSchema.safeParse(parseJson(record.run)).data;
    return record === undefined || run === undefined ? [] : [{ run, view: viewOf(record, run) }];
  });
}

function viewOf(record: z.output<typeof recordSchema>, run: z.output<typeof runSchema>): ExportRun {
  const { status, finishedAt, items, bytes, location, error, cause, execution } = record;
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
    ...(execution !== undefined && { execution }),
  };
}

async function progressOf({ run }: Recorded, environment: Environment): Promise<ExportView["progress"]> {
  const { items, bytes, segments, segmentsDone } = await stateOf(environment).runProgress(run);
  return { items, bytes, segments, segmentsDone, tableItems: run.tableSize?.items ?? null };
}

async function readManifest({ run }: Recorded, { s3 }: Environment): Promise<ExportView["manifest"]> {
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
      files: files.map((file) => ({ key: file.key, items: file.items, bytes: file.bytes })),
    };
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined;
    throw error;
  }
}
