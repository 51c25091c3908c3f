/** Heartbeats: status.json, and the history of one monitor. */
import { GetObjectCommand, NoSuchKey } from "@aws-sdk/client-s3";
import { QueryCommand } from "@aws-sdk/client-dynamodb";
import * as z from "zod";
import { STATUS_JSON_KEY, TELEMETRY_KEYS } from "../../../functions/heartbeats/contract";
import { monitorKey } from "../../../functions/heartbeats/monitors/policy";
import { stateTable, type StoredHistory } from "../../../functions/heartbeats/monitors/state-table";
import type { MonitorStatus, StatusDocument } from "../../../functions/heartbeats/status-page/document";
import { hourPercentiles, SHOWN_DAYS } from "../../../functions/heartbeats/status-page/history";
import { staleAt } from "../../../functions/heartbeats/status-page/status-format";
import { valuesOf } from "../../../functions/shared/aws/item";
import { systemClock } from "../../../functions/shared/clock";
import { DAY_MS, SECOND_MS, startOfUtcDay } from "../../../functions/shared/time";
import { outputsOf } from "../../shared/feature-outputs";
import type { CheckView, HeartbeatsView, LatencySeries, MonitorView, Query } from "../contract";
import { RequestError } from "../server/server";
import type { Environment, Source } from "./source";

const SHOWN_HOURS_DAYS = 7;

/** Of the latest checks of all targets, which are looked through for those of one. */
const CHECKS_READ = 500;
const CHECKS_SHOWN = 60;

/** @returns null before the first round of checks */
export async function readHeartbeats(source: Source): Promise<HeartbeatsView | null> {
  const environment = await source.environment();
  const document = await readDocument(environment);
  if (document === undefined) return null;
  const { status_page_url: statusPageUrl } = outputsOf("heartbeats", environment);
  const isStale = source.now() > staleAt(document);
  return {
    generatedAt: document.generatedAt,
    isStale,
    ...(statusPageUrl?.startsWith("http") === true && { statusPageUrl }),
    // What a dead checker last said is not how things are.
    monitors: document.monitors.map((monitor) => (isStale ? { ...monitor, state: "unknown" } : monitor)),
    incidents: document.incidents,
  };
}

async function readDocument(environment: Environment): Promise<StatusDocument | undefined> {
  const { status_page_bucket_name: Bucket } = outputsOf("heartbeats", environment);
  try {
    const { Body } = await environment.s3.send(new GetObjectCommand({ Bucket, Key: STATUS_JSON_KEY }));
    // Trusted: only the publisher can write to the bucket.
    return JSON.parse((await Body?.transformToString()) ?? "") as StatusDocument;
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined;
    throw error;
  }
}

/** @param query name: the monitor's */
export async function readMonitor(source: Source, { name = "" }: Query): Promise<MonitorView> {
  const view = await readHeartbeats(source);
  const monitor = view?.monitors.find((each) => each.name === name);
  if (view === null || monitor === undefined) throw new RequestError(404, `There is no monitor "${name}".`);
  const environment = await source.environment();
  const [history, checks] = await Promise.all([
    readHistory(monitor, environment, source.now()),
    monitor.kind === "target" ? readChecks(name, environment, source.now()) : [],
  ]);
  return {
    monitor,
    incidents: view.incidents.filter((incident) => incident.monitor === name),
    days: seriesOf(history.days),
    hours: seriesOf(history.hours),
    checks,
  };
}

const stateOutputs = z.looseObject({ state_table_name: z.string() });

function readHistory(
  { name, kind }: MonitorStatus,
  { dynamodb, features }: Environment,
  now: number,
): Promise<StoredHistory> {
  const { state_table_name } = stateOutputs.parse(features["heartbeats"]);
  const days = startOfUtcDay(now) - (SHOWN_DAYS - 1) * DAY_MS;
  return stateTable(dynamodb, state_table_name, { clock: systemClock, random: Math.random }).history(
    monitorKey[kind](name),
    { days, hours: now - SHOWN_HOURS_DAYS * DAY_MS, incidents: days },
  );
}

function seriesOf(periods: StoredHistory["days"]): LatencySeries {
  const points = periods.map(({ start, rollup }) => ({ start, ...hourPercentiles(rollup) }));
  return {
    at: points.map(({ start }) => start / SECOND_MS),
    p50: points.map(({ p50Ms }) => p50Ms),
    p95: points.map(({ p95Ms }) => p95Ms),
  };
}

const checkSchema = z.object({
  utcDate: z.string(),
  utcTime: z.string(),
  target: z.string(),
  latency: z.number(),
  outcome: z.looseObject({
    ok: z.boolean(),
    status: z.number().optional(),
    reason: z.string().optional(),
    message: z.string().optional(),
  }),
});

/** Of today and, where today is young, of yesterday. */
async function readChecks(target: string, environment: Environment, now: number): Promise<readonly CheckView[]> {
  const { telemetry_table_name: TableName } = outputsOf("heartbeats", environment);
  const found: CheckView[] = [];
  for (const time of [now, now - DAY_MS]) {
    const { Items = [] } = await environment.dynamodb.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: "#day = :day",
        ExpressionAttributeNames: { "#day": TELEMETRY_KEYS.partition },
        ExpressionAttributeValues: { ":day": { S: new Date(time).toISOString().slice(0, 10) } },
        ScanIndexForward: false,
        Limit: CHECKS_READ,
      }),
    );
    // A row of another program is none of ours.
    const rows = Items.flatMap((item) => checkSchema.safeParse(valuesOf(item)).data ?? []);
    found.push(...rows.filter((row) => row.target === target).map(checkOf));
    if (found.length >= CHECKS_SHOWN) break;
  }
  return found.slice(0, CHECKS_SHOWN);
}

function checkOf({ utcDate, utcTime, latency, outcome }: z.output<typeof checkSchema>): CheckView {
  const [time = ""] = utcTime.split("#");
  const { ok, status, reason, message } = outcome;
  const failure = [reason, message].filter((text) => text !== undefined).join(": ");
  return { at: `${utcDate}T${time}`, ok, latencyMs: latency, reason: ok ? `status ${status ?? ""}` : failure };
}
