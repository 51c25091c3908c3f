/** The handler that records the end of executions that did not record it themselves. */
import * as z from "zod";

import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createSfn } from "../shared/aws/clients/sfn";
import { invocationHandler } from "../shared/handlers/invocation-handler";
import { reconcileEnvironment } from "./contract";
import { describeExecution } from "./task/executions";
import { isStale, reconcile } from "./task/reconciler";
import { taskTable } from "./task/task-table";

/** Uses only the execution's ARN. The status comes from DescribeExecution, because events can be late or forged. */
const statusChangeSchema = z.looseObject({
  id: z.string(),
  "detail-type": z.literal("Step Functions Execution Status Change"),
  detail: z.looseObject({ executionArn: z.string(), stopDate: z.number().nullish() }),
});

/** DescribeExecution does not have the end that the event reports yet. Lambda retries after a minute. */
class ExecutionNotSettledError extends Error {
  override readonly name = "ExecutionNotSettledError";
}

/** Handles the end event of an unsuccessful execution: writes the task's end and its reason. */
export const handler = invocationHandler(
  reconcileEnvironment,
  {
    input: statusChangeSchema,
    ids: ({ id, detail: { executionArn } }) => ({ eventId: id, executionArn }),
  },
  ({ environment: { EXECUTION_ARN_PREFIX, TASKS_TABLE, KEEP_DAYS }, logger, metrics }) => {
    const sfn = createSfn();
    const table = taskTable(createDynamoDB(), TASKS_TABLE, KEEP_DAYS);
    return async ({ detail: { executionArn, stopDate } }): Promise<void> => {
      if (!executionArn.startsWith(`${EXECUTION_ARN_PREFIX}:`)) {
        logger.warn("execution of another state machine");
        return;
      }
      const execution = await describeExecution(sfn, executionArn);
      if (isStale(execution, stopDate ?? Infinity)) throw new ExecutionNotSettledError("its end cannot be read yet");
      const outcome = execution === undefined ? "no task" : await reconcile(execution, table);
      if (outcome === "changed") metrics.count("reconciledByEvent", 1);
      logger.info("reconciled", { outcome });
    };
  },
);
