import * as z from "zod";

import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createSfn } from "../shared/aws/clients/sfn";
import { invocationHandler } from "../shared/handlers/invocation-handler";
import { reconcileEnvironment } from "./contract";
import { describeExecution } from "./task/executions";
import { settle } from "./task/reconciler";
import { taskTable } from "./task/task-table";

/** What EventBridge tells of an execution, as far as it is believed: which one. How it ended, Step Functions is asked. */
const statusChangeSchema = z.looseObject({
  id: z.string(),
  "detail-type": z.literal("Step Functions Execution Status Change"),
  detail: z.looseObject({ executionArn: z.string() }),
});

/** At the end of each execution that did not go well: writes into its task's row how it ended, and why. */
export const handler = invocationHandler(
  reconcileEnvironment,
  {
    input: statusChangeSchema,
    ids: ({ id, detail: { executionArn } }) => ({ eventId: id, executionArn }),
  },
  ({ environment: { TASKS_TABLE, TASK_EXECUTIONS, KEEP_DAYS }, logger, metrics }) => {
    const sfn = createSfn();
    const table = taskTable(createDynamoDB(), TASKS_TABLE, KEEP_DAYS);
    return async ({ detail: { executionArn } }): Promise<void> => {
      if (!executionArn.startsWith(`${TASK_EXECUTIONS}:`)) {
        logger.warn("an execution of another machine");
        return;
      }
      const execution = await describeExecution(sfn, executionArn);
      const settled = execution === undefined ? "no task" : await settle(execution, table);
      if (settled === "changed") metrics.count("settledByEvent", 1);
      logger.info("looked", { settled });
    };
  },
);
