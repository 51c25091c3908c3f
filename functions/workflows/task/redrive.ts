/** Runs a task that failed again, from the state that failed. */
import type { Clock } from "../../shared/clock";
import { ConflictError } from "../../shared/handlers/http-errors";
import type { Task, TaskRow } from "../contract";
import { NotRedrivableError, type Executions } from "./executions";
import { taskEndOf, taskOf, type Execution, type TaskEnd } from "./task";
import { requireRow, type TaskTable } from "./task-table";

export interface RedrivePorts {
  readonly table: Pick<TaskTable, "read" | "writeEnd" | "writeRedrive">;
  readonly executions: Pick<Executions, "describe" | "redrive">;
  readonly clock: Clock;
}

/**
 * The row is STARTED before the execution runs, so that its machine can write the end. Idempotent: a task that runs stays as it is. After a
 * crash between the two, another call continues, or the sweep writes the end again.
 *
 * @throws {@link NotFoundError}
 * @throws {@link ConflictError} when the task is DONE, or Step Functions does not redrive its execution
 */
export async function redriveTask(taskId: string, ports: RedrivePorts): Promise<Task> {
  const { table, executions, clock } = ports;
  const row = await requireRow(table, taskId);
  if (row.status === "DONE") throw new ConflictError("the task is DONE");
  const execution = await executions.describe(row.executionArn);
  if (execution === undefined) throw new ConflictError("its execution no longer exists");
  const end = taskEndOf(execution);
  if (row.status === "STARTED" && (end === undefined || end.at > (row.redrivenAfter ?? 0))) return taskOf(row);
  const endedAt = row.status === "STARTED" ? (row.redrivenAfter ?? 0) : await mark(row, execution, ports);
  try {
    // Of calls at the same time, and of one whose read of the execution is old, one redrives.
    await executions.redrive(row.executionArn, String(endedAt));
  } catch (error) {
    if (!(error instanceof NotRedrivableError)) throw error;
    if (end === undefined) return taskOf(await requireRow(table, taskId)); // redriven in the console
    await table.writeEnd(row, execution, { ...(lastEndOf(row) ?? end), at: Math.max(clock.now(), endedAt + 1) });
    throw new ConflictError(`Step Functions does not redrive it: ${error.message}`);
  }
  return taskOf(await requireRow(table, taskId));
}

/** As the row has it: an execution that was redriven before may be described as it was then. */
function lastEndOf({ history }: TaskRow): Omit<TaskEnd, "at"> | undefined {
  const { status, reason } = history.findLast((entry) => entry.status !== "STARTED") ?? {};
  if (status === undefined || status === "STARTED") return undefined;
  return { status, ...(reason !== undefined && { reason }) };
}

/** Returns the time of the end that it marks as past, epoch milliseconds. */
async function mark(row: TaskRow, { stoppedAt = 0 }: Execution, { table, clock }: RedrivePorts): Promise<number> {
  const endedAt = Math.max(stoppedAt, Date.parse(row.history.at(-1)?.at ?? "") || 0);
  if (await table.writeRedrive(row, { at: clock.now(), endedAt })) return endedAt;
  // This call, whose response was lost, or another one has marked the same end: both redrive with the same token.
  const marked = await requireRow(table, row.taskId);
  if (marked.status === "STARTED" && marked.redrivenAfter === endedAt) return endedAt;
  throw new ConflictError("the task was redriven, or otherwise changed, a moment ago: read it again");
}
