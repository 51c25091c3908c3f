/** Timers: the list, one timer with its fires, and how late fires were. */
import { paginateScan } from "@aws-sdk/client-dynamodb";
import * as z from "zod";
import type { TimerResponse } from "../../../functions/timers/api/api-types";
import { jsonText } from "../../../functions/shared/json-text";
import { MINUTE_MS, SECOND_MS } from "../../../functions/shared/time";
import { describeSchedule } from "../../features/timers/describe";
import { queuesOf } from "../../features/redrive/messages";
import { RequestError } from "../server/server";
import {
  TIMER_STATES,
  type LatenessView,
  type Query,
  type TimersView,
  type TimerState,
  type TimerSummary,
  type TimerView,
} from "../contract";
import { depthOf } from "./queues";
import { readAllTimers, readOneTimer, type ReadTimers, type WithTimers } from "./timer-rows";
import type { Environment, Source } from "./source";

export type TimerKind = TimerSummary["kind"];
const KINDS = ["periodic", "oneshot"] as const;

/** The list is read again after this time, or after ten times as long as it took: at most a tenth of the time is spent on it. */
const REREAD_MS = 2 * SECOND_MS;
const PAUSE_FACTOR = 10;

/** A fire is in its queue before it is due. */
const LATE_MS = MINUTE_MS;

const PREVIEWED = 10;

/** A window of the list: more than a screen shows. */
const WINDOW = 200;

export interface TimersReader {
  readonly list: (environment: WithTimers & Pick<Environment, "aws">) => Promise<TimerList>;
}

export interface TimerList extends Pick<ReadTimers, "unreadable"> {
  readonly timers: readonly TimerSummary[];
}

/**
 * @param now epoch milliseconds, of the environment's clock
 * @param elapsed milliseconds that pass as they do: the environment's clock may be moved, forward and back
 */
export function timersReader(
  now: () => number,
  elapsed = () => performance.now(),
  read: typeof readAllTimers = readAllTimers,
): TimersReader {
  const readAll = async (environment: WithTimers): Promise<TimerList> => {
    const { timers, unreadable } = await read(environment, now());
    return { timers: timers.map(({ kind, response }) => summaryOf(kind, response, now())), unreadable };
  };
  let known: { readonly of: string; readonly until: number; readonly list: Promise<TimerList> } | undefined;
  return {
    list: async (environment) => {
      const of = JSON.stringify(environment.aws);
      if (known?.of === of && elapsed() < known.until) return known.list;
      const startedAt = elapsed();
      const current = { of, until: Infinity, list: readAll(environment) };
      known = current;
      try {
        return await current.list;
      } finally {
        // Unless another environment is being read meanwhile.
        if (known === current)
          known = { ...current, until: elapsed() + Math.max(REREAD_MS, (elapsed() - startedAt) * PAUSE_FACTOR) };
      }
    },
  };
}

function summaryOf(kind: TimerKind, timer: TimerResponse, now: number): TimerSummary {
  const { id, schedule, shardId: shard, nextFireAt } = timer;
  return { kind, id, schedule: describeSchedule(schedule), state: stateOf(timer, now), shard, nextFireAt };
}

function stateOf({ enabled, nextFireAt }: TimerResponse, now: number): TimerSummary["state"] {
  if (!enabled) return "disabled";
  if (nextFireAt === null) return "ended";
  return Date.parse(nextFireAt) < now - LATE_MS ? "late" : "scheduled";
}

/** @param query state, kind, q (a part of the id), from (the first row of the window) */
export async function readTimers(source: Source, reader: TimersReader, query: Query): Promise<TimersView> {
  const environment = await source.environment();
  const queues = queuesOf(environment.features["timers"] ?? {});
  const depthsOf = async (urls: readonly string[]) =>
    (await Promise.all(urls.map((url) => depthOf(url, environment.sqs)))).reduce((sum, depth) => sum + depth, 0);
  const [{ timers, unreadable }, queued, deadLetters] = await Promise.all([
    reader.list(environment),
    depthsOf(queues.map(({ queueUrl }) => queueUrl)),
    depthsOf(queues.map(({ deadLetterQueueUrl }) => deadLetterQueueUrl)),
  ]);
  const { q = "", kind, state = "all" } = query;
  const text = q.toLowerCase();
  const matching = timers.filter(
    (timer) => (kind === undefined || timer.kind === kind) && timer.id.toLowerCase().includes(text),
  );
  const counts = countsOf(matching);
  const listed = (state === "all" ? matching : matching.filter((timer) => timer.state === state)).toSorted(byUrgency);
  const from = Math.max(0, Math.min(Number(query["from"] ?? 0) || 0, Math.max(0, listed.length - WINDOW)));
  return {
    counts,
    total: listed.length,
    from,
    timers: listed.slice(from, from + WINDOW),
    queued,
    deadLetters,
    unreadable,
  };
}

const historyOutputs = z.looseObject({ history_table_name: z.string() });

function countsOf(timers: readonly TimerSummary[]): TimersView["counts"] {
  const counts = Object.fromEntries(TIMER_STATES.map((state) => [state, 0])) as Record<TimerState, number>;
  counts.all = timers.length;
  for (const { state } of timers) counts[state] += 1;
  return counts;
}

/** What is late comes first, then what fires next. */
function byUrgency(a: TimerSummary, b: TimerSummary): number {
  if ((a.state === "late") !== (b.state === "late")) return a.state === "late" ? -1 : 1;
  const [left, right] = [a.nextFireAt ?? "~", b.nextFireAt ?? "~"];
  return left === right ? (a.id < b.id ? -1 : 1) : left < right ? -1 : 1;
}

/** @param query kind, id */
export async function readTimer(source: Source, { kind = "periodic", id = "" }: Query): Promise<TimerView> {
  const environment = await source.environment();
  const known = KINDS.find((each) => each === kind);
  const limits = { now: source.now(), fires: WINDOW, previewed: PREVIEWED };
  const read = known === undefined ? undefined : await readOneTimer(environment, { kind: known, id }, limits);
  if (known === undefined || read === undefined) throw new RequestError(404, `There is no ${kind} timer "${id}".`);
  const { response: timer, ...others } = read;
  return { timer: summaryOf(known, timer, source.now()), json: jsonText(timer), ...others };
}

const BUCKETS_MS = [50, 100, 200, 500, 1_000, 5_000, 60_000] as const;

/** Of the table's first rows, in no order: a sample. */
const FIRES_READ = 10_000;

export async function readLateness(source: Source): Promise<LatenessView> {
  const environment = await source.environment();
  const { history_table_name: TableName } = historyOutputs.parse(environment.features["timers"]);
  const late: number[] = [];
  let isComplete = true;
  const pages = paginateScan({ client: environment.dynamodb }, { TableName, ProjectionExpression: "firedMs, dueMs" });
  for await (const { Items = [] } of pages) {
    late.push(...Items.map(({ firedMs, dueMs }) => Number(firedMs?.N ?? 0) - Number(dueMs?.N ?? 0)));
    isComplete = late.length < FIRES_READ;
    if (!isComplete) break;
  }
  late.sort((a, b) => a - b);
  const at = (fraction: number) => late[Math.min(late.length - 1, Math.floor(late.length * fraction))] ?? null;
  return { buckets: bucketsOf(late), fires: late.length, p50Ms: at(0.5), p99Ms: at(0.99), isComplete };
}

function bucketsOf(late: readonly number[]): LatenessView["buckets"] {
  let before = 0;
  const bounds = [...BUCKETS_MS, null];
  return bounds.map((upToMs) => {
    const upTo = upToMs === null ? late.length : late.filter((each) => each < upToMs).length;
    const bucket = { upToMs, fires: upTo - before };
    before = upTo;
    return bucket;
  });
}
