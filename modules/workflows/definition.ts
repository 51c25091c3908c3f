/** The state machine of workflows without a definition of their own: a wait, then the work. */
import { MAX_REASON_CHARACTERS, WORK_TIMED_OUT, type TaskStatus } from "../../functions/workflows/contract";
import { jsonata } from "../asl/asl";
import type { JsonataExpression } from "../asl/values";
import type { Machine } from "../asl/machine";
import {
  ARN,
  END_NAMES,
  endValues,
  expiry,
  HAS_NO_END,
  historyEntry,
  INPUT,
  KEY,
  OWN,
  recordStart,
  RETRY_WRITE,
  WRITE_TIMEOUT_SECONDS,
  type RowRefs,
  type Transitions,
} from "./record";

const { stateMachine, dynamoUpdate, wait, lambdaInvoke, fail, succeed } = jsonata;

export interface TaskMachineRefs extends RowRefs {
  readonly waitSeconds: number | JsonataExpression;
  /** The execution's timeout. */
  readonly timeLimitSeconds: number;
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

type EndStatus = Exclude<TaskStatus, "STARTED">;

/** Between attempts of the work. */
const MAX_WORK_DELAY_SECONDS = 60;

/** Errors of Lambda itself, not of the work: AWS's recommended list. */
const LAMBDA_FAULTS = [
  "Lambda.ClientExecutionTimeoutException",
  "Lambda.ServiceException",
  "Lambda.AWSLambdaException",
  "Lambda.SdkClientException",
  "Lambda.TooManyRequestsException",
] as const;

/** The error's cause. For a function's error, which is JSON, its message. Lambda cuts a longer JSON. */
const CAUSE = `{% (
  $cause := $exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : "";
  $isJson := $substring($cause, 0, 1) = "{" and $substring($cause, -1) = "}" and $length($cause) < 30000;
  $message := $isJson ? $parse($cause).errorMessage : $cause;
  $substring($type($message) = "string" ? $message : $cause, 0, ${MAX_REASON_CHARACTERS})
) %}`;

/** Errors are variables. */
const ON_ERROR = { Assign: { error: "{% $states.errorOutput.Error %}", cause: CAUSE }, Output: INPUT };

/** The reconciler's format. JSONata counts code points, so no pair is split. */
const REASON = `{% $substring($cause = "" ? $error : $error & ": " & $cause, 0, ${MAX_REASON_CHARACTERS}) %}`;

/** The longest time between a task's start and its last write, when nothing but the work fails. */
export function secondsNeeded(waitSeconds: number, work: Omit<TaskWork, "functionName"> | undefined): number {
  const delays = Array.from({ length: work?.retries ?? 0 }, (_, retry) => Math.min(2 ** retry, MAX_WORK_DELAY_SECONDS));
  const attempts = work === undefined ? 0 : work.timeoutSeconds * (work.retries + 1);
  return waitSeconds + attempts + delays.reduce((sum, delay) => sum + delay, 0) + 2 * WRITE_TIMEOUT_SECONDS;
}

export function taskMachine({ table, waitSeconds, timeLimitSeconds, keepDays, work }: TaskMachineRefs): Machine {
  return stateMachine({
    Comment: "Runs a task and records its status",
    StartAt: "RecordStart",
    TimeoutSeconds: timeLimitSeconds,
    States: {
      RecordStart: recordStart(
        { table, keepDays },
        { hasOutput: false },
        { Next: "Pause", Catch: [{ ErrorEquals: ["States.ALL"], ...ON_ERROR, Next: "Failed" }] },
      ),
      Pause: wait({ Seconds: waitSeconds, Next: work === undefined ? "RecordDone" : "Work" }),
      ...(work && {
        Work: lambdaInvoke({
          Arguments: { FunctionName: work.functionName, Payload: INPUT },
          Assign: { result: "{% $states.result.Payload %}" },
          Output: INPUT,
          TimeoutSeconds: work.timeoutSeconds,
          Retry: [
            { ErrorEquals: LAMBDA_FAULTS, IntervalSeconds: 1, MaxAttempts: 6, BackoffRate: 2, JitterStrategy: "FULL" },
            {
              ErrorEquals: ["States.TaskFailed"],
              IntervalSeconds: 1,
              MaxAttempts: work.retries,
              BackoffRate: 2,
              MaxDelaySeconds: MAX_WORK_DELAY_SECONDS,
              JitterStrategy: "FULL",
            },
          ],
          Catch: [
            { ErrorEquals: ["States.Timeout"], Output: INPUT, Next: "RecordTimeout" },
            { ErrorEquals: ["States.ALL"], ...ON_ERROR, Next: "RecordFailure" },
          ],
          Next: "RecordDone",
        }),
        RecordTimeout: recordEnd(
          { table, keepDays },
          { status: "TIMED_OUT", reason: workTimedOut(work) },
          {
            Next: "TimedOut",
            Catch: [{ ErrorEquals: ["States.ALL"], Output: INPUT, Next: "TimedOut" }],
          },
        ),
        TimedOut: fail({ Error: WORK_TIMED_OUT, Cause: workTimedOut(work) }),
      }),
      RecordDone: recordEnd(
        { table, keepDays },
        { status: "DONE", hasResult: work !== undefined },
        {
          End: true,
          Catch: [
            // An earlier attempt, whose response was lost, has written the row.
            { ErrorEquals: ["DynamoDB.ConditionalCheckFailedException"], Output: INPUT, Next: "Recorded" },
            { ErrorEquals: ["States.ALL"], ...ON_ERROR, Next: "RecordFailure" },
          ],
        },
      ),
      Recorded: succeed(),
      RecordFailure: recordEnd(
        { table, keepDays },
        { status: "FAILED", reason: REASON },
        {
          Next: "Failed",
          // The reconciler writes the row after the execution's end.
          Catch: [{ ErrorEquals: ["States.ALL"], Output: INPUT, Next: "Failed" }],
        },
      ),
      Failed: fail({ Error: "{% $error %}", Cause: "{% $cause %}" }),
    },
  });
}

/** Writes the task's end. Fails when the row has an end of this run: an earlier attempt, whose response was lost, has written it. */
function recordEnd<const Next extends string = never, const Caught extends string = never>(
  { table, ...refs }: RowRefs,
  { status, reason, hasResult = false }: RecordedEnd,
  transitions: Transitions<Next, Caught>,
) {
  const update = [
    "SET #status = :end, #history = list_append(#history, :entries), #ttl = :ttl",
    ...(hasResult ? [", #result = :json, resultLocation = :location"] : []),
    reason === undefined ? " REMOVE reason" : ", reason = :reason",
  ];
  return dynamoUpdate<Next | Caught>({
    Arguments: {
      TableName: table,
      Key: KEY,
      ConditionExpression: `${OWN} AND ${HAS_NO_END}`,
      UpdateExpression: update.join(""),
      ExpressionAttributeNames: {
        ...END_NAMES,
        "#history": "history",
        ...(hasResult && { "#result": "result" }),
      },
      ExpressionAttributeValues: {
        ...endValues(refs),
        ":end": { S: status },
        ":arn": ARN,
        ":entries": { L: [historyEntry(status, reason)] },
        ":ttl": expiry(refs),
        ...(hasResult && {
          ":json": { S: '{% $exists($result.json) ? $result.json : "" %}' },
          ":location": { S: '{% $exists($result.location) ? $result.location : "" %}' },
        }),
        ...(reason !== undefined && { ":reason": { S: reason } }),
      },
    },
    Output: INPUT,
    TimeoutSeconds: WRITE_TIMEOUT_SECONDS,
    Retry: RETRY_WRITE,
    ...transitions,
  });
}

interface RecordedEnd {
  readonly status: EndStatus;
  readonly reason?: string;
  /** True after the work. */
  readonly hasResult?: boolean;
}

const workTimedOut = ({ timeoutSeconds }: TaskWork) => `the work took longer than ${timeoutSeconds} s`;
