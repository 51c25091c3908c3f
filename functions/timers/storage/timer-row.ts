/** How a timer stands in its table. */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";

import { DAY_SECONDS } from "../../shared/time";
import { TIMER_KEYS } from "../contract";
import type { Place } from "../schedule/fire-times";
import type { Schedule } from "../schedule/schedule";
import type { StoredTimer, TimerKind } from "../schedule/timer";

/**
 * A one-shot's row outlives every message about it: four days in the queue, 14 among dead letters, hours of a dispatcher that does not run
 * (else the fence would take it for deleted).
 */
const ONESHOT_KEPT_SECONDS = 20 * DAY_SECONDS;

/** A row in DynamoDB's own JSON. */
export type Row = Readonly<Record<string, AttributeValue>>;

/** Something stands in the table that this Almanac did not write. */
export class CorruptRowError extends Error {
  override readonly name = "CorruptRowError";
}

/** The key of a timer's row: `periodic#<id>`. */
export function timerKey(kind: TimerKind, id: string): string {
  return `${kind}#${id}`;
}

/** @param place where the dispatcher finds it; undefined: nowhere, there is nothing left for it */
export function timerRow(timer: StoredTimer, place: Place | undefined): Row {
  const { schedule } = timer;
  return {
    [TIMER_KEYS.partition]: { S: timerKey(timer.kind, timer.id) },
    ...(place && { slot: { S: place.slot }, order: { N: String(place.order) } }),
    shard: { S: timer.shard },
    version: { S: timer.version },
    ...scheduleAttributes(schedule),
    data: { S: timer.data },
    ...numberAttribute("startAt", timer.startAt),
    ...numberAttribute("endAt", timer.endAt),
    ...numberAttribute("firesLeft", timer.firesLeft),
    ...numberAttribute("jitter", timer.jitterSeconds),
    ...(timer.enabled ? {} : { disabled: { BOOL: true } }),
    putAt: { N: String(timer.putAt) },
    through: { N: String(timer.through) },
    ...(schedule.kind === "once" &&
      numberAttribute(
        TIMER_KEYS.timeToLive,
        Math.ceil(Math.max(schedule.at, timer.putAt) / 1_000) + ONESHOT_KEPT_SECONDS,
      )),
  };
}

/**
 * Written by hand, not with zod: the dispatcher reads twenty thousand rows a second.
 *
 * @throws {@link CorruptRowError}
 */
export function readTimerRow(row: Row): StoredTimer {
  const key = textOf(row, TIMER_KEYS.partition);
  const split = key.indexOf("#");
  const kind = key.slice(0, split);
  if (kind !== "periodic" && kind !== "oneshot") throw new CorruptRowError(`the row "${key}" is no timer's`);
  const startAt = numberOf(row, "startAt");
  const endAt = numberOf(row, "endAt");
  const firesLeft = numberOf(row, "firesLeft");
  const jitterSeconds = numberOf(row, "jitter");
  return {
    kind,
    id: key.slice(split + 1),
    shard: textOf(row, "shard"),
    version: textOf(row, "version"),
    schedule: scheduleOf(row),
    data: textOf(row, "data"),
    ...(startAt !== undefined && { startAt }),
    ...(endAt !== undefined && { endAt }),
    ...(firesLeft !== undefined && { firesLeft }),
    ...(jitterSeconds !== undefined && { jitterSeconds }),
    enabled: row["disabled"] === undefined,
    putAt: neededNumber(row, "putAt"),
    through: neededNumber(row, "through"),
  };
}

function scheduleAttributes(schedule: Schedule): Row {
  switch (schedule.kind) {
    case "every":
      return { every: { N: String(schedule.periodMs) }, phase: { N: String(schedule.phaseMs) } };
    case "cron":
      return { cron: { S: schedule.expression }, zone: { S: schedule.timeZone } };
    case "once":
      return { at: { N: String(schedule.at) } };
  }
}

function scheduleOf(row: Row): Schedule {
  const periodMs = numberOf(row, "every");
  if (periodMs !== undefined) return { kind: "every", periodMs, phaseMs: neededNumber(row, "phase") };
  const at = numberOf(row, "at");
  if (at !== undefined) return { kind: "once", at };
  return { kind: "cron", expression: textOf(row, "cron"), timeZone: textOf(row, "zone") };
}

function textOf(row: Row, name: string): string {
  const text = row[name]?.S;
  if (text === undefined) throw new CorruptRowError(`${describe(row)} has no text "${name}"`);
  return text;
}

function numberOf(row: Row, name: string): number | undefined {
  const digits = row[name]?.N;
  if (digits === undefined) return undefined;
  const number = Number(digits);
  if (!Number.isFinite(number)) throw new CorruptRowError(`${describe(row)}: ${name} is no number`);
  return number;
}

function neededNumber(row: Row, name: string): number {
  const number = numberOf(row, name);
  if (number === undefined) throw new CorruptRowError(`${describe(row)} has no number "${name}"`);
  return number;
}

function describe(row: Row): string {
  return `the row "${row[TIMER_KEYS.partition]?.S ?? "?"}"`;
}

function numberAttribute(name: string, value: number | undefined): Row {
  return value === undefined ? {} : { [name]: { N: String(value) } };
}
