/** The state machine of a task. */
import { DAY_SECONDS } from "../../functions/shared/time";
import { MAX_REASON_CHARACTERS, WORK_TIMED_OUT, type TaskStatus } from "../../functions/workflows/contract";
import { jsonata } from "../asl/asl";
import type { Retrier } from "../asl/fields";
import type { JsonataExpression } from "../asl/values";
import type { Machine } from "../asl/machine";

const { stateMachine, dynamoPut, dynamoUpdate, wait, lambdaInvoke, fail } = jsonata;

export interface TaskMachineRefs {
  /** The name of the table of tasks. */
  readonly table: string;
  readonly waitSeconds: number | JsonataExpression;
  /** The execution's timeout. */
  readonly timeLimitSeconds: number;
  /** A row expires this long after its task's start. A number, or a Terraform expression of one. */
  readonly keepDays: number | string;
  /** Invoked between the wait and the last write. @default none */
  readonly work?: TaskWork;
}

export interface TaskWork {
  readonly functionName: string;
  /** Per attempt. */
  readonly timeoutSeconds: number;
  /** Retries of work that fails. Work that times out is not retried. */
  readonly retries: number;
}

const WRITE_TIMEOUT_SECONDS = 30;

/** A failed condition is final. Other errors are retried for about half a minute. */
const RETRY_WRITE: readonly Retrier[] = [
  { ErrorEquals: ["DynamoDB.ConditionalCheckFailedException"], MaxAttempts: 0 },
  { ErrorEquals: ["States.ALL"], IntervalSeconds: 1, MaxAttempts: 5, BackoffRate: 2, JitterStrategy: "FULL" },
];

/** Errors of Lambda itself, not of the work: AWS's recommended list. */
const LAMBDA_FAULTS = [
  "Lambda.ClientExecutionTimeoutException",
  "Lambda.ServiceException",
  "Lambda.AWSLambdaException",
  "Lambda.SdkClientException",
  "Lambda.TooManyRequestsException",
] as const;

/** The error's cause. For a function's error, which is JSON, its message. */
const CAUSE = `{% (
  $cause := $exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : "";
  $isJson := $contains($cause, '"errorMessage"') and $length($cause) < 30000;
  $substring($isJson ? $parse($cause).errorMessage : $cause, 0, ${MAX_REASON_CHARACTERS})
) %}`;

/** Each state passes the task on. Errors are variables. */
const INPUT = "{% $states.input %}";
const ON_ERROR = { Assign: { error: "{% $states.errorOutput.Error %}", cause: CAUSE }, Output: INPUT };

/** The reconciler's format. */
const REASON = '{% $cause = "" ? $error : $error & ": " & $cause %}';

export function taskMachine({ table, waitSeconds, timeLimitSeconds, keepDays, work }: TaskMachineRefs): Machine {
  return stateMachine({
    Comment: "Runs a task and records its status",
    StartAt: "RecordStart",
    TimeoutSeconds: timeLimitSeconds,
    States: {
      RecordStart: dynamoPut({
        Arguments: {
          TableName: table,
          Item: {
            taskId: { S: "{% $states.input.taskId %}" },
            timestamp: { N: "{% $string($states.input.timestamp) %}" },
            status: { S: "STARTED" },
            executionArn: { S: "{% $states.context.Execution.Id %}" },
            history: { L: [historyEntry("STARTED")] },
            ttl: { N: `{% $string($floor($states.input.timestamp / 1000) + ${keepDays} * ${DAY_SECONDS}) %}` },
          },
          // A retry overwrites its own row, but a late put does not overwrite the task's end.
          ConditionExpression: "attribute_not_exists(#status) OR #status = :started",
          ExpressionAttributeNames: { "#status": "status" },
          ExpressionAttributeValues: { ":started": { S: "STARTED" } },
        },
        Output: INPUT,
        TimeoutSeconds: WRITE_TIMEOUT_SECONDS,
        Retry: RETRY_WRITE,
        Catch: [{ ErrorEquals: ["States.ALL"], ...ON_ERROR, Next: "Failed" }],
        Next: "Pause",
      }),
      Pause: wait({ Seconds: waitSeconds, Next: work === undefined ? "RecordDone" : "Work" }),
      ...(work && {
        Work: lambdaInvoke({
          Arguments: { FunctionName: work.functionName, Payload: INPUT },
          Output: INPUT,
          TimeoutSeconds: work.timeoutSeconds,
          Retry: [
            { ErrorEquals: LAMBDA_FAULTS, IntervalSeconds: 1, MaxAttempts: 6, BackoffRate: 2, JitterStrategy: "FULL" },
            {
              ErrorEquals: ["States.TaskFailed"],
              IntervalSeconds: 1,
              MaxAttempts: work.retries,
              BackoffRate: 2,
              JitterStrategy: "FULL",
            },
          ],
          Catch: [
            { ErrorEquals: ["States.Timeout"], Output: INPUT, Next: "RecordTimeout" },
            { ErrorEquals: ["States.ALL"], ...ON_ERROR, Next: "RecordFailure" },
          ],
          Next: "RecordDone",
        }),
        RecordTimeout: recordEnd(table, "TIMED_OUT", workTimedOut(work), {
          Next: "TimedOut",
          Catch: [{ ErrorEquals: ["States.ALL"], Output: INPUT, Next: "TimedOut" }],
        }),
        TimedOut: fail({ Error: WORK_TIMED_OUT, Cause: workTimedOut(work) }),
      }),
      RecordDone: recordEnd(table, "DONE", undefined, {
        End: true,
        Catch: [{ ErrorEquals: ["States.ALL"], ...ON_ERROR, Next: "RecordFailure" }],
      }),
      RecordFailure: recordEnd(table, "FAILED", REASON, {
        Next: "Failed",
        // The reconciler writes the row after the execution's end.
        Catch: [{ ErrorEquals: ["States.ALL"], Output: INPUT, Next: "Failed" }],
      }),
      Failed: fail({ Error: "{% $error %}", Cause: "{% $cause %}" }),
    },
  });
}

/** The transitions of a write. */
type Transitions<Next extends string, Caught extends string> = (
  { readonly Next: Next; readonly End?: never } | { readonly End: true; readonly Next?: never }
) & {
  readonly Catch: readonly {
    readonly ErrorEquals: readonly [string];
    readonly Next: Caught;
    readonly Output: string;
  }[];
};

/**
 * Writes the task's end. Idempotent. Fails when the row has another end: the execution was stopped, and the reconciler has written
 * the row.
 */
function recordEnd<const Next extends string = never, const Caught extends string = never>(
  table: string,
  status: Exclude<TaskStatus, "STARTED">,
  reason: string | undefined,
  transitions: Transitions<Next, Caught>,
) {
  return dynamoUpdate<Next | Caught>({
    Arguments: {
      TableName: table,
      Key: {
        taskId: { S: "{% $states.input.taskId %}" },
        timestamp: { N: "{% $string($states.input.timestamp) %}" },
      },
      ConditionExpression: "#status IN (:started, :end)",
      UpdateExpression: `SET #status = :end, #history[1] = :entry${reason === undefined ? "" : ", reason = :reason"}`,
      ExpressionAttributeNames: { "#status": "status", "#history": "history" },
      ExpressionAttributeValues: {
        ":started": { S: "STARTED" },
        ":end": { S: status },
        ":entry": historyEntry(status, reason),
        ...(reason !== undefined && { ":reason": { S: reason } }),
      },
    },
    Output: INPUT,
    TimeoutSeconds: WRITE_TIMEOUT_SECONDS,
    Retry: RETRY_WRITE,
    ...transitions,
  });
}

/** An entry of the task's history. Its time is when the state was entered, so retries do not change it. */
function historyEntry(status: TaskStatus, reason?: string) {
  const at = { S: "{% $states.context.State.EnteredTime %}" };
  return { M: { status: { S: status }, at, ...(reason !== undefined && { reason: { S: reason } }) } };
}

const workTimedOut = ({ timeoutSeconds }: TaskWork) => `the work took longer than ${timeoutSeconds} s`;
