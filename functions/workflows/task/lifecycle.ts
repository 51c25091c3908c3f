/** Starts, finds and cancels tasks. */
import { ConflictError, NotFoundError } from "../../shared/handlers/http-errors";
import type { Task, TaskInput, TaskRequest } from "../contract";
import { executionNameOf } from "./execution-name";
import type { Executions } from "./executions";
import { reconcile } from "./reconciler";
import { taskFromExecution, taskInputOf } from "./task";
import type { TaskTable } from "./task-table";

/** The response to a start, the same for each request with the same ID. */
export interface StartedTask {
  readonly taskId: string;
  /** Time of the first request, epoch milliseconds. */
  readonly timestamp: number;
  readonly executionArn: string;
  /** When Step Functions started the execution, ISO 8601. */
  readonly startDate: string;
}

/**
 * Idempotent, also for concurrent requests: Step Functions accepts an execution's name once in 90 days.
 *
 * @throws {@link ConflictError} when an execution with this name is not this task's
 */
export async function startTask(
  { taskId, input }: TaskRequest,
  { executions, now }: { readonly executions: Pick<Executions, "arnOf" | "start" | "describe">; readonly now: number },
): Promise<StartedTask> {
  const name = executionNameOf(taskId);
  const taskInput: TaskInput = { taskId, timestamp: now, ...(input !== undefined && { input }) };
  const started = await executions.start(name, JSON.stringify(taskInput));
  if (started !== undefined)
    return { taskId, timestamp: now, executionArn: started.arn, startDate: new Date(started.startedAt).toISOString() };

  const existing = await executions.describe(executions.arnOf(name));
  const existingInput = existing && taskInputOf(existing);
  if (existing === undefined || existingInput?.taskId !== taskId)
    throw new ConflictError("an execution with this task's name exists, but is not this task's");
  const { timestamp } = existingInput;
  return { taskId, timestamp, executionArn: existing.arn, startDate: new Date(existing.startedAt).toISOString() };
}

export interface TaskPorts {
  readonly table: Pick<TaskTable, "read" | "writeEnd">;
  readonly executions: Pick<Executions, "arnOf" | "describe" | "stop">;
}

/**
 * Returns the task from its row, or from its execution when there is no row yet.
 *
 * @throws {@link NotFoundError}
 */
export async function findTask(taskId: string, { table, executions }: TaskPorts): Promise<Task> {
  const row = await table.read(taskId);
  if (row !== undefined) return row;
  const execution = await executions.describe(executions.arnOf(executionNameOf(taskId)));
  const input = execution && taskInputOf(execution);
  if (execution === undefined || input?.taskId !== taskId) throw new NotFoundError("there is no task with this id");
  return taskFromExecution(execution, input);
}

/**
 * Ends a task as ABORTED. Does nothing when it has ended.
 *
 * @throws {@link NotFoundError}
 */
export async function cancelTask(taskId: string, ports: TaskPorts): Promise<Task> {
  const task = await findTask(taskId, ports);
  if (task.status !== "STARTED") return task;
  await ports.executions.stop(task.executionArn, { error: "Cancelled", cause: "the task was cancelled" });
  // The execution may have ended before the stop.
  const execution = await ports.executions.describe(task.executionArn);
  if (execution !== undefined) await reconcile(execution, ports.table);
  return findTask(taskId, ports);
}
