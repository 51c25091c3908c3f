/** Schedules: every rule that invokes something, its last run, and its next. */
import { logGroupsOf } from "../../features/logs/log-groups";
import type { SchedulesView, ScheduleView } from "../contract";
import { nextRunOf, rulesOf } from "./due";
import { runsOf, type LogTail } from "./log-tail";
import type { Source } from "./source";

export async function readSchedules({ environment, now }: Source, tail: LogTail): Promise<SchedulesView> {
  const opened = await environment();
  const runs = runsOf(await tail.read(opened), logGroupsOf(opened.name, opened.state));
  const schedules = rulesOf(opened).map((rule): ScheduleView => {
    const { name, feature, expression, isEnabled, functionNames } = rule;
    const lastRun = runs.find((run) => functionNames.includes(run.functionName));
    const next = nextRunOf(rule, runs, now());
    return {
      name,
      feature,
      expression,
      isEnabled,
      functionNames,
      ...(lastRun !== undefined && { lastRun }),
      ...(next !== undefined && { nextAt: new Date(next).toISOString() }),
    };
  });
  return { schedules };
}
