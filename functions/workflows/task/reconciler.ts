/** Writes the ends of executions into tasks' rows. */
import type { Executions } from "./executions";
import { taskEndOf, taskInputOf, type Execution } from "./task";
import type { TaskKey, TaskTable } from "./task-table";

export type Reconciliation = "running" | "unchanged" | "changed" | "no task";

/**
 * Idempotent.
 *
 * @param row of the execution. @default the one that its input names
 */
export async function reconcile(
  execution: Execution,
  table: Pick<TaskTable, "writeEnd">,
  row?: TaskKey,
): Promise<Reconciliation> {
  const end = taskEndOf(execution);
  if (end === undefined) return "running";
  const key = row ?? taskInputOf(execution);
  if (key === undefined) return "no task";
  return (await table.writeEnd(key, execution, end)) ? "changed" : "unchanged";
}

/** DescribeExecution does not have the end that the event reports yet. Lambda retries after a minute. */
export class ExecutionNotSettledError extends Error {
  override readonly name = "ExecutionNotSettledError";
}

export interface EndEvent {
  readonly executionArn: string;
  /** Epoch milliseconds. @default unknown */
  readonly stopDate?: number | undefined;
}

export interface ReconcilePorts {
  readonly table: Pick<TaskTable, "writeEnd">;
  readonly executions: Pick<Executions, "describe">;
}

/**
 * Handles the end event of an execution. Uses only its ARN: the status comes from DescribeExecution, because events can be late or forged.
 *
 * @throws {@link ExecutionNotSettledError} DescribeExecution is eventually consistent
 */
export async function reconcileEvent(
  { executionArn, stopDate }: EndEvent,
  { table, executions }: ReconcilePorts,
): Promise<Reconciliation> {
  const execution = await executions.describe(executionArn);
  if (execution === undefined || !isOfEvent(execution, stopDate))
    throw new ExecutionNotSettledError("its end cannot be read yet");
  return reconcile(execution, table);
}

/** Of the two APIs' times. */
const PRECISION_MS = 1_000;

/** False: the description is older than the event. A redrive explains an execution that runs again. */
function isOfEvent(execution: Execution, stopDate: number | undefined): boolean {
  const end = taskEndOf(execution);
  if (end === undefined) return (execution.redrivenAt ?? 0) >= (stopDate ?? Infinity);
  // An earlier end is of the run before a redrive.
  return end.at + PRECISION_MS >= (stopDate ?? 0);
}
