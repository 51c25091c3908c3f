/** Schedules: all that is scheduled, and the runs of one. */
import type { Run } from "../../../functions/schedules/contract";
import { nextInstant } from "../../../functions/shared/calendar/schedule-expression";
import { ownSchedule, schedulesOf } from "../../features/schedules/environment";
import { listedOwn, listedTick, listOwn } from "../../features/schedules/list";
import type { Query, ScheduleDetailsView, ScheduleRunView, SchedulesView } from "../contract";
import { runsOf, type LogTail } from "./log-tail";
import type { Environment, Source } from "./source";

const RUNS_SHOWN = 50;
const PREVIEWED = 5;

export async function readSchedules({ environment, now }: Source, tail: LogTail): Promise<SchedulesView> {
  const opened = await environment();
  const { own, ticks } = await schedulesOf(opened);
  const [listed, runs] = await Promise.all([own === undefined ? [] : listOwn(own, now()), lastRuns(opened, tail)]);
  return {
    schedules: [
      ...listed,
      ...ticks.map((tick) => {
        const name = (tick.functionArn.split(":").at(-1) ?? "").replace(`${opened.app}-${opened.name}-`, "");
        return listedTick(tick, runs.get(name), now());
      }),
    ],
  };
}

/** By name of the function: when it last ran. */
async function lastRuns(environment: Environment, tail: LogTail): Promise<ReadonlyMap<string, number>> {
  const latest = new Map<string, number>();
  for (const { functionName, at } of runsOf(await tail.read(environment)))
    latest.set(functionName, Math.max(latest.get(functionName) ?? 0, Date.parse(at)));
  return latest;
}

/** @param query name: the schedule's */
export async function readSchedule({ environment, now }: Source, { name = "" }: Query): Promise<ScheduleDetailsView> {
  const deployed = await environment();
  const { table, config } = ownSchedule(name, { deployed, ...(await schedulesOf(deployed)) });
  const [states, runs] = await Promise.all([table.states(), table.list(name, RUNS_SHOWN)]);
  const schedule = await listedOwn(name, config, { table, states }, now());
  const preview: string[] = [];
  if (schedule.state === "enabled")
    for (
      let at = nextInstant(config, now());
      at !== undefined && preview.length < PREVIEWED;
      at = nextInstant(config, at)
    )
      preview.push(new Date(at).toISOString());
  return { schedule, preview, runs: runs.map(viewOf) };
}

function viewOf({ run, scheduledAt, outcome, startedAt, durationMs, attempt, result, reason }: Run): ScheduleRunView {
  return {
    run,
    scheduledAt: new Date(scheduledAt).toISOString(),
    outcome,
    attempt,
    ...(startedAt !== undefined && { startedAt: new Date(startedAt).toISOString() }),
    ...(durationMs !== undefined && { durationMs }),
    ...(result !== undefined && { result }),
    ...(reason !== undefined && { reason }),
  };
}
