import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createSfn } from "../shared/aws/clients/sfn";
import { scheduledHandler } from "../shared/handlers/scheduled-handler";
import { MINUTE_MS } from "../shared/time";
import { SWEEP_MINUTES, sweepEnvironment } from "./contract";
import { stepFunctions } from "./task/executions";
import { sweep } from "./task/reconciler";
import { taskTable } from "./task/task-table";

/** A late or lost sweep or two leave nothing out. */
const LOOK_BACK_MS = 3 * SWEEP_MINUTES * MINUTE_MS;

/** Until its event comes, and the reconciler has written. */
const STUCK_AFTER_MS = 2 * MINUTE_MS;

/** For what is under way when the time is up. */
const RESERVE_MS = 15_000;

/** Some tasks could not be looked at. The next sweep tries again. */
export class SweepIncompleteError extends Error {
  override readonly name = "SweepIncompleteError";
}

/** Every few minutes: mends the rows of tasks whose execution ended unseen. */
export const handler = scheduledHandler(sweepEnvironment, ({ environment, clock, logger, metrics }) => {
  const { TASK_MACHINE, TASK_EXECUTIONS, TASKS_TABLE, KEEP_DAYS, GRACE_SECONDS, TIME_LIMIT_SECONDS } = environment;
  const executions = stepFunctions(createSfn(), TASK_MACHINE, TASK_EXECUTIONS);
  const table = taskTable(createDynamoDB(), TASKS_TABLE, KEEP_DAYS);
  return async ({ deadline }) => {
    const now = clock.now();
    const swept = await sweep(
      { table, executions },
      {
        now,
        startedBefore: now - GRACE_SECONDS * 1_000,
        stuckBefore: now - TIME_LIMIT_SECONDS * 1_000 - STUCK_AFTER_MS,
        endedAfter: now - LOOK_BACK_MS,
        isOver: () => clock.now() > deadline - RESERVE_MS,
      },
    );
    metrics.count("settledBySweep", swept.repaired);
    metrics.count("stuckTasks", swept.stuck.length);
    logger.info("swept", { ...swept, stuck: swept.stuck.slice(0, 20) });
    if (swept.failures.length > 0) throw new SweepIncompleteError(swept.failures.slice(0, 5).join("; "));
  };
});
