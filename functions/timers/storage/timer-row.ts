/** The DynamoDB item of a timer. */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";

import { DAY_SECONDS, SECOND_MS } from "../../shared/time";
import { isCron } from "../../shared/calendar/cron";
import { HttpError } from "../../shared/handlers/http-errors";
import { fnv1a } from "../../shared/hash";
import { TIMER_KEYS, TIMER_PARTITIONS } from "../contract";
import { overdueSlot, type IndexKey } from "../schedule/fire-times";
import type { Schedule } from "../schedule/schedule";
import {
  LATEST_TIME_MS,
  MAX_JITTER_SECONDS,
  type MovedVersion,
  type StoredTimer,
  type TimerKind,
  type TimerOptions,
} from "../schedule/timer";

/**
 * A one-shot's row must outlive its messages, else the fence drops them: 4 days in the queue, 14 in the dead-letter queue, plus an outage of
 * the dispatcher.
 */
const ONESHOT_RETENTION_SECONDS = 20 * DAY_SECONDS;

/** In DynamoDB JSON. */
export type Row = Readonly<Record<string, AttributeValue>>;

/** A row that this version of Almanac cannot read. A client can put the timer again, or delete it. */
export class CorruptRowError extends HttpError {
  override readonly name = "CorruptRowError";
  readonly status = 409;
}

/** The sort key: `periodic#<id>`. */
export function timerKey(kind: TimerKind, id: string): string {
  return `${kind}#${id}`;
}

/** The whole key of a row: of a timer, a cursor, or the shard count. @param sort `periodic#<id>` */
export function rowKey(sort: string): Row {
  const group = sort.slice(0, sort.indexOf("#"));
  const partition =
    group === "periodic" || group === "oneshot" ? partitionOf(group, fnv1a(sort) % TIMER_PARTITIONS) : group;
  return { [TIMER_KEYS.partition]: { S: partition }, [TIMER_KEYS.sort]: { S: sort } };
}

/** @param number 0 to {@link TIMER_PARTITIONS} - 1 */
export function partitionOf(kind: TimerKind, number: number): string {
  return `${kind}#${number}`;
}

/** Kind and id of a row, also of one that cannot be read. */
export function timerIdOf(row: Row): { readonly kind: TimerKind; readonly id: string } {
  const key = row[TIMER_KEYS.sort]?.S ?? "";
  const split = key.indexOf("#");
  return { kind: key.startsWith("oneshot#") ? "oneshot" : "periodic", id: key.slice(split + 1) };
}

/** @param indexKey undefined: not in the index, because no fire remains to enqueue */
export function timerRow(timer: StoredTimer, indexKey: IndexKey | undefined): Row {
  const { schedule, enabled, requestKey, options, omitted, moved } = timer;
  // Assigned, not spread: eleven spreads took a tenth of a PUT.
  const row: Record<string, AttributeValue> = rowKey(timerKey(timer.kind, timer.id));
  const setNumber = (name: string, value: number | undefined): void => {
    if (value !== undefined) row[name] = { N: String(value) };
  };
  row["shard"] = { S: timer.shard };
  row["version"] = { S: timer.version };
  row["data"] = { S: timer.data };
  setNumber("putAt", timer.putAt);
  setNumber("enqueuedUntil", timer.enqueuedUntil);
  if (indexKey !== undefined) {
    row["slot"] = { S: indexKey.slot };
    setNumber("dueMs", indexKey.dueMs);
  }
  switch (schedule.kind) {
    case "every":
      setNumber("periodMs", schedule.periodMs);
      setNumber("phaseMs", schedule.phaseMs);
      break;
    case "cron":
      row["cron"] = { S: schedule.expression };
      row["timeZone"] = { S: schedule.timeZone };
      break;
    case "once":
      setNumber("at", schedule.at);
      // One that is paused stays until it is resumed, or deleted.
      if (enabled)
        setNumber(
          TIMER_KEYS.timeToLive,
          Math.ceil(Math.max(schedule.at, timer.putAt) / SECOND_MS) + ONESHOT_RETENTION_SECONDS,
        );
  }
  setNumber("startAt", timer.startAt);
  setNumber("endAt", timer.endAt);
  setNumber("maxFires", timer.maxFires);
  setNumber("finalAt", timer.finalAt);
  setNumber("firesLeft", timer.firesLeft);
  setNumber("jitterSeconds", timer.jitterSeconds);
  setNumber("since", timer.since);
  if (omitted !== undefined) row["omitted"] = { L: omitted.map((at) => ({ N: String(at) })) };
  if (!enabled) row["disabled"] = { BOOL: true };
  if (requestKey !== undefined) row["requestKey"] = { S: requestKey };
  if (options !== undefined) row["options"] = { M: optionAttributes(options) };
  if (moved !== undefined)
    row["moved"] = {
      L: moved.map(({ version, until }) => ({ M: { version: { S: version }, until: { N: String(until) } } })),
    };
  return row;
}

/** What {@link readTimerRow} reads, but for what only the API needs (`requestKey`, `slot`): a third of a row is its keys and its time to live. */
export const DISPATCHED_ATTRIBUTES: readonly string[] = [
  TIMER_KEYS.sort,
  ...["shard", "version", "periodMs", "phaseMs", "cron", "timeZone", "at", "data", "startAt", "endAt", "maxFires"],
  ...["finalAt", "firesLeft", "jitterSeconds", "disabled", "putAt", "options"],
  ...["since", "omitted", "moved", "enqueuedUntil"],
];

/**
 * Not parsed with zod: the dispatcher reads 20,000 rows per second.
 *
 * @throws {@link CorruptRowError}
 */
export function readTimerRow(row: Row): StoredTimer {
  const key = textOf(row, TIMER_KEYS.sort);
  const split = key.indexOf("#");
  const kind = key.slice(0, split);
  if (kind !== "periodic" && kind !== "oneshot") throw new CorruptRowError(`row "${key}" is not a timer`);
  const startAt = numberOf(row, "startAt");
  const endAt = numberOf(row, "endAt");
  const maxFires = numberOf(row, "maxFires");
  const finalAt = numberOf(row, "finalAt");
  const firesLeft = numberOf(row, "firesLeft");
  const jitterSeconds = numberOf(row, "jitterSeconds");
  if (jitterSeconds !== undefined && !(jitterSeconds >= 0 && jitterSeconds <= MAX_JITTER_SECONDS))
    throw new CorruptRowError(`${describe(row)}: jitterSeconds is not 0 to ${MAX_JITTER_SECONDS}`);
  const since = numberOf(row, "since");
  const omitted = row["omitted"]?.L;
  const requestKey = row["requestKey"]?.S;
  // In one attribute, because most rows have none.
  const options = row["options"]?.M;
  const moved = row["moved"]?.L;
  const shard = textOf(row, "shard");
  return {
    kind,
    id: key.slice(split + 1),
    shard,
    version: textOf(row, "version"),
    schedule: scheduleOf(row),
    data: textOf(row, "data"),
    ...(startAt !== undefined && { startAt }),
    ...(endAt !== undefined && { endAt }),
    ...(maxFires !== undefined && { maxFires }),
    ...(finalAt !== undefined && { finalAt }),
    ...(firesLeft !== undefined && { firesLeft }),
    ...(jitterSeconds !== undefined && { jitterSeconds }),
    enabled: row["disabled"] === undefined,
    putAt: requiredNumber(row, "putAt"),
    ...(requestKey !== undefined && { requestKey }),
    ...(options !== undefined && { options: readOptions(options, row) }),
    ...(since !== undefined && { since }),
    ...(omitted !== undefined && { omitted: omitted.map((N) => requiredNumber({ omitted: N }, "omitted")) }),
    ...(moved !== undefined && { moved: moved.map(readMoved) }),
    enqueuedUntil: requiredNumber(row, "enqueuedUntil"),
    ...(row["slot"]?.S === overdueSlot(shard) && { isOverdue: true }),
  };
}

function optionAttributes({ callback, catchUp, overlap, maxAttempts, maxAgeSeconds, history }: TimerOptions): Row {
  return {
    ...(callback !== undefined && { callback: { S: callback } }),
    ...(catchUp === "latest" ? { catchUp: { S: catchUp } } : numberAttribute("catchUp", catchUp)),
    ...(overlap !== undefined && { overlap: { S: overlap } }),
    ...numberAttribute("maxAttempts", maxAttempts),
    ...numberAttribute("maxAgeSeconds", maxAgeSeconds),
    ...(history !== undefined && { history: { BOOL: history } }),
  };
}

function readOptions(options: Row, row: Row): TimerOptions {
  const { callback, overlap, history } = options;
  const latest = options["catchUp"]?.S;
  if ((overlap !== undefined && overlap.S !== "skip") || (latest !== undefined && latest !== "latest"))
    throw new CorruptRowError(`${describe(row)}: has unknown options`);
  const maxAttempts = numberOf(options, "maxAttempts");
  const maxAgeSeconds = numberOf(options, "maxAgeSeconds");
  const catchUp = latest ?? numberOf(options, "catchUp");
  return {
    ...(callback?.S !== undefined && { callback: callback.S }),
    ...(catchUp !== undefined && { catchUp }),
    ...(overlap !== undefined && { overlap: "skip" }),
    ...(maxAttempts !== undefined && { maxAttempts }),
    ...(maxAgeSeconds !== undefined && { maxAgeSeconds }),
    ...(history?.BOOL !== undefined && { history: history.BOOL }),
  };
}

/** @throws {@link CorruptRowError} */
function readMoved({ M = {} }: AttributeValue): MovedVersion {
  return { version: textOf(M, "version"), until: requiredNumber(M, "until") };
}

/** Checked here: a schedule that cannot be computed would fail its neighbours in a page. */
function scheduleOf(row: Row): Schedule {
  const periodMs = numberOf(row, "periodMs");
  if (periodMs !== undefined) {
    const phaseMs = requiredNumber(row, "phaseMs");
    if (periodMs < SECOND_MS || phaseMs < 0 || phaseMs >= periodMs)
      throw new CorruptRowError(`${describe(row)}: has no valid period and phase`);
    return { kind: "every", periodMs, phaseMs };
  }
  const at = numberOf(row, "at");
  if (at !== undefined) return { kind: "once", at };
  const expression = textOf(row, "cron");
  const timeZone = textOf(row, "timeZone");
  if (!isCron(expression, timeZone)) throw new CorruptRowError(`${describe(row)}: has no valid cron and timeZone`);
  return { kind: "cron", expression, timeZone };
}

function textOf(row: Row, name: string): string {
  const text = row[name]?.S;
  if (text === undefined) throw new CorruptRowError(`${describe(row)}: ${name} is not a string`);
  return text;
}

function numberOf(row: Row, name: string): number | undefined {
  const digits = row[name]?.N;
  if (digits === undefined) return undefined;
  const number = Number(digits);
  // Larger numbers are not times.
  if (!(Math.abs(number) <= LATEST_TIME_MS)) throw new CorruptRowError(`${describe(row)}: ${name} is not a number`);
  return number;
}

function requiredNumber(row: Row, name: string): number {
  const number = numberOf(row, name);
  if (number === undefined) throw new CorruptRowError(`${describe(row)}: ${name} is not a number`);
  return number;
}

function describe(row: Row): string {
  return `row "${row[TIMER_KEYS.sort]?.S ?? "?"}"`;
}

function numberAttribute(name: string, value: number | undefined): Row {
  return value === undefined ? {} : { [name]: { N: String(value) } };
}
