/** The state machine that runs one export. */
import { EVENT_SOURCE, EVENT_TYPE, THROTTLING_ERRORS, type FinishStep } from "../../functions/exports/contract";
import { DAY_SECONDS, MINUTE_SECONDS } from "../../functions/shared/time";
import { jsonata } from "../asl/asl";
import type { Retrier } from "../asl/fields";

const { stateMachine, task, lambdaInvoke, startExecution, choice, distributedMap, wait, succeed, fail } = jsonata;

/** DynamoDB's own exports take minutes, or days. Polled rarer and rarer, so that the history has room for two weeks. */
const NATIVE_EXPORT_POLL = { firstSeconds: MINUTE_SECONDS, moreSeconds: 10, mostSeconds: 10 * MINUTE_SECONDS } as const;

/** Longer than Lambda's maximum of 900. */
const TASK_SECONDS = 960;

/** A slow export of a very large table takes days. */
const RUN_SECONDS = 14 * DAY_SECONDS;

/** Ten minutes apart at most, for about six hours. */
const THROTTLING_RETRIES = {
  IntervalSeconds: 5,
  MaxAttempts: 45,
  BackoffRate: 2,
  MaxDelaySeconds: 10 * MINUTE_SECONDS,
} as const;

/** Lambda throttles accounts; what its functions use throttles tables, prefixes and accounts. */
const THROTTLED: readonly [string, ...string[]] = [
  "Lambda.TooManyRequestsException",
  "Lambda.ServiceException",
  "Lambda.AWSLambdaException",
  "Lambda.SdkClientException",
  ...THROTTLING_ERRORS,
];

/**
 * Throttling is retried for hours. Other errors that functions throw are retried three times within half a minute. Errors that a retry
 * cannot fix are returned instead (functions/exports/run/permanent-failures.ts), see FAILED.
 */
const RETRY = [
  { Comment: "Bugs", ErrorEquals: ["InvalidInputError", "EnvironmentError"], MaxAttempts: 0 },
  { Comment: "Throttling", ErrorEquals: THROTTLED, ...THROTTLING_RETRIES, JitterStrategy: "FULL" },
  { ErrorEquals: ["States.ALL"], IntervalSeconds: 2, MaxAttempts: 3, BackoffRate: 3, JitterStrategy: "FULL" },
] as const satisfies readonly Retrier[];

/** The name of the execution that began a chain, and the next one's number. */
const NEXT_IN_CHAIN =
  "{% $merge([{'name': $states.context.Execution.Name}, $states.context.Execution.Input.continues, {'number': ($exists($states.context.Execution.Input.continues) ? $states.context.Execution.Input.continues.number : 0) + 1}]) %}";

const CONTINUED = {
  outcome: "continued",
  message: "an older run is finished; the requested one continues in another execution",
} as const;

/** Step Functions' error for an execution that has been started, and its emulator's. */
const EXISTS = ["StepFunctions.ExecutionAlreadyExistsException", "ExecutionAlreadyExists"] as const;

/** A function returned a permanent failure. */
const HAS_FAILED = { Comment: "failed", Condition: "{% $exists($states.input.failure) %}" } as const;
const FAILED = { ...HAS_FAILED, Output: "{% $states.input.failure %}", Next: "RecordFailure" } as const;

export interface ExportMachineRefs {
  /** The machine's own ARN. */
  readonly self: string;
  readonly claimRun: string;
  readonly readSegment: string;
  readonly nativeExport: string;
  readonly finishRun: string;
  readonly recordFailure: string;
}

export const exportMachine = (functions: ExportMachineRefs) => {
  const call = { TimeoutSeconds: TASK_SECONDS, Retry: RETRY, Output: "{% $states.result.Payload %}" } as const;
  const caught = {
    Catch: [
      {
        ErrorEquals: ["States.ALL"],
        Output: "{% {'error': $states.errorOutput.Error, 'cause': $states.errorOutput.Cause} %}",
        Next: "RecordFailure",
      },
    ],
  } as const;
  const finishRun = (step: FinishStep) => ({
    FunctionName: functions.finishRun,
    Payload: { run: "{% $run %}", step },
  });

  return stateMachine({
    Comment: "One run of an export: claims the day, reads segments, publishes the files, finishes the run",
    StartAt: "ClaimRun",
    TimeoutSeconds: RUN_SECONDS,
    States: {
      ClaimRun: lambdaInvoke({
        Comment: "One execution per export, one finished run per day",
        Arguments: {
          FunctionName: functions.claimRun,
          Payload: {
            request: "{% $states.context.Execution.Input %}",
            execution: "{% $states.context.Execution.Id %}",
          },
        },
        ...call,
        ...caught,
        Next: "CheckClaim",
      }),
      CheckClaim: choice({
        Choices: [
          FAILED,
          {
            Comment: "claimed",
            Condition: "{% $states.input.outcome = 'run' %}",
            Assign: {
              run: "{% $states.input.run %}",
              segments: "{% $states.input.segments %}",
              claimAgain: "{% $states.input.claimAgain %}",
            },
            Next: "AbortUploads",
          },
        ],
        Default: "NothingToDo",
      }),
      NothingToDo: succeed({ Comment: "Finished before, or running in another execution" }),

      AbortUploads: lambdaInvoke({
        Comment: "Abort uploads of runs that this one has superseded",
        Arguments: finishRun("abort-uploads"),
        ...call,
        ...caught,
        Next: "ChooseEngine",
      }),
      ChooseEngine: choice({
        Choices: [
          FAILED,
          {
            Comment: "DynamoDB's own export",
            Condition: "{% $run.config.engine = 'dynamodb-export' %}",
            Next: "StartNativeExport",
          },
        ],
        Default: "ReadSegments",
      }),

      ReadSegments: distributedMap({
        Comment:
          "Each segment is an execution of its own, whose history has room for two weeks of invocations and retries",
        Items: "{% $segments %}",
        ItemSelector: {
          run: "{% $run %}",
          segment: "{% $states.context.Map.Item.Value %}",
          request: "{% $states.context.Execution.Input %}",
          execution: "{% $states.context.Execution.Id %}",
        },
        MaxConcurrency: 40,
        Label: "segments",
        ExecutionType: "STANDARD",
        ItemProcessor: stateMachine({
          StartAt: "ReadSegment",
          States: {
            ReadSegment: lambdaInvoke({
              Comment: "From the last checkpoint, as far as one invocation gets",
              Arguments: { FunctionName: functions.readSegment, Payload: "{% $states.input %}" },
              ...call,
              Output: "{% $merge([$states.input, $states.result.Payload]) %}",
              Catch: [
                {
                  ErrorEquals: ["States.ALL"],
                  Output:
                    "{% $merge([$states.input, {'failure': {'error': $states.errorOutput.Error, 'cause': $states.errorOutput.Cause}}]) %}",
                  Next: "RecordSegmentFailure",
                },
              ],
              Next: "CheckSegment",
            }),
            CheckSegment: choice({
              Choices: [
                { ...HAS_FAILED, Next: "RecordSegmentFailure" },
                { Comment: "done", Condition: "{% $states.input.done %}", Next: "SegmentDone" },
              ],
              Default: "ReadSegment",
            }),
            RecordSegmentFailure: lambdaInvoke({
              Comment: "At once, so that the other segments stop",
              Arguments: {
                FunctionName: functions.recordFailure,
                Payload: {
                  request: "{% $states.input.request %}",
                  execution: "{% $states.input.execution %}",
                  error: "{% $states.input.failure.error %}",
                  cause: "{% $states.input.failure.cause %}",
                },
              },
              TimeoutSeconds: TASK_SECONDS,
              Retry: RETRY,
              Catch: [{ ErrorEquals: ["States.ALL"], Output: "{% $states.input %}", Next: "SegmentFailed" }],
              Output: "{% $states.input %}",
              Next: "SegmentFailed",
            }),
            SegmentFailed: succeed({
              Comment: "A failed execution would end as States.ExceedToleratedFailureThreshold, without the reason",
              Output: { failure: "{% $states.input.failure %}" },
            }),
            SegmentDone: succeed({ Output: {} }),
          },
        }),
        // Prefers the cause to RunFailedError, with which the other segments stop.
        Output:
          "{% {'failure': $append($states.result.failure[error != 'RunFailedError'], $states.result.failure)[0]} %}",
        ...caught,
        Next: "CheckSegments",
      }),
      CheckSegments: choice({ Choices: [FAILED], Default: "Publish" }),

      StartNativeExport: lambdaInvoke({
        Arguments: { FunctionName: functions.nativeExport, Payload: { run: "{% $run %}" } },
        ...call,
        Assign: { polls: 0 },
        ...caught,
        Next: "CheckNativeExport",
      }),
      WaitForNativeExport: wait({
        Seconds: `{% $min([${NATIVE_EXPORT_POLL.mostSeconds}, ${NATIVE_EXPORT_POLL.firstSeconds} + ${NATIVE_EXPORT_POLL.moreSeconds} * $polls]) %}`,
        Assign: { polls: "{% $polls + 1 %}" },
        Next: "PollNativeExport",
      }),
      PollNativeExport: lambdaInvoke({
        Arguments: {
          FunctionName: functions.nativeExport,
          Payload: { run: "{% $run %}", exportArn: "{% $states.input.exportArn %}" },
        },
        ...call,
        ...caught,
        Next: "CheckNativeExport",
      }),
      CheckNativeExport: choice({
        Choices: [FAILED, { Comment: "done", Condition: "{% $states.input.done %}", Next: "Publish" }],
        Default: "WaitForNativeExport",
      }),

      Publish: lambdaInvoke({
        Comment: "Complete the uploads, switch the manifest, delete what it replaces, write the _SUCCESS marker",
        Arguments: finishRun("publish"),
        ...call,
        ...caught,
        Next: "CheckPublished",
      }),
      CheckPublished: choice({ Choices: [FAILED], Default: "FinishRun" }),
      FinishRun: lambdaInvoke({ Arguments: finishRun("finish"), ...call, ...caught, Next: "CheckFinish" }),
      CheckFinish: choice({ Choices: [FAILED], Default: "Announce" }),
      Announce: task({
        Comment: "An event on the default bus: others start from it",
        Resource: "arn:aws:states:::events:putEvents",
        Arguments: {
          Entries: [
            {
              EventBusName: "default",
              Source: EVENT_SOURCE,
              DetailType: EVENT_TYPE,
              Detail: "{% $states.input.run %}",
            },
          ],
        },
        TimeoutSeconds: MINUTE_SECONDS,
        Output: "{% $states.input %}",
        Retry: RETRY,
        Catch: [
          {
            Comment: "The run is finished",
            ErrorEquals: ["States.ALL"],
            Output: "{% $states.input %}",
            Next: "CheckClaimAgain",
          },
        ],
        Next: "CheckClaimAgain",
      }),
      CheckClaimAgain: choice({
        Choices: [
          {
            Comment: "an older run was finished first",
            Condition: "{% $claimAgain %}",
            Assign: { chain: NEXT_IN_CHAIN },
            Next: "Continue",
          },
        ],
        Default: "Exported",
      }),
      Continue: startExecution({
        Comment: "An execution finishes one run, so that no history is ever full",
        Arguments: {
          StateMachineArn: functions.self,
          Name: "{% $substring($chain.name, 0, 70) & '_' & $string($chain.number) %}",
          Input: "{% $merge([$states.context.Execution.Input, {'continues': $chain}]) %}",
        },
        Output: { ...CONTINUED, next: "{% $states.result.ExecutionArn %}" },
        Retry: RETRY,
        Catch: [
          { Comment: "Its response was lost", ErrorEquals: EXISTS, Output: CONTINUED, Next: "Exported" },
          ...caught.Catch,
        ],
        Next: "Exported",
      }),
      Exported: succeed(),

      RecordFailure: lambdaInvoke({
        Arguments: {
          FunctionName: functions.recordFailure,
          Payload: {
            request: "{% $states.context.Execution.Input %}",
            execution: "{% $states.context.Execution.Id %}",
            error: "{% $states.input.error %}",
            cause: "{% $states.input.cause %}",
          },
        },
        TimeoutSeconds: TASK_SECONDS,
        Retry: RETRY,
        Catch: [{ ErrorEquals: ["States.ALL"], Output: "{% $states.input %}", Next: "Failed" }],
        Output: "{% $states.input %}",
        Next: "Failed",
      }),
      Failed: fail({ Error: "{% $states.input.error %}", Cause: "{% $states.input.cause %}" }),
    },
  });
};
