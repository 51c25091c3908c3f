/** The states with which machines write a task's row. */
import { DAY_SECONDS } from "../../functions/shared/time";
import { NO_INPUT, type TaskStatus } from "../../functions/workflows/contract";
import { jsonata } from "../asl/asl";
import type { Retrier } from "../asl/fields";

export const WRITE_TIMEOUT_SECONDS = 30;

export interface RowRefs {
  /** The name of the table of tasks. */
  readonly table: string;
  /** A row expires this long after its task's end. A number, or a Terraform expression of one. */
  readonly keepDays: number | string;
}

/** A failed condition is final. Other errors are retried for about half a minute. */
export const RETRY_WRITE: readonly Retrier[] = [
  { ErrorEquals: ["DynamoDB.ConditionalCheckFailedException"], MaxAttempts: 0 },
  { ErrorEquals: ["States.ALL"], IntervalSeconds: 1, MaxAttempts: 5, BackoffRate: 2, JitterStrategy: "FULL" },
];

/** Each state passes the task on. */
export const INPUT = "{% $states.input %}";

/** The execution's input, wherever a state is in the machine. */
const TASK = "$states.context.Execution.Input";

/** The row of this execution. Another one, started by hand, may have the same key. */
export const OWN = "executionArn = :arn";
export const ARN = { S: "{% $states.context.Execution.Id %}" };

export const KEY = {
  taskId: { S: `{% ${TASK}.taskId %}` },
  timestamp: { N: `{% $string(${TASK}.timestamp) %}` },
};

const IS_TIMESTAMP = `$abs(${TASK}.timestamp) <= ${Number.MAX_SAFE_INTEGER}`;

/** Of the first write: refuses what readers of the row do not hold, as taskInputSchema does. */
const NEW_KEY = {
  ...KEY,
  timestamp: { N: `{% ${IS_TIMESTAMP} ? $string(${TASK}.timestamp) : $error("timestamp is not in seconds") %}` },
};

const REDRIVE_TIME = "$states.context.Execution.RedriveTime";

const START_DATE = { S: "{% $states.context.Execution.StartTime %}" };
const INPUT_HASH = { S: `{% $exists(${TASK}.inputHash) ? ${TASK}.inputHash : "${NO_INPUT}" %}` };

/** When a row expires whose task ended then. */
const expiresAfter = (time: string, { keepDays }: Pick<RowRefs, "keepDays">) =>
  `$string($floor($toMillis(${time}) / 1000) + ${keepDays} * ${DAY_SECONDS})`;

/** When the row expires, from when the state was entered. */
export const expiry = (refs: Pick<RowRefs, "keepDays">) => ({
  N: `{% ${expiresAfter("$states.context.State.EnteredTime", refs)} %}`,
});

/**
 * The row has no end of this run: it is STARTED or, after a redrive in the console, which writes no row, has an end that is not later. Ends
 * have no other time that a condition can compare than that of their row's expiry. What is DONE is done.
 */
export const HAS_NO_END = "(#status = :started OR #status <> :done AND #ttl <= :redriven)";

/** For {@link HAS_NO_END}. */
export const END_NAMES = { "#status": "status", "#ttl": "ttl" } as const;

/** For {@link HAS_NO_END}. Without a redrive, no row has expired that early. */
export const endValues = (refs: Pick<RowRefs, "keepDays">) =>
  ({
    ":started": { S: "STARTED" },
    ":done": { S: "DONE" },
    ":redriven": { N: `{% $exists(${REDRIVE_TIME}) ? ${expiresAfter(REDRIVE_TIME, refs)} : "0" %}` },
  }) as const;

/** The transitions of a write. */
export type Transitions<Next extends string, Caught extends string> = (
  | { readonly Next: Next; readonly End?: never }
  | { readonly End: true; readonly Next?: never }
) & {
  readonly Catch?: readonly {
    readonly ErrorEquals: readonly [string];
    readonly Assign?: Readonly<Record<string, string>>;
    readonly Output: string;
    readonly Next: Caught;
  }[];
};

/**
 * Writes STARTED. It can run again after a redrive, when the reconciler has written the end of the run before: what the row has stays.
 *
 * @param hasOutput the task's result will be the execution's output, which is longer than a row may be
 */
export function recordStart<const Next extends string, const Caught extends string = never>(
  { table, ...refs }: RowRefs,
  { hasOutput }: { readonly hasOutput: boolean },
  transitions: Transitions<Next, Caught>,
) {
  return jsonata.dynamoUpdate<Next | Caught>({
    Arguments: {
      TableName: table,
      Key: NEW_KEY,
      ConditionExpression: `attribute_not_exists(#status) OR ${OWN} AND ${HAS_NO_END}`,
      UpdateExpression:
        `SET #status = if_not_exists(#status, :started), executionArn = :arn, ${hasOutput ? "resultLocation = :arn, " : ""}` +
        "startDate = if_not_exists(startDate, :startDate), inputHash = if_not_exists(inputHash, :inputHash), " +
        "#history = if_not_exists(#history, :history)",
      ExpressionAttributeNames: { ...END_NAMES, "#history": "history" },
      ExpressionAttributeValues: {
        ...endValues(refs),
        ":arn": ARN,
        ":startDate": START_DATE,
        ":inputHash": INPUT_HASH,
        ":history": { L: [historyEntry("STARTED")] },
      },
    },
    Output: INPUT,
    TimeoutSeconds: WRITE_TIMEOUT_SECONDS,
    Retry: RETRY_WRITE,
    ...transitions,
  });
}

/** Of the AWS SDK: the optimized integration with DynamoDB does not wait for a token. */
export const APPROVAL_RESOURCE = "arn:aws:states:::aws-sdk:dynamodb:updateItem.waitForTaskToken";

/** Errors with which the state was not entered, or its row not written. */
const RETRY_REQUEST: readonly Retrier[] = [
  {
    ErrorEquals: [
      "DynamoDb.InternalServerErrorException",
      "DynamoDb.ProvisionedThroughputExceededException",
      "DynamoDb.RequestLimitExceededException",
      "DynamoDb.SdkClientException",
      "DynamoDb.ThrottlingException",
    ],
    IntervalSeconds: 1,
    MaxAttempts: 5,
    BackoffRate: 2,
    JitterStrategy: "FULL",
  },
];

export type ApprovalFields<Next extends string, Caught extends string> = Transitions<Next, Caught> & {
  readonly Comment?: string;
  /** How long it waits. Then it fails with `States.Timeout`. */
  readonly TimeoutSeconds: number;
  /** @default the decision: `{state, decision, by, at, comment}` */
  readonly Output?: string;
};

/** Waits until a person approves the task, or rejects it. The token is in the task's row. */
export function approval<const Next extends string = never, const Caught extends string = never>(
  { table, ...refs }: RowRefs,
  fields: ApprovalFields<Next, Caught>,
) {
  return jsonata.task<Next | Caught>({
    Resource: APPROVAL_RESOURCE,
    Arguments: {
      TableName: table,
      Key: KEY,
      ConditionExpression: `${OWN} AND ${HAS_NO_END}`,
      UpdateExpression: "SET approvals = list_append(if_not_exists(approvals, :none), :approvals)",
      ExpressionAttributeNames: END_NAMES,
      ExpressionAttributeValues: {
        ...endValues(refs),
        ":arn": ARN,
        ":none": { L: [] },
        ":approvals": {
          L: [
            {
              M: {
                state: { S: "{% $states.context.State.Name %}" },
                requestedAt: { S: "{% $states.context.State.EnteredTime %}" },
                token: { S: "{% $states.context.Task.Token %}" },
              },
            },
          ],
        },
      },
    },
    Retry: RETRY_REQUEST,
    ...fields,
  });
}

/** An entry of the task's history. Its time is when the state was entered, so retries do not change it. */
export function historyEntry(status: TaskStatus, reason?: string) {
  const at = { S: "{% $states.context.State.EnteredTime %}" };
  return { M: { status: { S: status }, at, ...(reason !== undefined && { reason: { S: reason } }) } };
}
