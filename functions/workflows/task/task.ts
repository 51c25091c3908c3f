/** A task as a function of its execution. */
import * as z from "zod";

import { parseJson } from "../../shared/input";
import { RawJson } from "../../shared/json-text";
import { truncate } from "../../shared/text";
import {
  MAX_REASON_CHARACTERS,
  taskInputSchema,
  WORK_TIMED_OUT,
  type Task,
  type TaskInput,
  type TaskRow,
  type TaskStatus,
} from "../contract";

/** An execution as Step Functions describes it. Times in epoch milliseconds. */
export interface Execution {
  readonly arn: string;
  readonly status: "RUNNING" | "SUCCEEDED" | "FAILED" | "TIMED_OUT" | "ABORTED" | "PENDING_REDRIVE";
  /** JSON; undefined when Step Functions omits it. */
  readonly input: string | undefined;
  readonly startedAt: number;
  readonly stoppedAt: number | undefined;
  /** The latest redrive. */
  readonly redrivenAt?: number | undefined;
  readonly error: string | undefined;
  readonly cause: string | undefined;
  /** JSON, of one that has succeeded. */
  readonly output?: string | undefined;
}

export interface TaskEnd {
  readonly status: EndStatus;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Why the task is not DONE. */
  readonly reason?: string;
}

export type EndStatus = Exclude<TaskStatus, "STARTED">;

/** Undefined while the execution runs. */
export function taskEndOf({ status, error, cause, startedAt, stoppedAt }: Execution): TaskEnd | undefined {
  const at = stoppedAt ?? startedAt;
  const reason = reasonOf(error, cause);
  switch (status) {
    case "RUNNING":
    case "PENDING_REDRIVE":
      return undefined;
    case "SUCCEEDED":
      return { status: "DONE", at };
    case "FAILED":
      return error === WORK_TIMED_OUT
        ? { status: "TIMED_OUT", at, reason: reasonOf(undefined, cause) }
        : { status: "FAILED", at, reason };
    case "TIMED_OUT":
      return { status: "TIMED_OUT", at, reason: "exceeded the time limit of tasks" };
    case "ABORTED":
      return { status: "ABORTED", at, reason };
  }
}

/** Undefined when the execution's input is not a task's. */
export function taskInputOf({ input }: Pick<Execution, "input">): TaskInput | undefined {
  try {
    return taskInputSchema.safeParse(parseJson(input ?? "null")).data;
  } catch {
    return undefined;
  }
}

/** A task as the API shows it. */
export function taskOf(row: TaskRow): Task {
  const { inputHash: _, startDate: __, redrivenAfter: ___, result, resultLocation, approvals, ...task } = row;
  return {
    ...task,
    ...(result !== undefined && { result: rawJson(result) }),
    // A machine of the user's writes it at the start.
    ...(resultLocation !== undefined && task.status === "DONE" && { resultLocation }),
    ...(approvals && { approvals: approvals.map(({ token: ____, ...approval }) => approval) }),
  };
}

/** The result of a task, when it is the output of its execution. */
export function resultOf({ output }: Execution): Pick<Task, "result"> {
  return output === undefined ? {} : { result: rawJson(output) };
}

/** When the machine wrote the row: `timestamp` is the caller's, and of any unit when the execution was started by hand. */
export function startedAtOf({ history: [started] }: Pick<Task, "history">): number {
  return Date.parse(started?.at ?? "");
}

/** When the machine wrote the row, or the task was redriven. */
export function lastStartOf({ history }: Pick<Task, "history">): number {
  return Date.parse(history.findLast(({ status }) => status === "STARTED")?.at ?? "");
}

/** A task without a row, from its execution. */
export function taskFromExecution(
  execution: Execution,
  { taskId, timestamp }: Pick<Task, "taskId" | "timestamp">,
): Task {
  const end = taskEndOf(execution);
  const started = startEntries(execution);
  return {
    taskId,
    timestamp,
    status: end?.status ?? "STARTED",
    ...(end?.reason !== undefined && { reason: end.reason }),
    executionArn: execution.arn,
    history: end ? [...started, endEntry(end)] : started,
  };
}

/** Of an execution whose row was not written. What ended before its redrive is not known. */
export function startEntries({ startedAt, redrivenAt }: Pick<Execution, "startedAt" | "redrivenAt">): Task["history"] {
  return [startedAt, redrivenAt].filter((time) => time !== undefined).map(startEntry);
}

export function startEntry(time: number): Task["history"][number] {
  return { status: "STARTED", at: isoOf(time) };
}

export function endEntry({ status, at, reason }: TaskEnd): Task["history"][number] {
  return { status, at: isoOf(at), ...(reason !== undefined && { reason }) };
}

/** The state machine's format: `PaymentRefused: no funds`. A function's message may have half of a surrogate pair, which DynamoDB refuses. */
function reasonOf(error: string | undefined, cause: string | undefined): string {
  const reason = [error, messageOf(cause)].filter((part) => part !== undefined && part !== "").join(": ");
  return truncate((reason || "stopped without a reason").toWellFormed(), MAX_REASON_CHARACTERS);
}

/** An uncaught error of a function has JSON as its cause: its message and stack trace. */
function messageOf(cause: string | undefined): string | undefined {
  if (cause?.startsWith("{") !== true) return cause;
  return functionErrorSchema.safeParse(jsonOf(cause)).data?.errorMessage ?? cause;
}

const functionErrorSchema = z.looseObject({ errorMessage: z.string() });

/** A result as it is stored, with all digits of its numbers. Undefined when the text is not JSON. */
function rawJson(text: string): RawJson | undefined {
  return jsonOf(text) === undefined ? undefined : new RawJson(text);
}

/** Undefined when the text is not JSON. */
function jsonOf(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

const isoOf = (time: number) => new Date(time).toISOString();
