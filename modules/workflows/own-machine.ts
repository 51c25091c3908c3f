/** A machine of the user's, between the writes of its task's row. */
import { jsonata } from "../asl/asl";
import { MachineError, type Machine } from "../asl/machine";
import {
  ARN,
  expiry,
  historyEntry,
  INPUT,
  INPUT_HASH,
  KEY,
  NEW_KEY,
  OWN,
  RETRY_WRITE,
  START_DATE,
  UNLESS_ENDED,
  WRITE_TIMEOUT_SECONDS,
} from "./record";

const { stateMachine, dynamoUpdate, parallel, succeed } = jsonata;

/** Of the Parallel's only branch. The emulator does not evaluate the Output of a Parallel. */
const RESULT = "{% $states.input[0] %}";

export interface OwnMachineRefs {
  /** The name of the table of tasks. */
  readonly table: string;
  /** The user's. */
  readonly machine: Machine<"JSONata">;
  /** The execution's timeout. */
  readonly timeLimitSeconds: number;
  /** A row expires this long after its task's end. A number, or a Terraform expression of one. */
  readonly keepDays: number | string;
}

/**
 * STARTED, then the user's machine as the only branch of a Parallel state, then DONE. There is no Catch: the execution fails in the state
 * that failed, from which it can be redriven, and the reconciler writes the row.
 *
 * @throws {@link MachineError}
 */
export function ownMachine({ table, machine, timeLimitSeconds, keepDays }: OwnMachineRefs): Machine {
  if (machine.TimeoutSeconds !== undefined)
    throw new MachineError("it has TimeoutSeconds: set the workflow's timeLimitSeconds in main.ts instead");
  return stateMachine({
    Comment: "Runs a machine of the user's and records its status",
    StartAt: "RecordStart",
    TimeoutSeconds: timeLimitSeconds,
    States: {
      // It can run again after a redrive: what the row has stays.
      RecordStart: dynamoUpdate({
        Arguments: {
          TableName: table,
          Key: NEW_KEY,
          ConditionExpression: UNLESS_ENDED,
          UpdateExpression:
            "SET #status = :started, executionArn = :arn, startDate = if_not_exists(startDate, :startDate), " +
            "inputHash = if_not_exists(inputHash, :inputHash), #history = if_not_exists(#history, :history)",
          ExpressionAttributeNames: { "#status": "status", "#history": "history" },
          ExpressionAttributeValues: {
            ":started": { S: "STARTED" },
            ":arn": ARN,
            ":startDate": START_DATE,
            ":inputHash": INPUT_HASH,
            ":history": { L: [historyEntry("STARTED")] },
          },
        },
        Output: INPUT,
        TimeoutSeconds: WRITE_TIMEOUT_SECONDS,
        Retry: RETRY_WRITE,
        Next: "Run",
      }),
      Run: parallel({ Branches: [machine], Next: "RecordDone" }),
      // Its result is the execution's output, which is longer than a row may be.
      RecordDone: dynamoUpdate({
        Arguments: {
          TableName: table,
          Key: KEY,
          ConditionExpression: `${OWN} AND #status = :started`,
          UpdateExpression:
            "SET #status = :done, #history = list_append(#history, :entries), #ttl = :ttl, resultLocation = :arn",
          ExpressionAttributeNames: { "#status": "status", "#history": "history", "#ttl": "ttl" },
          ExpressionAttributeValues: {
            ":started": { S: "STARTED" },
            ":done": { S: "DONE" },
            ":arn": ARN,
            ":entries": { L: [historyEntry("DONE")] },
            ":ttl": expiry(keepDays),
          },
        },
        Output: RESULT,
        TimeoutSeconds: WRITE_TIMEOUT_SECONDS,
        Retry: RETRY_WRITE,
        Catch: [
          // An earlier attempt, whose response was lost, has written the row.
          { ErrorEquals: ["DynamoDB.ConditionalCheckFailedException"], Output: RESULT, Next: "Recorded" },
        ],
        End: true,
      }),
      Recorded: succeed(),
    },
  });
}
