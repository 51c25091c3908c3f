/** The state machine that a run of an export is. */
import { DAY_SECONDS } from "../../functions/shared/time";
import { jsonata } from "../asl/asl";
import type { Retrier } from "../asl/fields";

const { stateMachine, lambdaInvoke, choice, map, wait, succeed, fail } = jsonata;

/** How DynamoDB's own export is coming on is asked once a minute: it takes minutes at least. */
const NATIVE_POLL_SECONDS = 60;

/** Longer than Lambda's longest: a function that answers no more is given up. */
const TASK_SECONDS = 960;

/** Two weeks: whatever a slow export of a large table takes. Then somebody should look. */
const RUN_SECONDS = 14 * DAY_SECONDS;

/**
 * What a function throws is tried three times more within half a minute; each bears being called again. What would fail again it
 * answers instead (functions/exports/run/failure.ts): see FAILED.
 */
const RETRY = [
  { Comment: "Faults of ours", ErrorEquals: ["InvalidInputError", "EnvironmentError"], MaxAttempts: 0 },
  { ErrorEquals: ["States.ALL"], IntervalSeconds: 2, MaxAttempts: 3, BackoffRate: 3, JitterStrategy: "FULL" },
] as const satisfies readonly Retrier[];

/** A function has answered that it has failed, for good. */
const HAS_FAILED = { Comment: "failed", Condition: "{% $exists($states.input.failure) %}" } as const;
const FAILED = { ...HAS_FAILED, Output: "{% $states.input.failure %}", Next: "RecordFailure" } as const;

export interface ExportMachineRefs {
  readonly claim: string;
  readonly read: string;
  readonly native: string;
  readonly finish: string;
  readonly fail: string;
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
  const finish = (step: "unmark" | "manifest" | "success" | "release") => ({
    FunctionName: functions.finish,
    Payload: { run: "{% $run %}", step },
  });

  return stateMachine({
    Comment: "Exports a table: claimed, read in segments, listed in a manifest, marked as whole, released",
    StartAt: "Claim",
    TimeoutSeconds: RUN_SECONDS,
    States: {
      Claim: lambdaInvoke({
        Comment: "The export's day is this execution's, or somebody else's",
        Arguments: {
          FunctionName: functions.claim,
          Payload: {
            request: "{% $states.context.Execution.Input %}",
            execution: "{% $states.context.Execution.Id %}",
          },
        },
        ...call,
        ...caught,
        Next: "Claimed",
      }),
      Claimed: choice({
        Choices: [
          FAILED,
          {
            Comment: "to be exported",
            Condition: "{% $states.input.outcome = 'run' %}",
            Assign: {
              run: "{% $states.input.run %}",
              segments: "{% $states.input.segments %}",
              again: "{% $states.input.again %}",
            },
            Next: "Unmark",
          },
        ],
        Default: "NothingToDo",
      }),
      NothingToDo: succeed({ Comment: "It is there already, or being made" }),

      Unmark: lambdaInvoke({
        Comment: "What is there of an earlier run is not whole any more",
        Arguments: finish("unmark"),
        ...call,
        ...caught,
        Next: "Unmarked",
      }),
      Unmarked: choice({
        Choices: [
          FAILED,
          {
            Comment: "by DynamoDB itself",
            Condition: "{% $run.config.engine = 'dynamodb-export' %}",
            Next: "BeginNatively",
          },
        ],
        Default: "ReadSegments",
      }),

      ReadSegments: map({
        Items: "{% $segments %}",
        ItemSelector: { run: "{% $run %}", segment: "{% $states.context.Map.Item.Value %}" },
        MaxConcurrency: 40,
        ItemProcessor: stateMachine({
          StartAt: "ReadSegment",
          States: {
            ReadSegment: lambdaInvoke({
              Comment: "As far as one invocation gets, from the last key on",
              Arguments: { FunctionName: functions.read, Payload: "{% $states.input %}" },
              ...call,
              Output: "{% $merge([$states.input, $states.result.Payload]) %}",
              Next: "SegmentRead",
            }),
            SegmentRead: choice({
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
        Next: "WriteManifest",
      }),

      BeginNatively: lambdaInvoke({
        Arguments: { FunctionName: functions.native, Payload: { run: "{% $run %}" } },
        ...call,
        ...caught,
        Next: "DynamoAsked",
      }),
      WaitForDynamo: wait({ Seconds: NATIVE_POLL_SECONDS, Next: "LookAtDynamo" }),
      LookAtDynamo: lambdaInvoke({
        Arguments: {
          FunctionName: functions.native,
          Payload: { run: "{% $run %}", exportArn: "{% $states.input.exportArn %}" },
        },
        ...call,
        ...caught,
        Next: "DynamoAsked",
      }),
      DynamoAsked: choice({
        Choices: [FAILED, { Comment: "done", Condition: "{% $states.input.done %}", Next: "WriteManifest" }],
        Default: "WaitForDynamo",
      }),

      WriteManifest: lambdaInvoke({ Arguments: finish("manifest"), ...call, ...caught, Next: "ManifestWritten" }),
      ManifestWritten: choice({ Choices: [FAILED], Default: "MarkSuccess" }),
      MarkSuccess: lambdaInvoke({ Arguments: finish("success"), ...call, ...caught, Next: "SuccessMarked" }),
      SuccessMarked: choice({ Choices: [FAILED], Default: "Release" }),
      Release: lambdaInvoke({ Arguments: finish("release"), ...call, ...caught, Next: "Released" }),
      Released: choice({
        Choices: [
          FAILED,
          { Comment: "it was an older one, left unfinished", Condition: "{% $again %}", Next: "Claim" },
        ],
        Default: "Exported",
      }),
      Exported: succeed(),

      RecordFailure: lambdaInvoke({
        Arguments: {
          FunctionName: functions.fail,
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
