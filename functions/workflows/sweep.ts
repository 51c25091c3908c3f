/** The handler that finds tasks whose end event was lost, on a schedule. */
import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createSfn } from "../shared/aws/clients/sfn";
import { scheduledHandler } from "../shared/handlers/scheduled-handler";
import { MINUTE_MS, SECOND_MS } from "../shared/time";
import { SWEEP_MINUTES, sweepEnvironment } from "./contract";
import { stepFunctions } from "./task/executions";
import { sweep } from "./task/reconciler";
import { taskTable } from "./task/task-table";

/** Covers two sweeps that are late or missing. */
const LOOK_BACK_MS = 3 * SWEEP_MINUTES * MINUTE_MS;

/** Time for the end event to arrive and for the reconciler to write. */
const STUCK_AFTER_MS = 2 * MINUTE_MS;

/** Time to finish requests in progress before Lambda's timeout. */
const RESERVE_MS = 15 * SECOND_MS;

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
    const now = clock.now();
    const swept = await sweep(
      { table, executions, clock },
      {
        stuckBefore: now - environment.TIME_LIMIT_SECONDS * SECOND_MS - STUCK_AFTER_MS,
        endedAfter: now - LOOK_BACK_MS,
        isOver: () => clock.now() > deadline - RESERVE_MS,
      },
    );
    metrics.count("reconciledBySweep", swept.reconciled);
    metrics.count("stuckTasks", swept.stuck.length);
    logger.info("swept", { ...swept, stuck: swept.stuck.slice(0, 20) });
    if (swept.failures.length > 0) throw new SweepIncompleteError(swept.failures.slice(0, 5).join("; "));
  };
});
