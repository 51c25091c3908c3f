/** Starts, finds and cancels tasks. */
import { backoffMs } from "../../shared/resilience/backoff";
import { sleep, type Clock } from "../../shared/clock";
import { ConflictError, NotFoundError, UnavailableError } from "../../shared/handlers/http-errors";
import { SECOND_MS } from "../../shared/time";
import { NO_INPUT, type Task, type TaskInput, type TaskRequest } from "../contract";
import { executionNameOf } from "./execution-name";
import type { Executions } from "./executions";
import { hashOf } from "./input-hash";
import { reconcile } from "./reconciler";
import { resultOf, taskEndOf, taskFromExecution, taskInputOf, taskOf, type Execution } from "./task";
import type { TaskTable } from "./task-table";

/** The response to a start, the same for each request with the same ID and input. */
export interface StartedTask {
  readonly taskId: string;
  /** Time of the first request, epoch seconds. */
  readonly timestamp: number;
  readonly executionArn: string;
  /** When Step Functions started the execution, ISO 8601. */
  readonly startDate: string;
}

export interface StartPorts {
  readonly table: Pick<TaskTable, "read">;
  readonly executions: Pick<Executions, "arnOf" | "start" | "describe">;
  readonly clock: Clock;
}

/** Reads of an execution that exists, but cannot be described yet: 3.1 s in all. */
const READS = 6;
const BACKOFF = { firstMs: 100, longestMs: 1_600 };

/**
 * Idempotent, also for concurrent requests: Step Functions accepts an execution's name once in 90 days.
 *
 * @throws {@link ConflictError} when an execution with this name is not this task's, or has another input
 * @throws {@link UnavailableError} when the task exists and cannot be read yet
 */
export async function startTask({ taskId, input }: TaskRequest, ports: StartPorts): Promise<StartedTask> {
  const { executions, clock } = ports;
  const name = executionNameOf(taskId);
  const timestamp = Math.floor(clock.now() / SECOND_MS);
  const inputHash = input === undefined ? undefined : hashOf(input);
  const taskInput: TaskInput = { taskId, timestamp, ...(input !== undefined && { input, inputHash }) };
  const started = await executions.start(name, JSON.stringify(taskInput));
  if (started !== undefined)
    return { taskId, timestamp, executionArn: started.arn, startDate: new Date(started.startedAt).toISOString() };

  const first = await eventually(clock, () => firstStart(taskId, executions.arnOf(name), ports));
  if (first === undefined) throw new UnavailableError("the task was started a moment ago and cannot be read yet");
  if (first.taskId !== taskId)
    throw new ConflictError("an execution with this task's name exists, but is not this task's");
  if (first.inputHash !== inputHash) throw new ConflictError("the task was started with another input");
  return { taskId, timestamp: first.timestamp, executionArn: executions.arnOf(name), startDate: first.startDate };
}

interface FirstStart {
  /** Undefined: the execution is not a task's. */
  readonly taskId: string | undefined;
  readonly timestamp: number;
  readonly startDate: string;
  readonly inputHash: string | undefined;
}

/** From the row, which is strongly consistent; from the execution while there is no row. */
async function firstStart(
  taskId: string,
  executionArn: string,
  { table, executions }: StartPorts,
): Promise<FirstStart | undefined> {
  const row = await table.read(taskId);
  if (row?.executionArn === executionArn)
    return { ...row, inputHash: row.inputHash === NO_INPUT ? undefined : row.inputHash };
  const execution = await executions.describe(executionArn);
  if (execution === undefined) return undefined;
  const input = taskInputOf(execution);
  return {
    taskId: input?.taskId,
    timestamp: input?.timestamp ?? 0,
    startDate: new Date(execution.startedAt).toISOString(),
    inputHash: input?.inputHash,
  };
}

export interface TaskPorts {
  readonly table: Pick<TaskTable, "read" | "writeEnd" | "writeRedrive">;
  readonly executions: Pick<Executions, "arnOf" | "describe" | "stop">;
  readonly clock: Clock;
}

/**
 * Returns the task from its row, or from its execution when there is no row yet.
 *
 * @throws {@link NotFoundError}
 */
export async function findTask(
  taskId: string,
  { table, executions, clock }: Pick<TaskPorts, "table" | "executions" | "clock">,
): Promise<Task> {
  const row = await table.read(taskId);
  if (row !== undefined) return withResult(taskOf(row), executions, clock);
  const execution = await executions.describe(executions.arnOf(executionNameOf(taskId)));
  const input = execution && taskInputOf(execution);
  if (execution === undefined || input?.taskId !== taskId) throw new NotFoundError("there is no task with this id");
  return taskFromExecution(execution, input);
}

/**
 * Step Functions keeps the output of an execution for 90 days. The execution of a task that is DONE may be described as RUNNING for a moment:
 * its machine writes the row before it ends.
 */
async function withResult(task: Task, executions: Pick<Executions, "describe">, clock: Clock): Promise<Task> {
  if (task.resultLocation !== task.executionArn) return task;
  const result = await eventually(clock, async () => {
    const execution = await executions.describe(task.executionArn);
    if (execution === undefined) return {};
    return isEnded(execution) ? resultOf(execution) : undefined;
  });
  return { ...task, ...result };
}

const CANCELLED = { error: "Cancelled", cause: "the task was cancelled" };

/**
 * Ends a task as ABORTED. Does nothing when it has ended. The task is STARTED when Step Functions did not confirm its end in time: its
 * event will write it.
 *
 * @throws {@link NotFoundError}
 * @throws {@link ConflictError} when the task is redriven meanwhile
 */
export async function cancelTask(taskId: string, ports: TaskPorts): Promise<Task> {
  const { table, executions, clock } = ports;
  const task = await findTask(taskId, ports);
  if (task.status !== "STARTED") return task;
  const redrivenAfter = (await table.read(taskId))?.redrivenAfter ?? 0;
  let latest: Execution | undefined;
  const ended = await eventually(clock, async () => {
    // Each time: the row of a redriven task is STARTED before its execution runs.
    await executions.stop(task.executionArn, CANCELLED);
    // It may have ended before the stop. It may be described as RUNNING for a moment.
    latest = await executions.describe(task.executionArn);
    return latest && isEnded(latest) && !isOfEarlierRun(latest, redrivenAfter) ? latest : undefined;
  });
  if (ended !== undefined) await reconcile(ended, table, task);
  const cancelled = await findTask(taskId, ports);
  const isOver = ended !== undefined || (latest !== undefined && isOfEarlierRun(latest, redrivenAfter));
  // What was stopped is not what runs now.
  if (isOver && cancelled.status === "STARTED")
    throw new ConflictError("the task was redriven a moment ago: try again");
  return cancelled;
}

const isEnded = (execution: Execution): boolean => taskEndOf(execution) !== undefined;

/** True: the execution is as it was before the task was redriven. */
const isOfEarlierRun = ({ stoppedAt }: Execution, redrivenAfter: number): boolean =>
  stoppedAt !== undefined && stoppedAt <= redrivenAfter;

/** Reads until there is a value. Undefined when there is none in time. */
export async function eventually<Value>(
  clock: Clock,
  read: () => Promise<Value | undefined>,
): Promise<Value | undefined> {
  for (let reads = 1; ; reads++) {
    const value = await read();
    if (value !== undefined || reads === READS) return value;
    await sleep(clock, backoffMs(reads, BACKOFF));
  }
}
