import { randomUUID } from "node:crypto";

import { createAwsJsonClient } from "../shared/aws/clients/aws-json";
import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { restHandler } from "../shared/handlers/rest-handler";
import { cursorReader } from "./api/cursors";
import { timerRoutes } from "./api/routes";
import { apiEnvironment } from "./contract";
import { fireQueue } from "./queue/fire-queue";
import { sqsSender } from "./queue/sqs-sender";
import { timerTable } from "./storage/timer-table";

/** A batch of 25 timers has about 25 messages, ten per request. */
const CONCURRENT_SENDS = 10;

/** The REST API: `/periodic`, `/oneshot` and `/batch`. Requests are idempotent. */
export const handler = restHandler(
  apiEnvironment,
  ({ environment, clock, logger }) => {
    const dynamodb = createDynamoDB();
    const sqs = createAwsJsonClient({ service: "sqs", connections: CONCURRENT_SENDS });
    const services = { clock, random: Math.random };
    return timerRoutes({
      table: timerTable(dynamodb, environment.TIMERS_TABLE, services),
      queue: fireQueue({
        sendBatch: sqsSender(sqs, environment.FIRES_QUEUE_URL),
        concurrency: CONCURRENT_SENDS,
        ...services,
      }),
      cursors: cursorReader(dynamodb, environment.TIMERS_TABLE),
      now: () => clock.now(),
      newVersion: randomUUID,
      shards: environment.SHARDS,
      onFailure: (error) => {
        logger.error("batch request failed", { error });
      },
    });
  },
  { cors: true },
);
