/** The states with which machines write a task's row. */
import { DAY_SECONDS } from "../../functions/shared/time";
import { NO_INPUT, type TaskStatus } from "../../functions/workflows/contract";
import { jsonata } from "../asl/asl";
import type { Retrier } from "../asl/fields";

export const WRITE_TIMEOUT_SECONDS = 30;

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

/** When the row expires, from when the state was entered. A number of days, or a Terraform expression of one. */
export const expiry = (keepDays: number | string) => ({
  N: `{% $string($floor($toMillis($states.context.State.EnteredTime) / 1000) + ${keepDays} * ${DAY_SECONDS}) %}`,
});

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

/** Writes STARTED. */
export function recordStart<const Next extends string, const Caught extends string = never>(
  table: string,
  transitions: Transitions<Next, Caught>,
) {
  return jsonata.dynamoPut<Next | Caught>({
    Arguments: {
      TableName: table,
      Item: {
        ...KEY,
        status: { S: "STARTED" },
        executionArn: ARN,
        startDate: { S: "{% $states.context.Execution.StartTime %}" },
        inputHash: { S: `{% $exists(${TASK}.inputHash) ? ${TASK}.inputHash : "${NO_INPUT}" %}` },
        history: { L: [historyEntry("STARTED")] },
      },
      // A retry overwrites its own row, but a late put does not overwrite the task's end.
      ConditionExpression: `attribute_not_exists(#status) OR #status = :started AND ${OWN}`,
      ExpressionAttributeNames: { "#status": "status" },
      ExpressionAttributeValues: { ":started": { S: "STARTED" }, ":arn": ARN },
    },
    Output: INPUT,
    TimeoutSeconds: WRITE_TIMEOUT_SECONDS,
    Retry: RETRY_WRITE,
    ...transitions,
  });
}

/** An entry of the task's history. Its time is when the state was entered, so retries do not change it. */
export function historyEntry(status: TaskStatus, reason?: string) {
  const at = { S: "{% $states.context.State.EnteredTime %}" };
  return { M: { status: { S: status }, at, ...(reason !== undefined && { reason: { S: reason } }) } };
}
