/** All that is scheduled in an environment, as lists show it. */
import type { Run, ScheduleConfig } from "../../../functions/schedules/contract";
import type { RunsTable } from "../../../functions/schedules/storage/runs-table";
import { nextInstant } from "../../../functions/shared/calendar/schedule-expression";
import { mapConcurrently } from "../../../functions/shared/resilience/concurrency";
import { isoSeconds } from "../../../functions/shared/time";
import type { ListedSchedule } from "./describe";
import type { OwnSchedules } from "./environment";
import { nextTick, type FeatureTick } from "./feature-ticks";

const CONCURRENCY = 4;

/** Those of main.ts. */
export async function listOwn({ schedules, table }: OwnSchedules, now: number): Promise<readonly ListedSchedule[]> {
  const states = await table.states();
  return mapConcurrently(Object.entries(schedules), CONCURRENCY, ([name, config]) =>
    listedOwn(name, config, { table, states }, now),
  );
}

/** One of main.ts. */
export async function listedOwn(
  name: string,
  config: ScheduleConfig,
  { table, states }: Pick<OwnSchedules, "table"> & { readonly states: Awaited<ReturnType<RunsTable["states"]>> },
  now: number,
): Promise<ListedSchedule> {
  const [last] = await table.list(name, 1);
  const isPaused = states.get(name)?.pausedAt !== undefined;
  const next = config.enabled && !isPaused ? nextInstant(config, now) : undefined;
  return {
    name,
    schedule: config.schedule,
    timeZone: config.timeZone,
    of: "main.ts",
    state: config.enabled ? (isPaused ? "paused" : "enabled") : "disabled",
    ...(next !== undefined && { nextAt: isoSeconds(next) }),
    ...(last && lastOf(last)),
  };
}

function lastOf({ scheduledAt, outcome }: Run): Pick<ListedSchedule, "lastAt" | "lastOutcome"> {
  return { lastAt: isoSeconds(scheduledAt), lastOutcome: outcome };
}

/** @param last when its function last ran: epoch milliseconds */
export function listedTick({ name, schedule }: FeatureTick, last: number | undefined, now: number): ListedSchedule {
  const next = nextTick({ schedule, timeZone: "UTC" }, last, now);
  return {
    name,
    schedule,
    timeZone: "UTC",
    of: "almanac",
    state: "enabled",
    ...(next !== undefined && { nextAt: isoSeconds(next) }),
    ...(last !== undefined && { lastAt: isoSeconds(last) }),
  };
}
