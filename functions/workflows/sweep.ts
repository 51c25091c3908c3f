/** The handler that finds tasks whose end event was lost, on a schedule. */
import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createSfn } from "../shared/aws/clients/sfn";
import { scheduledHandler } from "../shared/handlers/scheduled-handler";
import { sweepEnvironment } from "./contract";
import { stepFunctions } from "./task/executions";
import { sweep, sweepTimes } from "./task/sweep";
import { taskTable } from "./task/task-table";

/** Some tasks were not checked. The next sweep retries them. */
export class SweepIncompleteError extends Error {
  override readonly name = "SweepIncompleteError";
}

/** Reconciles tasks whose end event was lost. */
export const handler = scheduledHandler(sweepEnvironment, ({ environment, clock, logger, metrics }) => {
  const { STATE_MACHINE_ARN, EXECUTION_ARN_PREFIX, TASKS_TABLE, KEEP_DAYS } = environment;
  const executions = stepFunctions(createSfn(), STATE_MACHINE_ARN, EXECUTION_ARN_PREFIX);
  const table = taskTable(createDynamoDB(), TASKS_TABLE, KEEP_DAYS);
  return async ({ deadline }) => {
    const swept = await sweep(
      { table, executions, clock },
      sweepTimes(clock, deadline, environment.TIME_LIMIT_SECONDS),
    );
    metrics.count("reconciledBySweep", swept.reconciled);
    metrics.count("stuckTasks", swept.stuck.length);
    logger.info("swept", { ...swept, stuck: swept.stuck.slice(0, 20) });
    if (swept.failures.length > 0) throw new SweepIncompleteError(swept.failures.slice(0, 5).join("; "));
  };
});
