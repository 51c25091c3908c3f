/** Describes timers for people. */
import type { UnreadableTimer } from "../../../clients/timers";
import type { FireResponse, ScheduleResponse, TimerResponse } from "../../../functions/timers/api/api-types";
import { plainText } from "../../shared/terminal/plain-text";
import { table } from "../../shared/terminal/table";

/** `each hour at :05`, `every 15 minutes`, `cron 0 9 * * ? * (Europe/Berlin)`, `once at 2026-11-21T17:00:00.000Z` */
export function describeSchedule(schedule: ScheduleResponse): string {
  const two = (number: number) => String(number).padStart(2, "0");
  if ("every" in schedule) {
    const { every, secondOfMinute: second } = schedule;
    return `every ${every}${second === undefined ? "" : `, at second ${second}`}`;
  }
  if ("cron" in schedule) return `cron ${schedule.cron} (${schedule.timeZone})`;
  if ("at" in schedule) return `once at ${schedule.at}`;
  const { minuteOfHour, secondOfMinute } = schedule;
  return `each hour at :${two(minuteOfHour)}${secondOfMinute === 0 ? "" : `:${two(secondOfMinute)}`}`;
}

export function describeTimers(timers: readonly TimerResponse[]): string {
  return table(
    ["id", "schedule", "next fire", "last fire", "shard"],
    timers.map(({ id, schedule, state, nextFireAt, lastFiredAt, shardId }) => [
      id,
      describeSchedule(schedule),
      nextFireAt ?? state,
      lastFiredAt ?? "none",
      shardId,
    ]),
  );
}

/** A row that was changed by hand, or by another version: the timer does not fire. */
export function describeUnreadable({ id, reason }: UnreadableTimer): string {
  return `${plainText(id)} cannot be read, and does not fire (${plainText(reason)}): put it again, or delete it.`;
}

/** All fields of one timer. */
export function describeTimer({ schedule, timerCallbackData, retry, ...others }: TimerResponse): string {
  const rows = Object.entries({
    schedule: describeSchedule(schedule),
    ...others,
    ...(retry !== undefined && { retry: JSON.stringify(retry) }),
    data: JSON.stringify(timerCallbackData),
  });
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows
    .map(([name, value]) => `${name.padEnd(width)}  ${value === null ? "none" : plainText(String(value))}`)
    .join("\n");
}

export function describeFires(fires: readonly FireResponse[]): string {
  return table(
    ["due", "fired", "late (ms)", "attempts", "outcome"],
    fires.map(({ dueAt, firedAt, latenessMs, attempts, outcome }) => [
      dueAt,
      firedAt,
      String(latenessMs),
      String(attempts),
      outcome,
    ]),
  );
}
