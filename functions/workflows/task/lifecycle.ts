/** Starts, finds and cancels tasks: the core. */
import { ConflictError, NotFoundError } from "../../shared/handlers/http-errors";
import type { Task, TaskInput, TaskRequest } from "../contract";
import { executionNameOf } from "./execution-name";
import type { Executions } from "./executions";
import { settle } from "./reconciler";
import { taskInputOf, taskOf } from "./task";
import type { TaskTable } from "./task-table";

/** The answer to a start: the first one, however often it is asked for. */
export interface Started {
  readonly taskId: string;
  /** Epoch milliseconds. */
  readonly timestamp: number;
  readonly executionArn: string;
  /** When Step Functions started the execution, ISO 8601. */
  readonly startDate: string;
}

/**
 * Starts a task, unless it has been: then it answers as it did at the first time. What makes it so is the execution's name, which
 * Step Functions takes once in 90 days, however many ask at once.
 *
 * @throws {@link ConflictError} when somebody else has started an execution of that name
 */
export async function startTask(
  { taskId, input }: TaskRequest,
  { executions, now }: { readonly executions: Pick<Executions, "arnOf" | "start" | "describe">; readonly now: number },
): Promise<Started> {
  const name = executionNameOf(taskId);
  const given: TaskInput = { taskId, timestamp: now, ...(input !== undefined && { input }) };
  const started = await executions.start(name, JSON.stringify(given));
  if (started !== undefined)
    return { taskId, timestamp: now, executionArn: started.arn, startDate: new Date(started.startedAt).toISOString() };

  const first = await executions.describe(executions.arnOf(name));
  const asked = first && taskInputOf(first);
  if (first === undefined || asked?.taskId !== taskId)
    throw new ConflictError(`the execution ${name} is there, but not of this task`);
  const { timestamp } = asked;
  return { taskId, timestamp, executionArn: first.arn, startDate: new Date(first.startedAt).toISOString() };
}

export interface TaskPorts {
  readonly table: Pick<TaskTable, "read" | "settle">;
  readonly executions: Pick<Executions, "arnOf" | "describe" | "stop">;
}

/**
 * A task as it is now. One whose row is not written yet, or could not be, is told by its execution.
 *
 * @throws {@link NotFoundError}
 */
export async function findTask(taskId: string, { table, executions }: TaskPorts): Promise<Task> {
  const row = await table.read(taskId);
  if (row !== undefined) return row;
  const execution = await executions.describe(executions.arnOf(executionNameOf(taskId)));
  const asked = execution && taskInputOf(execution);
  if (execution === undefined || asked?.taskId !== taskId) throw new NotFoundError(`there is no task "${taskId}"`);
  return taskOf(execution, asked);
}

/**
 * Ends a task as ABORTED. One that has ended stays as it is, so asking twice does no harm.
 *
 * @throws {@link NotFoundError}
 */
export async function cancelTask(taskId: string, ports: TaskPorts): Promise<Task> {
  const task = await findTask(taskId, ports);
  if (task.status !== "STARTED") return task;
  await ports.executions.stop(task.executionArn, { error: "Cancelled", cause: "the task was cancelled" });
  const execution = await ports.executions.describe(task.executionArn);
  // It may have ended by itself in between: what is told is what became of it.
  if (execution !== undefined) await settle(execution, ports.table);
  return findTask(taskId, ports);
}
