/** A machine of the user's, between the writes of its task's row. */
import { jsonata } from "../asl/asl";
import { MachineError, type Machine } from "../asl/machine";
import {
  ARN,
  END_NAMES,
  endValues,
  expiry,
  HAS_NO_END,
  historyEntry,
  KEY,
  OWN,
  recordStart,
  RETRY_WRITE,
  WRITE_TIMEOUT_SECONDS,
  type RowRefs,
} from "./record";

const { stateMachine, dynamoUpdate, parallel, succeed } = jsonata;

/** Of the Parallel's only branch. The emulator does not evaluate the Output of a Parallel. */
const RESULT = "{% $states.input[0] %}";

export interface OwnMachineRefs extends RowRefs {
  /** The user's. */
  readonly machine: Machine<"JSONata">;
  /** The execution's timeout. */
  readonly timeLimitSeconds: number;
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
      RecordStart: recordStart({ table, keepDays }, { hasOutput: true }, { Next: "Run" }),
      Run: parallel({ Branches: [machine], Next: "RecordDone" }),
      RecordDone: dynamoUpdate({
        Arguments: {
          TableName: table,
          Key: KEY,
          ConditionExpression: `${OWN} AND ${HAS_NO_END}`,
          UpdateExpression:
            "SET #status = :done, #history = list_append(#history, :entries), #ttl = :ttl REMOVE reason",
          ExpressionAttributeNames: { ...END_NAMES, "#history": "history" },
          ExpressionAttributeValues: {
            ...endValues({ keepDays }),
            ":arn": ARN,
            ":entries": { L: [historyEntry("DONE")] },
            ":ttl": expiry({ keepDays }),
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
