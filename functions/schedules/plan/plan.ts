/**
 * What the keeper does for one schedule in one minute. Pure: see docs/decisions/0016.
 *
 * Every instant gets one row, whatever happens to ticks: the cursor moves past it only when its row exists. A run that has not ended is in
 * the state's `open`, so that a killed attempt, a lost invocation and a due retry are found.
 */
import { nextInstant } from "../../shared/calendar/schedule-expression";
import { jitterMs } from "../../shared/calendar/jitter";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "../../shared/time";
import {
  LATE_SECONDS,
  RUN_DAYS,
  runIdOf,
  runKey,
  type Run,
  type ScheduleConfig,
  type ScheduleState,
} from "../contract";
import { failureOf, type Failure } from "./end-attempt";

const LATE_MS = LATE_SECONDS * SECOND_MS;

/** Lambda ends a function at its deadline; its clock and ours may differ. */
const DEADLINE_GRACE_MS = 30 * SECOND_MS;

/** An invocation that has not begun by then is repeated: Lambda may have lost or dropped it. A repetition does not run twice. */
const REPEAT_INVOCATION_MS = 5 * MINUTE_MS;

/** A function that has not begun after this many invocations fails before its handler is called. */
const MAX_INVOCATIONS = 3;

/** Rows that one tick creates for a schedule, after an outage. The next tick goes on. */
const MAX_ROWS_PER_TICK = 200;

/** Runs that wait for others. More are missed: they would only be later each time. */
const MAX_WAITING = 100;

export interface Situation {
  readonly name: string;
  readonly config: ScheduleConfig;
  /** Undefined for a schedule that is new. */
  readonly state: ScheduleState | undefined;
  /** The rows of `state.open`. A row that has expired is missing. */
  readonly open: readonly Run[];
  /** Epoch milliseconds. */
  readonly now: number;
}

export interface Plan {
  /** Rows that do not exist yet. */
  readonly created: readonly Run[];
  /** Attempts that ended without recording it, or never began. */
  readonly lost: readonly LostAttempt[];
  /** Runs that have not ended once `lost` is written, without those of `created`. */
  readonly open: readonly Run[];
  /** Sort keys of runs that have ended. */
  readonly closed: readonly string[];
  /** Their rows, as they are once `lost` is written. A row that has expired is missing. */
  readonly ended: readonly Run[];
  /** A monitor expects the next run's row by then, epoch milliseconds; undefined while no run is due. */
  readonly expectedBefore: number | undefined;
  /** Of the state; undefined when it stays. */
  readonly cursor: number | undefined;
  readonly fingerprint: string;
}

export interface LostAttempt {
  readonly run: Run;
  readonly reason: string;
  readonly failure: Failure;
}

/** Has not ended. */
export function isOpen({ outcome }: Pick<Run, "outcome">): boolean {
  return outcome === "queued" || outcome === "running" || outcome === "retrying";
}

/** Of a schedule that is not enabled: what was due until it is again is not missed. */
const DISABLED = "disabled";

/** Of the fields that determine a schedule's instants. */
function fingerprintOf({ schedule, timeZone, startAt, endAt, jitterSeconds, enabled }: ScheduleConfig): string {
  return enabled ? JSON.stringify([schedule, timeZone, startAt ?? "", endAt ?? "", jitterSeconds]) : DISABLED;
}

/** A schedule that changes loses nothing that the tick before the deployment has left: two ticks, because one may be late. */
const UNSEEN_MS = 2 * MINUTE_MS;

export function planSchedule(situation: Situation): Plan {
  const { config, state, open, now } = situation;
  const fingerprint = fingerprintOf(config);
  const lost = open.flatMap((run): LostAttempt[] => {
    const reason = lossOf(run, now);
    return reason === undefined ? [] : [{ run, reason, failure: failureOf(run, config.retries, now) }];
  });
  const stillOpen = open.filter(isOpen).flatMap((run): Run[] => {
    const failure = lost.find((each) => each.run === run)?.failure;
    if (failure === undefined) return [run];
    const { invokedAt: _, ...rest } = run;
    return failure.outcome === "failed" ? [] : [{ ...rest, ...failure }];
  });
  const { created, cursor } = planInstants(situation, fingerprint, stillOpen);
  const gone = lost.filter(({ failure }) => failure.outcome === "failed");
  return {
    created,
    lost,
    open: stillOpen,
    closed: [...(state?.open ?? [])].filter((run) => !stillOpen.some((each) => each.run === run)),
    ended: [
      ...open.filter((run) => !isOpen(run)),
      ...gone.map(({ run }): Run => ({ ...run, outcome: "failed", endedAt: now })),
    ],
    expectedBefore: expectedBefore(situation, cursor ?? state?.cursor ?? now),
    cursor,
    fingerprint,
  };
}

/** The keeper is overdue when the first instant after the cursor has no row until a run of it would be late. */
function expectedBefore({ config, state }: Situation, cursor: number): number | undefined {
  if (state?.pausedAt !== undefined || !config.enabled) return undefined;
  const next = nextInstant(config, cursor);
  return next === undefined ? undefined : next + config.jitterSeconds * SECOND_MS + LATE_MS;
}

/** Why an attempt will not end by itself; undefined while it may. */
function lossOf({ outcome, deadline = 0, invocations, invokedAt }: Run, now: number): string | undefined {
  if (outcome === "running")
    return now > deadline + DEADLINE_GRACE_MS
      ? "was ended by Lambda (timeout, memory or crash): see the function's log"
      : undefined;
  const isGivenUp = invocations >= MAX_INVOCATIONS && now - (invokedAt ?? now) >= REPEAT_INVOCATION_MS;
  return isOpen({ outcome }) && isGivenUp
    ? "did not begin: the function fails before its handler is called"
    : undefined;
}

/** The rows of instants since the cursor. */
function planInstants(
  { name, config, state, now }: Situation,
  fingerprint: string,
  open: readonly Run[],
): Pick<Plan, "created" | "cursor"> {
  const isChanged = state?.fingerprint !== fingerprint;
  // What was due before it began is not missed.
  if (state === undefined || (isChanged && [fingerprint, state.fingerprint].includes(DISABLED)))
    return { created: [], cursor: now };
  if (state.pausedAt !== undefined || !config.enabled) return { created: [], cursor: isChanged ? now : undefined };
  const oldest = now - (isChanged ? UNSEEN_MS + config.jitterSeconds * SECOND_MS : RUN_DAYS * DAY_MS);
  const after = Math.max(state.cursor, oldest);
  const due = dueRuns(name, config, after, now);
  const created: Run[] = [];
  const planned = due.slice(0, MAX_ROWS_PER_TICK);
  for (const [index, run] of planned.entries()) {
    // The schedule of before the change was not due then.
    if (isChanged && now - run.dueAt > LATE_MS) continue;
    const running = [...open, ...created.filter(({ outcome }) => outcome === "queued")];
    created.push({ ...run, ...fateOf(run, { config, now, running, isLatest: index === due.length - 1 }) });
  }
  return { created, cursor: planned.at(-1)?.scheduledAt ?? (isChanged ? after : undefined) };
}

/** In order. Jitter does not change the order: a run waits for those before it, which does not make it late. */
function dueRuns(schedule: string, config: ScheduleConfig, after: number, now: number): readonly Run[] {
  const runs: Run[] = [];
  for (let at = nextInstant(config, after); at !== undefined && at <= now; at = nextInstant(config, at)) {
    const run = scheduledRun(schedule, config, at);
    if (run.dueAt > now) break;
    runs.push({ ...run, dueAt: Math.max(run.dueAt, runs.at(-1)?.dueAt ?? 0) });
  }
  return runs;
}

/** The run of an instant, as it is queued. */
function scheduledRun(schedule: string, { jitterSeconds, input }: ScheduleConfig, scheduledAt: number): Run {
  const run = runKey(scheduledAt);
  const dueAt = scheduledAt + (jitterSeconds === 0 ? 0 : jitterMs(runIdOf({ schedule, run }), jitterSeconds));
  const queued = { outcome: "queued", manual: false, attempt: 1, invocations: 0 } as const;
  return { schedule, run, scheduledAt, dueAt, ...queued, ...(input !== undefined && { input: JSON.stringify(input) }) };
}

interface Circumstances {
  readonly config: ScheduleConfig;
  readonly now: number;
  /** Runs that run, or are to. */
  readonly running: readonly Run[];
  /** No later instant is due. */
  readonly isLatest: boolean;
}

function fateOf(
  { dueAt }: Run,
  { config: { catchUp, overlap }, now, running, isLatest }: Circumstances,
): Pick<Run, "outcome"> & { readonly reason?: string; readonly endedAt?: number } {
  const isLate = now - dueAt > LATE_MS;
  if (isLate && (catchUp === "none" || (catchUp === "latest" && !isLatest)))
    return { outcome: "missed", reason: `was not started when it was due (catchUp: "${catchUp}")`, endedAt: now };
  const [other] = running;
  if (overlap === "skip" && !isLate && other !== undefined)
    return { outcome: "skipped", reason: `${runIdOf(other)} had not ended (overlap: "skip")`, endedAt: now };
  if (running.length >= MAX_WAITING)
    return { outcome: "missed", reason: `${running.length} runs had not ended`, endedAt: now };
  return { outcome: "queued" };
}

export interface Invocations {
  /** Runs whose function is invoked for their next attempt. */
  readonly invoked: readonly Run[];
  /** A run is due and waits for another one to end. */
  readonly waits: boolean;
}

/**
 * Unless runs may overlap, one at a time, in order. A manual run does not wait.
 *
 * @param runs as their rows are: another tick may have created one otherwise than this one planned
 */
export function planInvocations(runs: readonly Run[], { overlap }: ScheduleConfig, now: number): Invocations {
  const isUnderWay = ({ outcome, invokedAt }: Run) => outcome === "running" || invokedAt !== undefined;
  const isDue = ({ outcome, nextAttemptAt = 0, invokedAt = -Infinity }: Run) =>
    outcome !== "running" && nextAttemptAt <= now && now - invokedAt >= REPEAT_INVOCATION_MS;
  const byTime = runs.filter(isOpen).toSorted((a, b) => a.scheduledAt - b.scheduledAt);
  if (overlap === "allow") return { invoked: byTime.filter(isDue), waits: false };
  const next = byTime.some(isUnderWay) ? undefined : byTime.find(({ manual }) => !manual);
  const invoked = byTime.filter((run) => isDue(run) && (run.manual || run === next || isUnderWay(run)));
  return { invoked, waits: byTime.some((run) => isDue(run) && !isUnderWay(run) && !invoked.includes(run)) };
}
