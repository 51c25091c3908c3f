/** Writes the ends of executions into tasks' rows. */
import { mapConcurrently } from "../../shared/concurrency";
import { errorMessage } from "../../shared/errors";
import type { Task } from "../contract";
import type { Executions } from "./executions";
import { taskEndOf, taskInputOf, type Execution } from "./task";
import type { PageKey, TaskTable } from "./task-table";

export type Reconciliation = "running" | "unchanged" | "changed" | "no task";

/** Idempotent. */
export async function reconcile(execution: Execution, table: Pick<TaskTable, "writeEnd">): Promise<Reconciliation> {
  const end = taskEndOf(execution);
  if (end === undefined) return "running";
  const task = taskInputOf(execution);
  if (task === undefined) return "no task";
  return (await table.writeEnd(task, execution, end)) ? "changed" : "unchanged";
}

/** DescribeExecution's default quota is 15 per second for the whole account. */
const CONCURRENCY = 4;
const PAGE_SIZE = 100;

export interface SweepPorts {
  readonly table: Pick<TaskTable, "list" | "writeEnd">;
  readonly executions: Pick<Executions, "describe" | "unsuccessfulSince">;
}

/** Times in epoch milliseconds. */
export interface SweepTimes {
  readonly now: number;
  /** Tasks started later are skipped. */
  readonly startedBefore: number;
  /** Tasks started earlier have exceeded the time limit. */
  readonly stuckBefore: number;
  /** Executions that ended earlier were covered by an earlier sweep. */
  readonly endedAfter: number;
  /** True when the sweep must not start another request. */
  readonly isOver: () => boolean;
}

export interface SweepResult {
  /** Rows that differed from their execution. */
  readonly reconciled: number;
  /** IDs of STARTED tasks that have exceeded the time limit. */
  readonly stuck: readonly string[];
  /** Executions that were not checked, with the reason. */
  readonly failures: readonly string[];
}

/**
 * Checks the executions of all STARTED tasks, and all executions that ended unsuccessfully of late: their rows may be missing, or
 * have an end that the execution did not reach. A failure does not stop the others.
 */
export async function sweep({ table, executions }: SweepPorts, times: SweepTimes): Promise<SweepResult> {
  const failures: string[] = [];
  const stuck: string[] = [];
  let reconciled = 0;
  let skipped = 0;

  const check = async (arn: string, row?: Task): Promise<void> => {
    if (times.isOver()) {
      skipped++;
      return;
    }
    try {
      const execution = await executions.describe(arn);
      const outcome =
        execution === undefined ? await abortLost(row, times.now, table) : await reconcile(execution, table);
      if (outcome === "changed") reconciled++;
      if (outcome === "running" && row !== undefined && row.timestamp < times.stuckBefore) stuck.push(row.taskId);
    } catch (error) {
      failures.push(`${arn}: ${errorMessage(error)}`);
    }
  };

  await mapConcurrently(await executions.unsuccessfulSince(times.endedAfter), CONCURRENCY, (arn) => check(arn));
  let from: PageKey | undefined;
  do {
    const page = await table.list("STARTED", { limit: PAGE_SIZE, from, oldestFirst: true });
    const old = page.tasks.filter(({ timestamp }) => timestamp < times.startedBefore);
    await mapConcurrently(old, CONCURRENCY, (row) => check(row.executionArn, row));
    from = old.length === page.tasks.length && skipped === 0 ? page.next : undefined;
  } while (from !== undefined);
  if (skipped > 0) failures.push("out of time: the next sweep starts with the oldest task");
  return { reconciled, stuck, failures };
}

/** For an execution that no longer exists: its state machine was deleted, or it ended more than 90 days ago. */
async function abortLost(
  row: Task | undefined,
  now: number,
  table: Pick<TaskTable, "writeEnd">,
): Promise<Reconciliation> {
  if (row === undefined) return "no task";
  const end = { status: "ABORTED", at: now, reason: "its execution no longer exists" } as const;
  const execution = { arn: row.executionArn, startedAt: row.timestamp };
  return (await table.writeEnd(row, execution, end)) ? "changed" : "unchanged";
}
