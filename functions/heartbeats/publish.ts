import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createS3 } from "../shared/aws/clients/s3";
import { scheduledHandler } from "../shared/handlers/scheduled-handler";
import { publishEnvironment } from "./contract";
import { historyReader } from "./status-page/history-reader";
import { currentStatus } from "./status-page/build-status";
import { stateTable } from "./monitors/state-table";
import { statusPublisher } from "./status-page/publisher";
import { readTargetList, readWatch } from "./monitors/configuration";

/**
 * Publishes the status page, after each round of checks: the checker hands its tick on to here. Apart from the checker, because a
 * page that can't be published is no reason to check again, and because a page of many targets needs memory that checks do not.
 *
 * Safe under at-least-once delivery: it publishes what is so now, however often it is asked.
 */
export const handler = scheduledHandler(publishEnvironment, ({ environment, app, environmentName, clock }) => {
  const s3 = createS3();
  const table = stateTable(createDynamoDB(), environment.STATE_TABLE, { clock, random: Math.random });
  const publisher = statusPublisher(s3, environment.STATUS_BUCKET);
  const ports = {
    app,
    environment: environmentName,
    intervalMinutes: environment.INTERVAL_MINUTES,
    table,
    histories: historyReader(table),
    clock,
  };

  return async ({ deadline }) => {
    const [targets, watch] = await Promise.all([
      readTargetList(s3, environment.TARGETS_BUCKET),
      readWatch(s3, environment.TARGETS_BUCKET),
    ]);
    await publisher.publish(await currentStatus({ targets, watch, deadline }, ports));
  };
});
