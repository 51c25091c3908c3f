import * as z from "zod";

import { createSfn } from "../shared/aws/clients/sfn";
import { invocationHandler } from "../shared/handlers/invocation-handler";
import { taskRequestSchema, startEnvironment } from "./contract";
import { stepFunctions } from "./task/executions";
import { startTask } from "./task/lifecycle";

/** What else a caller sends along is not looked at. */
const inputSchema = z.object(taskRequestSchema.shape);

/** Invoked with `{taskId}`: starts the task. The same id again: the same answer, and no second execution. */
export const handler = invocationHandler(
  startEnvironment,
  { input: inputSchema, ids: ({ taskId }) => ({ taskId }) },
  ({ environment, clock, logger, metrics }) => {
    const executions = stepFunctions(createSfn(), environment.TASK_MACHINE, environment.TASK_EXECUTIONS);
    return async (request) => {
      const started = await startTask(request, { executions, now: clock.now() });
      metrics.count("startRequests", 1);
      logger.info("started", { executionArn: started.executionArn });
      return started;
    };
  },
);
