/** Describes schedules and their runs for people. */
import type { Colors } from "picocolors/types";
import type { Outcome, Run } from "../../../functions/schedules/contract";
import { truncate, visible } from "../../../functions/shared/text";
import { isoSeconds } from "../../../functions/shared/time";
import { table } from "../../shared/terminal/table";

/** A schedule in the list. Times are ISO 8601. */
export interface ListedSchedule {
  readonly name: string;
  readonly schedule: string;
  readonly timeZone: string;
  /** `main.ts`: your own. `almanac`: a tick of a feature. */
  readonly of: "main.ts" | "almanac";
  readonly state: "enabled" | "disabled" | "paused";
  readonly nextAt?: string;
  readonly lastAt?: string;
  readonly lastOutcome?: Outcome;
}

export function describeSchedules(schedules: readonly ListedSchedule[], colours: Colors): string {
  return table(
    ["schedule", "when", "next", "last", "outcome"],
    schedules.map(({ name, schedule, timeZone, of, state, nextAt = "", lastAt = "", lastOutcome }) => [
      of === "main.ts" ? name : colours.dim(name),
      timeZone === "UTC" ? schedule : `${schedule} ${timeZone}`,
      state === "enabled" ? nextAt : colours.yellow(state),
      lastAt,
      lastOutcome === undefined ? "" : colouredOutcome(lastOutcome, colours),
    ]),
  );
}

export function describeRuns(runs: readonly Run[], colours: Colors): string {
  return table(
    ["run", "outcome", "started", "duration", "attempt", "result or reason"],
    runs.map(({ run, outcome, startedAt, durationMs, attempt, result, reason }) => [
      run,
      colouredOutcome(outcome, colours),
      startedAt === undefined ? "" : isoSeconds(startedAt),
      durationMs === undefined ? "" : `${durationMs} ms`,
      String(attempt),
      shortened(outcome === "succeeded" ? (result ?? "") : (reason ?? "")),
    ]),
  );
}

/** A run with all that its row has. */
export function describeRun(run: Run, logUrl: string | undefined, colours: Colors): string {
  const time = (at: number | undefined) => (at === undefined ? undefined : new Date(at).toISOString());
  const fields: Readonly<Record<string, string | undefined>> = {
    scheduled: time(run.scheduledAt),
    due: run.dueAt === run.scheduledAt ? undefined : time(run.dueAt),
    started: time(run.startedAt),
    ended: time(run.endedAt),
    duration: run.durationMs === undefined ? undefined : `${run.durationMs} ms`,
    attempt: String(run.attempt),
    "next attempt": time(run.nextAttemptAt),
    input: run.input && visible(run.input),
    result: run.result && visible(run.result),
    note: run.resultNote && visible(run.resultNote),
    reason: run.reason && visible(run.reason),
    log: logUrl ?? (run.log && `${run.log.group} ${run.log.stream} ${run.log.requestId}`),
  };
  const lines = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [`  ${name.padEnd(13)}${value}`],
  );
  return [`${run.schedule}/${run.run}  ${colouredOutcome(run.outcome, colours)}`, ...lines].join("\n");
}

/** Without what only the keeper needs; times as ISO 8601. */
export function jsonOfRun(run: Run): Readonly<Record<string, unknown>> {
  const { owner: _, deadline: __, invokedAt: ___, invocations: ____, attemptStartedAt: _____, ...shown } = run;
  const times = ["scheduledAt", "dueAt", "startedAt", "endedAt", "nextAttemptAt"] as const;
  const iso = times.flatMap((name) => {
    const at = run[name];
    return at === undefined ? [] : [[name, new Date(at).toISOString()] as const];
  });
  return { ...shown, ...Object.fromEntries(iso) };
}

function colouredOutcome(outcome: Outcome, colours: Colors): string {
  if (outcome === "succeeded") return colours.green(outcome);
  return outcome === "failed" || outcome === "missed" ? colours.red(outcome) : colours.yellow(outcome);
}

const shortened = (text: string): string => truncate(visible(text), 60);
