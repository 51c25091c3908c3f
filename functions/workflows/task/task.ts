/** What becomes of a task: the core. */
import { REASON_LENGTH, taskInputSchema, TOO_LONG, type Task, type TaskInput, type TaskStatus } from "../contract";

/** An execution of the task machine, as Step Functions describes it. Times in epoch milliseconds. */
export interface Execution {
  readonly arn: string;
  readonly status: "RUNNING" | "SUCCEEDED" | "FAILED" | "TIMED_OUT" | "ABORTED" | "PENDING_REDRIVE";
  /** JSON; undefined where Step Functions keeps it to itself. */
  readonly input: string | undefined;
  readonly startedAt: number;
  readonly stoppedAt: number | undefined;
  readonly error: string | undefined;
  readonly cause: string | undefined;
}

/** How a task ended. `at` is epoch milliseconds. */
export interface TaskEnd {
  readonly status: Exclude<TaskStatus, "STARTED">;
  readonly at: number;
  /** Of what is not done. */
  readonly reason?: string;
}

/** How an execution's end is a task's; undefined while it runs. */
export function endOf({ status, error, cause, startedAt, stoppedAt }: Execution): TaskEnd | undefined {
  const at = stoppedAt ?? startedAt;
  const reason = reasonOf(error, cause);
  switch (status) {
    case "RUNNING":
    case "PENDING_REDRIVE":
      return undefined;
    case "SUCCEEDED":
      return { status: "DONE", at };
    case "FAILED":
      return error === TOO_LONG
        ? { status: "TIMED_OUT", at, reason: reasonOf(undefined, cause) }
        : { status: "FAILED", at, reason };
    case "TIMED_OUT":
      return { status: "TIMED_OUT", at, reason: "it ran into the time limit of tasks" };
    case "ABORTED":
      return { status: "ABORTED", at, reason };
  }
}

/** What an execution was given, where that is what tasks are given. */
export function taskInputOf({ input }: Pick<Execution, "input">): TaskInput | undefined {
  try {
    return taskInputSchema.safeParse(JSON.parse(input ?? "null")).data;
  } catch {
    return undefined;
  }
}

/** A task whose row is not there (yet, or because it could not be written), as its execution tells it. */
export function taskOf(execution: Execution, { taskId, timestamp }: Pick<Task, "taskId" | "timestamp">): Task {
  const end = endOf(execution);
  const started = startOf(execution.startedAt);
  return {
    taskId,
    timestamp,
    status: end?.status ?? "STARTED",
    ...(end?.reason !== undefined && { reason: end.reason }),
    executionArn: execution.arn,
    history: end ? [started, momentOf(end)] : [started],
  };
}

/** What a task's history begins with. */
export function startOf(time: number): Task["history"][number] {
  return { status: "STARTED", at: isoOf(time) };
}

/** An end as an entry of a task's history. */
export function momentOf({ status, at, reason }: TaskEnd): Task["history"][number] {
  return { status, at: isoOf(at), ...(reason !== undefined && { reason }) };
}

/** The same words as the machine's own: `PaymentRefused: no funds`. */
function reasonOf(error: string | undefined, cause: string | undefined): string {
  const said = [error, cause].filter((part) => part !== undefined && part !== "").join(": ");
  return (said || "stopped from outside, without a word").slice(0, REASON_LENGTH);
}

const isoOf = (time: number) => new Date(time).toISOString();
