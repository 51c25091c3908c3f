/** Keeps rows true to their executions: the core. */
import { mapConcurrently } from "../../shared/concurrency";
import { errorMessage } from "../../shared/errors";
import type { Task } from "../contract";
import type { Executions } from "./executions";
import { endOf, taskInputOf, type Execution } from "./task";
import type { PageKey, TaskTable } from "./task-table";

/** What a look at an execution came to. */
export type Settled = "running" | "unchanged" | "changed" | "no task";

/** Writes an execution's end into its task's row. However often, and whoever else does: the row tells the same end. */
export async function settle(execution: Execution, table: Pick<TaskTable, "settle">): Promise<Settled> {
  const end = endOf(execution);
  if (end === undefined) return "running";
  const task = taskInputOf(execution);
  if (task === undefined) return "no task";
  return (await table.settle(task, execution, end)) ? "changed" : "unchanged";
}

/** Describing goes at 15 a second by default, for the whole account. */
const CONCURRENCY = 4;
const PAGE = 100;

export interface SweepPorts {
  readonly table: Pick<TaskTable, "list" | "settle">;
  readonly executions: Pick<Executions, "describe" | "endedBadlySince">;
}

export interface SweepTimes {
  /** Epoch milliseconds, as all of these. */
  readonly now: number;
  /** Tasks that were started after it are left to themselves. */
  readonly startedBefore: number;
  /** Tasks that were started before it cannot be running any more. */
  readonly stuckBefore: number;
  /** Executions that ended before it were an earlier sweep's. */
  readonly endedAfter: number;
  /** True once it is too late to begin with another one. */
  readonly isOver: () => boolean;
}

export interface Swept {
  /** Rows that told something else than their execution. */
  readonly repaired: number;
  /** Rows that are STARTED, though the machine's time limit is over. */
  readonly stuck: readonly string[];
  /** Executions that could not be looked at, each with its reason; and that there was no time for all of them. */
  readonly failures: readonly string[];
}

/**
 * Looks at the executions of all tasks that are STARTED, and at all that ended badly of late: their rows may be missing, or tell
 * of an end that did not come to be. One that fails does not stop the others.
 */
export async function sweep({ table, executions }: SweepPorts, times: SweepTimes): Promise<Swept> {
  const failures: string[] = [];
  const stuck: string[] = [];
  let repaired = 0;
  let skipped = 0;

  const look = async (arn: string, row?: Task): Promise<void> => {
    if (times.isOver()) {
      skipped++;
      return;
    }
    try {
      const execution = await executions.describe(arn);
      const settled =
        execution === undefined ? await settleLost(row, times.now, table) : await settle(execution, table);
      if (settled === "changed") repaired++;
      if (settled === "running" && row !== undefined && row.timestamp < times.stuckBefore) stuck.push(row.taskId);
    } catch (error) {
      failures.push(`${arn}: ${errorMessage(error)}`);
    }
  };

  await mapConcurrently(await executions.endedBadlySince(times.endedAfter), CONCURRENCY, (arn) => look(arn));
  let from: PageKey | undefined;
  do {
    const page = await table.list("STARTED", { limit: PAGE, from, oldestFirst: true });
    const old = page.tasks.filter(({ timestamp }) => timestamp < times.startedBefore);
    await mapConcurrently(old, CONCURRENCY, (row) => look(row.executionArn, row));
    from = old.length === page.tasks.length && skipped === 0 ? page.next : undefined;
  } while (from !== undefined);
  if (skipped > 0) failures.push("there was no time for all of them: the next sweep begins anew, with the oldest");
  return { repaired, stuck, failures };
}

/** A row whose execution nobody knows any more: of a machine that was deleted, or of more than 90 days ago. */
async function settleLost(row: Task | undefined, now: number, table: Pick<TaskTable, "settle">): Promise<Settled> {
  if (row === undefined) return "no task";
  const end = { status: "ABORTED", at: now, reason: "its execution is not there any more" } as const;
  return (await table.settle(row, { arn: row.executionArn, startedAt: row.timestamp }, end)) ? "changed" : "unchanged";
}
