/** The state machine that runs one export. */
import type { FinishStep } from "../../functions/exports/contract";
import { DAY_SECONDS, MINUTE_SECONDS } from "../../functions/shared/time";
import { jsonata } from "../asl/asl";
import type { Retrier } from "../asl/fields";

const { stateMachine, nestedMachine, lambdaInvoke, choice, map, wait, succeed, fail } = jsonata;

/** DynamoDB's own exports take several minutes. */
const NATIVE_EXPORT_POLL_SECONDS = MINUTE_SECONDS;

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

/** Lambda throttles accounts; DynamoDB, S3, STS and Step Functions throttle tables, prefixes and accounts. */
const THROTTLING_ERRORS: readonly [string, ...string[]] = [
  "Lambda.TooManyRequestsException",
  "Lambda.ServiceException",
  "Lambda.AWSLambdaException",
  "Lambda.SdkClientException",
  "LimitExceededException",
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "ServiceUnavailable",
  "SlowDown",
  "Throttling",
  "ThrottlingException",
  "TooManyRequestsException",
];

/**
 * Throttling is retried for hours. Other errors that functions throw are retried three times within half a minute. Errors that a retry
 * cannot fix are returned instead (functions/exports/run/permanent-failures.ts), see FAILED.
 */
const RETRY = [
  { Comment: "Bugs", ErrorEquals: ["InvalidInputError", "EnvironmentError"], MaxAttempts: 0 },
  { Comment: "Throttling", ErrorEquals: THROTTLING_ERRORS, ...THROTTLING_RETRIES, JitterStrategy: "FULL" },
  { ErrorEquals: ["States.ALL"], IntervalSeconds: 2, MaxAttempts: 3, BackoffRate: 3, JitterStrategy: "FULL" },
] as const satisfies readonly Retrier[];

/** A function returned a permanent failure. */
const HAS_FAILED = { Comment: "failed", Condition: "{% $exists($states.input.failure) %}" } as const;
const FAILED = { ...HAS_FAILED, Output: "{% $states.input.failure %}", Next: "RecordFailure" } as const;

export interface ExportMachineRefs {
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
    Comment: "Exports a table: claims the day, reads segments, publishes the files, finishes the run",
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

      ReadSegments: map({
        Items: "{% $segments %}",
        ItemSelector: { run: "{% $run %}", segment: "{% $states.context.Map.Item.Value %}" },
        MaxConcurrency: 40,
        ItemProcessor: nestedMachine({
          StartAt: "ReadSegment",
          States: {
            ReadSegment: lambdaInvoke({
              Comment: "From the last checkpoint, as far as one invocation gets",
              Arguments: { FunctionName: functions.readSegment, Payload: "{% $states.input %}" },
              ...call,
              Output: "{% $merge([$states.input, $states.result.Payload]) %}",
              Next: "CheckSegment",
            }),
            CheckSegment: choice({
              Choices: [
                { ...HAS_FAILED, Next: "SegmentFailed" },
                { Comment: "done", Condition: "{% $states.input.done %}", Next: "SegmentDone" },
              ],
              Default: "ReadSegment",
            }),
            SegmentFailed: fail({
              Error: "{% $states.input.failure.error %}",
              Cause: "{% $states.input.failure.cause %}",
            }),
            SegmentDone: succeed({ Output: {} }),
          },
        }),
        ...caught,
        Next: "Publish",
      }),

      StartNativeExport: lambdaInvoke({
        Arguments: { FunctionName: functions.nativeExport, Payload: { run: "{% $run %}" } },
        ...call,
        ...caught,
        Next: "CheckNativeExport",
      }),
      WaitForNativeExport: wait({ Seconds: NATIVE_EXPORT_POLL_SECONDS, Next: "PollNativeExport" }),
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
      CheckFinish: choice({
        Choices: [
          FAILED,
          { Comment: "an older day was finished first", Condition: "{% $claimAgain %}", Next: "ClaimRun" },
        ],
        Default: "Exported",
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
