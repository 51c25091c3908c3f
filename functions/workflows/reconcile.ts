/** The handler that records the end of executions that did not record it themselves, and redrives in the console. */
import * as z from "zod";

import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createSfn } from "../shared/aws/clients/sfn";
import { invocationHandler } from "../shared/handlers/invocation-handler";
import { reconcileEnvironment } from "./contract";
import { describeExecution } from "./task/executions";
import { reconcileEvent } from "./task/reconciler";
import { taskTable } from "./task/task-table";

const statusChangeSchema = z.looseObject({
  id: z.string(),
  "detail-type": z.literal("Step Functions Execution Status Change"),
  detail: z.looseObject({
    executionArn: z.string(),
    stopDate: z.number().nullish(),
    redriveDate: z.number().nullish(),
  }),
});

/** Handles the event of an execution that ended unsuccessfully, or was redriven: writes the task's status and its reason. */
export const handler = invocationHandler(
  reconcileEnvironment,
  {
    input: statusChangeSchema,
    ids: ({ id, detail: { executionArn } }) => ({ eventId: id, executionArn }),
  },
  ({ environment: { EXECUTION_ARN_PREFIX, TASKS_TABLE, KEEP_DAYS }, logger, metrics }) => {
    const sfn = createSfn();
    const executions = { describe: (arn: string) => describeExecution(sfn, arn) };
    const table = taskTable(createDynamoDB(), TASKS_TABLE, KEEP_DAYS);
    return async ({ detail: { executionArn, stopDate, redriveDate } }): Promise<void> => {
      if (!executionArn.startsWith(`${EXECUTION_ARN_PREFIX}:`)) {
        logger.warn("execution of another state machine");
        return;
      }
      const event = { executionArn, stopDate: stopDate ?? undefined, redriveDate: redriveDate ?? undefined };
      const outcome = await reconcileEvent(event, { table, executions });
      if (outcome === "changed") metrics.count("reconciledByEvent", 1);
      logger.info("reconciled", { outcome });
    };
  },
);
