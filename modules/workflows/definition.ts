/** What becomes of a task, as Step Functions does it. */
import { DAY_SECONDS } from "../../functions/shared/time";
import { REASON_LENGTH, TOO_LONG, type TaskStatus } from "../../functions/workflows/contract";
import { jsonata } from "../asl/asl";
import type { Retrier } from "../asl/fields";
import type { JsonataExpression } from "../asl/values";
import type { Machine } from "../asl/machine";

const { stateMachine, dynamoPut, dynamoUpdate, wait, lambdaInvoke, fail } = jsonata;

export interface TaskMachineRefs {
  /** The table of tasks, by its name. */
  readonly table: string;
  readonly waitSeconds: number | JsonataExpression;
  /** Of the whole execution. */
  readonly timeLimitSeconds: number;
  /** How long a row is kept after its start. A number, or a Terraform expression of one. */
  readonly keepDays: number | string;
  /** What is done between the two writes. @default nothing but the wait */
  readonly work?: TaskWork;
}

export interface TaskWork {
  readonly functionName: string;
  /** Of each try. */
  readonly timeoutSeconds: number;
  /** Further tries after the first, of work that fails; work that takes too long is not tried again. */
  readonly retries: number;
}

/** DynamoDB answers within seconds, or is asked again. */
const WRITE_TIMEOUT_SECONDS = 30;

/** A condition that does not hold will not hold later either. Anything else may be over in a minute. */
const RETRY_WRITE: readonly Retrier[] = [
  { ErrorEquals: ["DynamoDB.ConditionalCheckFailedException"], MaxAttempts: 0 },
  { ErrorEquals: ["States.ALL"], IntervalSeconds: 1, MaxAttempts: 5, BackoffRate: 2, JitterStrategy: "FULL" },
];

/** Lambda's own faults, not the work's: as AWS's best practices have them. */
const LAMBDA_FAULTS = [
  "Lambda.ClientExecutionTimeoutException",
  "Lambda.ServiceException",
  "Lambda.AWSLambdaException",
  "Lambda.SdkClientException",
  "Lambda.TooManyRequestsException",
] as const;

/** What went wrong. Of a function's error, Step Functions gives its JSON: of that, the message. */
const CAUSE = `{% (
  $cause := $exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : "";
  $isJson := $contains($cause, '"errorMessage"') and $length($cause) < 30000;
  $substring($isJson ? $parse($cause).errorMessage : $cause, 0, ${REASON_LENGTH})
) %}`;

/** The task itself goes along from state to state; what went wrong is kept beside it. */
const INPUT = "{% $states.input %}";
const ON_ERROR = { Assign: { error: "{% $states.errorOutput.Error %}", cause: CAUSE }, Output: INPUT };

/** As the reconciler would write it. */
const REASON = '{% $cause = "" ? $error : $error & ": " & $cause %}';

export function taskMachine({ table, waitSeconds, timeLimitSeconds, keepDays, work }: TaskMachineRefs): Machine {
  return stateMachine({
    Comment: "Runs a task and keeps its status",
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
            history: { L: [momentOf("STARTED")] },
            ttl: { N: `{% $string($floor($states.input.timestamp / 1000) + ${keepDays} * ${DAY_SECONDS}) %}` },
          },
          // A put that is tried again finds its own row. One that comes late finds how the task ended, and leaves it.
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
        RecordTimeout: recordEnd(table, "TIMED_OUT", tooLong(work), {
          Next: "TimedOut",
          Catch: [{ ErrorEquals: ["States.ALL"], Output: INPUT, Next: "TimedOut" }],
        }),
        TimedOut: fail({ Error: TOO_LONG, Cause: tooLong(work) }),
      }),
      RecordDone: recordEnd(table, "DONE", undefined, {
        End: true,
        Catch: [{ ErrorEquals: ["States.ALL"], ...ON_ERROR, Next: "RecordFailure" }],
      }),
      RecordFailure: recordEnd(table, "FAILED", REASON, {
        Next: "Failed",
        // The reconciler writes it, from the execution's end.
        Catch: [{ ErrorEquals: ["States.ALL"], Output: INPUT, Next: "Failed" }],
      }),
      Failed: fail({ Error: "{% $error %}", Cause: "{% $cause %}" }),
    },
  });
}

/** Where a write goes on. */
type After<Next extends string, Caught extends string> = (
  { readonly Next: Next; readonly End?: never } | { readonly End: true; readonly Next?: never }
) & {
  readonly Catch: readonly {
    readonly ErrorEquals: readonly [string];
    readonly Next: Caught;
    readonly Output: string;
  }[];
};

/**
 * Writes how the task ends, once: tried again, it finds its own end, and writes the same. A row that tells another end is left: the
 * execution was ended from outside, and the reconciler has been here.
 */
function recordEnd<const Next extends string = never, const Caught extends string = never>(
  table: string,
  status: Exclude<TaskStatus, "STARTED">,
  reason: string | undefined,
  after: After<Next, Caught>,
) {
  return dynamoUpdate<Next | Caught>({
    Arguments: {
      TableName: table,
      Key: {
        taskId: { S: "{% $states.input.taskId %}" },
        timestamp: { N: "{% $string($states.input.timestamp) %}" },
      },
      ConditionExpression: "#status IN (:started, :end)",
      UpdateExpression: `SET #status = :end, #history[1] = :moment${reason === undefined ? "" : ", reason = :reason"}`,
      ExpressionAttributeNames: { "#status": "status", "#history": "history" },
      ExpressionAttributeValues: {
        ":started": { S: "STARTED" },
        ":end": { S: status },
        ":moment": momentOf(status, reason),
        ...(reason !== undefined && { ":reason": { S: reason } }),
      },
    },
    Output: INPUT,
    TimeoutSeconds: WRITE_TIMEOUT_SECONDS,
    Retry: RETRY_WRITE,
    ...after,
  });
}

/** An entry of a task's history: when the state that writes it was entered, however often it is tried. */
function momentOf(status: TaskStatus, reason?: string) {
  const at = { S: "{% $states.context.State.EnteredTime %}" };
  return { M: { status: { S: status }, at, ...(reason !== undefined && { reason: { S: reason } }) } };
}

const tooLong = ({ timeoutSeconds }: TaskWork) => `the work took longer than ${timeoutSeconds} s`;
