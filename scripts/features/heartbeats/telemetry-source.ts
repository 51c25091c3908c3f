/** What the telemetry table tells of the targets: their latest checks, and those of today. */
import { paginateQuery, type AttributeValue, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";
import { TELEMETRY_KEYS } from "../../../functions/heartbeats/contract";
import type { StatusSource, TargetView } from "./status-view";

/** Heartbeats come every eight hours at least: what was checked lately was checked since then. */
const LOOK_BACK_MS = 8 * 3_600_000;

/** A target that has missed so many of its checks has no state any more. */
const MISSED_CHECKS = 3;

/** Of how many gaps between its checks a target's own interval is taken: a few may be odd, for ticks come late and doubled. */
const GAPS = 11;

/** The interval of a target that was checked but once. */
const UNKNOWN_INTERVAL_MS = 300_000;

/** Rows asked for at a time. */
const PAGE_ROWS = 1_000;

/** As much of a row as is shown. */
const rowSchema = z.object({
  utcDate: z.string(),
  utcTime: z.string(),
  target: z.string(),
  latency: z.number(),
  outcome: z.object({
    ok: z.boolean(),
    message: z.string().optional(),
    certificateDaysLeft: z.number().optional(),
  }),
});
type Row = z.output<typeof rowSchema>;

/** {@link StatusSource} over the telemetry table. A target that was never checked is not in it. */
export function telemetrySource(dynamodb: DynamoDBClient, table: string): StatusSource {
  return {
    read: async (now) => {
      const seen = new Map<string, Seen>();
      for (const [day, from] of daysToRead(now))
        for await (const row of rowsOf(dynamodb, table, day, from)) note(seen, row, dateOf(now));
      const targets = [...seen.entries()].map(([name, of]) => viewOf(name, of, now));
      targets.sort((a, b) => (a.name < b.name ? -1 : 1));
      return { source: `the table ${table}`, targets, incidents: [] };
    },
  };
}

/** UTC days, the latest first, each with the time of day from which it is read. */
export function daysToRead(now: number): readonly (readonly [day: string, from: string])[] {
  const today = dateOf(now);
  const [earlier = "", from = ""] = new Date(now - LOOK_BACK_MS).toISOString().split("T");
  return earlier === today
    ? [[today, "00:00"]]
    : [
        [today, "00:00"],
        [earlier, from],
      ];
}

function dateOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** One day's rows, the latest first. */
async function* rowsOf(dynamodb: DynamoDBClient, table: string, day: string, from: string): AsyncGenerator<Row> {
  const pages = paginateQuery(
    { client: dynamodb },
    {
      TableName: table,
      KeyConditionExpression: "#day = :day AND #time >= :from",
      ProjectionExpression: "#day, #time, target, latency, outcome",
      ExpressionAttributeNames: { "#day": TELEMETRY_KEYS.partition, "#time": TELEMETRY_KEYS.sort },
      ExpressionAttributeValues: { ":day": { S: day }, ":from": { S: from } } satisfies Record<string, AttributeValue>,
      ScanIndexForward: false,
      Limit: PAGE_ROWS,
    },
  );
  for await (const { Items = [] } of pages) for (const item of Items) yield rowSchema.parse(unmarshall(item));
}

/** What its rows have told of a target so far. */
interface Seen {
  readonly latest: Row;
  /** When it was checked, epoch milliseconds, the latest first; no more than are needed. */
  readonly times: number[];
  failuresToday: number;
}

/** Takes a row in; rows come the latest first. */
function note(seen: Map<string, Seen>, row: Row, today: string): void {
  const of = seen.get(row.target) ?? { latest: row, times: [], failuresToday: 0 };
  seen.set(row.target, of);
  if (of.times.length <= GAPS) of.times.push(timeOf(row));
  if (!row.outcome.ok && row.utcDate === today) of.failuresToday++;
}

function viewOf(name: string, { latest, times, failuresToday }: Seen, now: number): TargetView {
  const { ok, message = null, certificateDaysLeft = null } = latest.outcome;
  const at = timeOf(latest);
  const stale = now - at > MISSED_CHECKS * intervalOf(times);
  return {
    name,
    state: stale ? "unknown" : ok ? "up" : "down",
    lastCheck: { at: new Date(at).toISOString(), ok, latencyMs: latest.latency, message, certificateDaysLeft },
    failuresToday,
    uptime: null,
  };
}

/** The median gap between checks. */
function intervalOf(times: readonly number[]): number {
  const gaps = times.slice(1).map((time, index) => (times[index] ?? time) - time);
  return gaps.sort((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? UNKNOWN_INTERVAL_MS;
}

function timeOf({ utcDate, utcTime }: Row): number {
  return Date.parse(`${utcDate}T${utcTime.slice(0, "HH:MM:SS.mmmZ".length)}`);
}
