/** The handler that starts a task by an invocation instead of a request. */
import * as z from "zod";

import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createSfn } from "../shared/aws/clients/sfn";
import { invocationHandler } from "../shared/handlers/invocation-handler";
import { taskRequestSchema, tasksEnvironment } from "./contract";
import { stepFunctions } from "./task/executions";
import { startTask } from "./task/lifecycle";
import { taskTable } from "./task/task-table";

/** Ignores other fields, unlike the API. */
const inputSchema = z.object(taskRequestSchema.shape);

/** Invoked with `{taskId}`: starts the task. Idempotent: the same ID gets the same response, and one execution. */
export const handler = invocationHandler(
  tasksEnvironment,
  { input: inputSchema, ids: ({ taskId }) => ({ taskId }) },
  ({ environment, clock, logger, metrics }) => {
    const { STATE_MACHINE_ARN, EXECUTION_ARN_PREFIX, TASKS_TABLE, KEEP_DAYS } = environment;
    const executions = stepFunctions(createSfn(), STATE_MACHINE_ARN, EXECUTION_ARN_PREFIX);
    const table = taskTable(createDynamoDB(), TASKS_TABLE, KEEP_DAYS, () => {
      logger.warn("malformed rows");
    });
    return async (request) => {
      const started = await startTask(request, { executions, table, clock });
      metrics.count("startRequests", 1);
      logger.info("started", { executionArn: started.executionArn });
      return started;
    };
  },
);
