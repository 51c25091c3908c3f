/** One tick of the keeper: every schedule by itself, so that one that fails leaves the others alone. */
import { mapConcurrently } from "../../shared/resilience/concurrency";
import { sleep, type Clock } from "../../shared/clock";
import { HOUR_MS, SECOND_MS } from "../../shared/time";
import type { Attempt, Run, ReadSchedules, ScheduleConfig, ScheduleState } from "../contract";
import { isOpen, planInvocations, planSchedule, type Plan } from "../plan/plan";
import type { MonitorsTable } from "../storage/monitors-table";
import type { RunsTable } from "../storage/runs-table";
import { reportRuns } from "./report-runs";

const CONCURRENT_SCHEDULES = 16;
const CONCURRENT_ROWS = 16;

export interface KeeperPorts {
  readonly table: RunsTable;
  /** Undefined: the environment has no heartbeats. */
  readonly monitors?: MonitorsTable | undefined;
  /** Invokes a schedule's function asynchronously. */
  readonly invoke: (attempt: Attempt) => Promise<void>;
  readonly clock: Clock;
  readonly observer: KeeperObserver;
}

export interface KeeperObserver {
  readonly created: (run: Run) => void;
  readonly lost: (run: Run, reason: string, outcome: "failed" | "retrying") => void;
  readonly invoked: (run: Run) => void;
  /** A schedule's tick failed. The next tick goes on where it stopped. */
  readonly failed: (schedule: string, error: unknown) => void;
}

/** A monitor that cannot be written must not fill the state with runs whose end is not reported. */
const MAX_UNREPORTED = 100;

/** A schedule that is back sooner loses nothing; and during a deployment, the keeper of before does not know the new ones. */
const REMOVED_MS = HOUR_MS;

/** How soon the next of several waiting runs begins after the one before it. */
const WAITING_POLL_MS = 5 * SECOND_MS;

/**
 * @param until epoch milliseconds: while runs wait for others, the tick goes on until then. A schedule of each minute could not catch up
 *   with one run a tick
 * @returns the number of failures
 */
export async function keepSchedules(schedules: ReadSchedules, ports: KeeperPorts, until: number): Promise<number> {
  let failures = 0;
  const failed = (name: string, error: unknown): void => {
    ports.observer.failed(name, error);
    failures += 1;
  };
  const observed = { ...ports, observer: { ...ports.observer, failed } };
  let kept = Object.entries(schedules).flatMap(([name, config]): [string, ScheduleConfig][] => {
    if (!(config instanceof Error)) return [[name, config]];
    failed(name, config);
    return [];
  });
  for (;;) {
    const readAt = ports.clock.now();
    const states = await ports.table.states();
    for (const [name, state] of states) {
      if (Object.hasOwn(schedules, name) || readAt - state.cursor < REMOVED_MS) continue;
      await forget(name, state, readAt, ports).catch((error: unknown) => {
        failed(name, error);
      });
    }
    const waiting = await mapConcurrently(kept, CONCURRENT_SCHEDULES, async ([name, config]) => {
      try {
        return await keep(name, config, { state: states.get(name), readAt }, observed);
      } catch (error) {
        failed(name, error);
        return false;
      }
    });
    kept = kept.filter((_, index) => waiting[index]);
    if (kept.length === 0 || ports.clock.now() + WAITING_POLL_MS > until) return failures;
    await sleep(ports.clock, WAITING_POLL_MS);
  }
}

/** What was due while a schedule was not configured is not missed when it is again. */
async function forget(
  name: string,
  state: ScheduleState,
  readAt: number,
  { table, monitors }: KeeperPorts,
): Promise<void> {
  await monitors?.expect(name, undefined, readAt);
  await table.forget(name, state);
}

/** @returns whether runs wait for others */
async function keep(
  name: string,
  config: ScheduleConfig,
  { state, readAt }: KnownState,
  { table, monitors, invoke, clock, observer }: KeeperPorts,
): Promise<boolean> {
  const open = await table.read([...(state?.open ?? [])].map((run) => ({ schedule: name, run })));
  const now = clock.now();
  const plan = planSchedule({ name, config, state, open, now });

  for (const lost of plan.lost) {
    // An attempt that ends in this moment has the last word.
    if (!(await table.markLost(lost, now))) return false;
    observer.lost(lost.run, lost.reason, lost.failure.outcome);
  }
  // A killed tick may have created rows already: they are as they were made then.
  const created = await mapConcurrently(plan.created, CONCURRENT_ROWS, (run) => table.create(run));
  if (plan.cursor !== undefined) {
    const isFollowed = (run: Run) => isOpen(run) || (monitors !== undefined && run.outcome === "missed");
    const opened = created.filter(isFollowed).map(({ run }) => run);
    const advanced = await table.advance(name, state, { cursor: plan.cursor, fingerprint: plan.fingerprint, opened });
    // Another tick has done it, or the schedule was paused.
    if (!advanced) return false;
    created.forEach(observer.created);
  }
  const { invoked, waits } = planInvocations([...plan.open, ...created], config, now);
  for (const run of invoked) {
    await invoke({ schedule: name, run: run.run, attempt: run.attempt, retries: config.retries });
    await table.markInvoked(run, clock.now());
    observer.invoked(run);
  }
  // No run waits for a monitor. The next tick repeats a report that failed.
  let isReported = true;
  try {
    if (monitors !== undefined) await report(name, { state, readAt }, plan, { table, monitors, clock });
  } catch (error) {
    observer.failed(name, error);
    isReported = plan.closed.length > MAX_UNREPORTED;
  }
  if (isReported && plan.closed.length > 0) await table.close(name, plan.closed);
  return waits;
}

interface KnownState {
  readonly state: ScheduleState | undefined;
  /** When its reading began, epoch milliseconds. */
  readonly readAt: number;
}

async function report(
  name: string,
  { state, readAt }: KnownState,
  { ended, expectedBefore }: Plan,
  { table, monitors, clock }: Pick<KeeperPorts, "table" | "clock"> & { readonly monitors: MonitorsTable },
): Promise<void> {
  await reportRuns(name, ended, monitors, clock.now());
  if (state?.expectedBefore === expectedBefore) return;
  if (await monitors.expect(name, expectedBefore, readAt)) await table.markExpected(name, expectedBefore);
}
