/** Writes the ends of executions into tasks' rows. */
import type { Executions } from "./executions";
import { lastStartOf, taskEndOf, taskInputOf, type Execution } from "./task";
import type { TaskKey, TaskTable } from "./task-table";

export type Reconciliation = "running" | "unchanged" | "changed" | "no task";

export type ReconciledTable = Pick<TaskTable, "read" | "writeEnd" | "writeRedrive">;

/**
 * Idempotent.
 *
 * @param row of the execution. @default the one that its input names
 */
export async function reconcile(execution: Execution, table: ReconciledTable, row?: TaskKey): Promise<Reconciliation> {
  const end = taskEndOf(execution);
  const { redrivenAt } = execution;
  if (end === undefined && redrivenAt === undefined) return "running";
  const key = row ?? taskInputOf(execution);
  if (key === undefined) return "no task";
  const isReopened = redrivenAt !== undefined && (await reopen(key.taskId, execution.arn, redrivenAt, table));
  if (end === undefined) return isReopened ? "changed" : "running";
  return (await table.writeEnd(key, execution, end)) || isReopened ? "changed" : "unchanged";
}

/**
 * A redrive in the console does not write the row: STARTED again, when its end is of the run before, or its STARTED where that end was not
 * seen. An end that is later than the redrive stays, and work that is DONE is done.
 */
async function reopen(taskId: string, arn: string, redrivenAt: number, table: ReconciledTable): Promise<boolean> {
  const row = await table.read(taskId);
  if (row?.executionArn !== arn || row.status === "DONE") return false;
  if (row.status === "STARTED") {
    const isUnseen = row.redrivenAfter === undefined && lastStartOf(row) < redrivenAt;
    return isUnseen && table.writeRedrive(row, { at: redrivenAt, endedAt: redrivenAt - 1 });
  }
  const endedAt = Date.parse(row.history.at(-1)?.at ?? "");
  // Not for a time that cannot be read, either.
  if (!(endedAt < redrivenAt)) return false;
  return table.writeRedrive(row, { at: redrivenAt, endedAt });
}

/** DescribeExecution does not have the end that the event reports yet. Lambda retries after a minute. */
export class ExecutionNotSettledError extends Error {
  override readonly name = "ExecutionNotSettledError";
}

export interface EndEvent {
  readonly executionArn: string;
  /** Epoch milliseconds. @default unknown */
  readonly stopDate?: number | undefined;
  /** Of the latest redrive, epoch milliseconds. @default none */
  readonly redriveDate?: number | undefined;
}

export interface ReconcilePorts {
  readonly table: ReconciledTable;
  readonly executions: Pick<Executions, "describe">;
}

/**
 * Handles the event of an execution that ended, or was redriven. Uses only its ARN: the status comes from DescribeExecution, because events
 * can be late or forged.
 *
 * @throws {@link ExecutionNotSettledError} DescribeExecution is eventually consistent
 */
export async function reconcileEvent(
  { executionArn, stopDate, redriveDate }: EndEvent,
  { table, executions }: ReconcilePorts,
): Promise<Reconciliation> {
  const execution = await executions.describe(executionArn);
  if (execution === undefined || !isOfEvent(execution, stopDate, redriveDate))
    throw new ExecutionNotSettledError("its end cannot be read yet");
  return reconcile(execution, table);
}

/** Of the two APIs' times. */
const PRECISION_MS = 1_000;

/** False: the description is older than the event. A redrive explains an execution that runs again. */
function isOfEvent(execution: Execution, stopDate: number | undefined, redriveDate: number | undefined): boolean {
  if (redriveDate !== undefined && (execution.redrivenAt ?? 0) + PRECISION_MS < redriveDate) return false;
  const end = taskEndOf(execution);
  if (end === undefined) {
    const isOfRedrive = stopDate === undefined && redriveDate !== undefined;
    return isOfRedrive || (execution.redrivenAt ?? 0) >= (stopDate ?? Infinity);
  }
  // An earlier end is of the run before a redrive.
  return end.at + PRECISION_MS >= (stopDate ?? 0);
}
