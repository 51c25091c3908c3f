/** Finds tasks whose end event was lost. */
import { sleep, type Clock } from "../../shared/clock";
import { errorMessage } from "../../shared/errors";
import { MINUTE_MS, SECOND_MS } from "../../shared/time";
import { SWEEP_MINUTES, type TaskRow } from "../contract";
import type { Executions, ListedExecution } from "./executions";
import { reconcile } from "./reconciler";
import { lastStartOf, startedAtOf, type EndStatus, type Execution } from "./task";
import type { PageKey, TaskTable } from "./task-table";

/** DescribeExecution's quota is 10 requests a second for the whole account: half of it is the API's. */
const DESCRIBE_INTERVAL_MS = 200;

/** A task that started within this time may be missing in a list of executions, or be missing in it no longer. */
const GRACE_MS = MINUTE_MS;

/** A younger execution that cannot be described may exist all the same. */
const MISSING_AFTER_MS = 15 * MINUTE_MS;

/** The machine has written its row by then, or has failed for it. */
const START_WRITTEN_MS = 5 * MINUTE_MS;

/** Of executions that were redriven and ended again, the latest are described: their own events have written most of their rows. */
const MAX_ENDED_AGAIN = 50;

export interface SweepPorts {
  readonly table: Pick<TaskTable, "list" | "read" | "writeEnd" | "writeRedrive">;
  readonly executions: Pick<Executions, "describe" | "running" | "unsuccessfulSince">;
  readonly clock: Clock;
}

/** Times in epoch milliseconds. */
export interface SweepTimes {
  /** Tasks started earlier have exceeded the time limit. */
  readonly stuckBefore: number;
  /** Executions that ended earlier were covered by an earlier sweep. */
  readonly endedAfter: number;
  /** True when the sweep must not start another request. */
  readonly isOver: () => boolean;
}

/** Covers five sweeps that are late, missing or killed. */
const LOOK_BACK_MS = 6 * SWEEP_MINUTES * MINUTE_MS;

/** Time for the end event to arrive and for the reconciler to write. */
const STUCK_AFTER_MS = 2 * MINUTE_MS;

/** Time to finish requests in progress before Lambda's timeout. */
const RESERVE_MS = 15 * SECOND_MS;

/**
 * @param deadline of the invocation, epoch milliseconds
 * @param timeLimitSeconds no execution runs longer
 */
export function sweepTimes(clock: Clock, deadline: number, timeLimitSeconds: number): SweepTimes {
  const now = clock.now();
  return {
    stuckBefore: now - timeLimitSeconds * SECOND_MS - STUCK_AFTER_MS,
    endedAfter: now - LOOK_BACK_MS,
    isOver: () => clock.now() > deadline - RESERVE_MS,
  };
}

export interface SweepResult {
  /** Rows that differed from their execution. */
  readonly reconciled: number;
  /** IDs of STARTED tasks that have exceeded the time limit. */
  readonly stuck: readonly string[];
  /** Executions and rows that were not checked, with the reason. */
  readonly failures: readonly string[];
}

/**
 * Reconciles STARTED tasks whose execution no longer runs, executions that run again without a STARTED row, and those that ended
 * unsuccessfully of late without a row. Lists them by
 * the thousand and describes only those that differ, so the cost of a running task is a thousandth of a request. A failure does not stop
 * the others.
 */
export async function sweep({ table, executions, clock }: SweepPorts, times: SweepTimes): Promise<SweepResult> {
  const failures: string[] = [];
  const listed = async <Found>(what: string, list: () => Promise<Found>): Promise<Found | undefined> => {
    try {
      return await list();
    } catch (error) {
      failures.push(`${what} could not be listed: ${errorMessage(error)}`);
      return undefined;
    }
  };
  const listedAt = clock.now();
  const running = await listed("running executions", () => executions.running());
  const { rows = [], malformed = [] } = (await listed("STARTED tasks", () => startedRows(table))) ?? {};
  const isSettled = (row: TaskRow) => startedAtOf(row) < listedAt - GRACE_MS;
  const suspects = running === undefined ? [] : rows.filter((row) => !running.has(row.executionArn) && isSettled(row));
  const ended = await listed("unsuccessful executions", () => executions.unsuccessfulSince(times.endedAfter));
  const orphans = await listed("tasks that have ended", () => withoutEnd(ended ?? [], table, times.endedAfter));
  // In the console, which writes no row. Whether a row has the end of the run before or after, only a description says.
  const started = new Set(rows.filter(isAsRedriven).map(({ executionArn }) => executionArn));
  const isUnseen = ({ arn, isRedriven }: ListedExecution) => isRedriven && !started.has(arn);
  const endedAgain = (ended ?? []).filter(isUnseen).sort((a, b) => b.stoppedAt - a.stoppedAt);
  const redriven = [...[...(running?.values() ?? [])].filter(isUnseen), ...endedAgain.slice(0, MAX_ENDED_AGAIN)];

  failures.push(...malformed.map((taskId) => `${taskId}: its row is malformed`));
  let reconciled = 0;
  let skipped = 0;
  const rowOf = new Map(rows.map((row) => [row.executionArn, row]));
  const differing = [...suspects, ...redriven.map(({ arn }) => ({ executionArn: arn }))];
  for (const arn of new Set([...differing.map(({ executionArn }) => executionArn), ...(orphans ?? [])])) {
    if (times.isOver()) {
      skipped++;
      continue;
    }
    try {
      if ((await check(arn, rowOf.get(arn), { table, executions, clock })) === "changed") reconciled++;
    } catch (error) {
      failures.push(`${arn}: ${errorMessage(error)}`);
    }
    await sleep(clock, DESCRIBE_INTERVAL_MS);
  }
  if (skipped > 0) failures.push(`out of time: ${skipped} executions remain for the next sweep, oldest first`);
  const stuck = rows.filter((row) => running?.has(row.executionArn) && lastStartOf(row) < times.stuckBefore);
  return { reconciled, stuck: stuck.map(({ taskId }) => taskId), failures };
}

/** Whether a redrive of its execution is one that the row has. */
const isAsRedriven = ({ redrivenAfter }: TaskRow): boolean => redrivenAfter !== undefined;

async function check(arn: string, row: TaskRow | undefined, { table, executions, clock }: SweepPorts) {
  const execution = await executions.describe(arn);
  if (execution !== undefined) return reconcile(unlessRedriven(execution, row, clock), table, row);
  if (row === undefined || startedAtOf(row) > clock.now() - MISSING_AFTER_MS) return "running";
  // Its state machine was deleted, or it ended more than 90 days ago.
  const end = { status: "ABORTED", at: clock.now(), reason: "its execution no longer exists" } as const;
  return (await table.writeEnd(row, { arn, startedAt: startedAtOf(row) }, end)) ? "changed" : "unchanged";
}

/** An execution that was to be redriven, and was not: its end is written again. */
function unlessRedriven(execution: Execution, row: TaskRow | undefined, clock: Clock): Execution {
  const isOver = (execution.stoppedAt ?? Infinity) <= (row?.redrivenAfter ?? 0);
  const wasGivenTime = row !== undefined && lastStartOf(row) < clock.now() - MISSING_AFTER_MS;
  return isOver && wasGivenTime ? { ...execution, stoppedAt: clock.now() } : execution;
}

/** All STARTED tasks, oldest first. */
async function startedRows(table: SweepPorts["table"]) {
  const rows: TaskRow[] = [];
  const malformed: string[] = [];
  let from: PageKey | undefined;
  do {
    const page = await table.list("STARTED", { from, oldestFirst: true });
    rows.push(...page.tasks);
    malformed.push(...page.malformed);
    from = page.next;
  } while (from !== undefined);
  return { rows, malformed };
}

const UNSUCCESSFUL = ["FAILED", "TIMED_OUT", "ABORTED"] as const satisfies readonly EndStatus[];

/** ARNs of those whose row does not have an end: it was never written, or its event was lost. */
async function withoutEnd(
  unsuccessful: readonly ListedExecution[],
  table: SweepPorts["table"],
  endedAfter: number,
): Promise<readonly string[]> {
  // Earlier ones have a row: when it is STARTED, the other half of the sweep has them.
  const since = endedAfter - START_WRITTEN_MS;
  const recent = unsuccessful.filter(({ startedAt }) => startedAt >= since);
  if (recent.length === 0) return [];
  const ended = new Set<string>();
  for (const status of UNSUCCESSFUL) {
    let from: PageKey | undefined;
    do {
      const page = await table.list(status, { from, since: Math.floor(since / SECOND_MS) - 1 });
      for (const { executionArn } of page.tasks) ended.add(executionArn);
      from = page.next;
    } while (from !== undefined);
  }
  return recent.map(({ arn }) => arn).filter((arn) => !ended.has(arn));
}
