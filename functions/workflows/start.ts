import * as z from "zod";

import { createSfn } from "../shared/aws/clients/sfn";
import { invocationHandler } from "../shared/handlers/invocation-handler";
import { startEnvironment, taskRequestSchema } from "./contract";
import { stepFunctions } from "./task/executions";
import { startTask } from "./task/lifecycle";

/** Ignores other fields, unlike the API. */
const inputSchema = z.object(taskRequestSchema.shape);

/** Invoked with `{taskId}`: starts the task. Idempotent: the same ID gets the same response, and one execution. */
export const handler = invocationHandler(
  startEnvironment,
  { input: inputSchema, ids: ({ taskId }) => ({ taskId }) },
  ({ environment, clock, logger, metrics }) => {
    const executions = stepFunctions(createSfn(), environment.STATE_MACHINE_ARN, environment.EXECUTION_ARN_PREFIX);
    return async (request) => {
      const started = await startTask(request, { executions, now: clock.now() });
      metrics.count("startRequests", 1);
      logger.info("started", { executionArn: started.executionArn });
      return started;
    };
  },
);
