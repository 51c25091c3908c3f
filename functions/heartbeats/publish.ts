/** The handler that publishes the status page. */
import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createS3 } from "../shared/aws/clients/s3";
import { scheduledHandler } from "../shared/handlers/scheduled-handler";
import { publishEnvironment } from "./contract";
import { readConfiguration } from "./monitors/configuration";
import { incidentUpdates } from "./monitors/incident-updates";
import { stateTable } from "./monitors/state-table";
import { statusBuilder } from "./status-page/build-status";
import { statusPublisher } from "./status-page/publisher";

/**
 * Publishes the status page. The checker invokes it after each run. A function of its own, because a failed publication is no
 * reason to repeat the checks, and because a large page needs memory that checks do not.
 *
 * Idempotent: publishes the current status.
 */
export const handler = scheduledHandler(publishEnvironment, ({ environment, account, app, environmentName, clock }) => {
  const s3 = createS3(account);
  const dynamodb = createDynamoDB();
  const buildStatus = statusBuilder({
    app,
    environment: environmentName,
    intervalMinutes: environment.INTERVAL_MINUTES,
    table: stateTable(dynamodb, environment.STATE_TABLE, { clock, random: Math.random }),
    updates: incidentUpdates(dynamodb, environment.STATE_TABLE),
    clock,
  });
  const publisher = statusPublisher(s3, environment.STATUS_PAGE_BUCKET, environment.STATUS_PAGE_URL);

  return async ({ deadline }) => {
    const configuration = await readConfiguration(s3, environment.CONFIGURATION_BUCKET);
    await publisher.publish(await buildStatus(configuration, deadline), configuration.brand);
  };
});
