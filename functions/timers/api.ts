import { randomUUID } from "node:crypto";

import { createAwsJsonClient } from "../shared/aws/clients/aws-json";
import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { restHandler } from "../shared/handlers/rest-handler";
import { apiEnvironment } from "./contract";
import { cursorReader } from "./api/cursors";
import { timerEndpoints } from "./api/routes";
import { fireQueue } from "./queue/fire-queue";
import { sqsSender } from "./queue/sqs-sender";
import { timerTable } from "./storage/timer-table";

/** A batch of 25 timers comes to 25 messages or so, ten a request. */
const CONCURRENT_SENDS = 10;

/** As the service that timers replace answered browsers. */
const cors = { methods: "OPTIONS,PUT,GET,DELETE", headers: "Content-Type" };

/** The REST API: `/periodic`, `/oneshot` and `/batch`. A request may come twice: what it does is the same the second time. */
export const handler = restHandler(
  apiEnvironment,
  ({ environment, clock, logger }) => {
    const dynamodb = createDynamoDB();
    const sqs = createAwsJsonClient({ service: "sqs", connections: CONCURRENT_SENDS });
    const services = { clock, random: Math.random };
    return timerEndpoints({
      table: timerTable(dynamodb, environment.TIMERS_TABLE, services),
      queue: fireQueue({
        sendBatch: sqsSender(sqs, environment.FIRES_QUEUE),
        concurrency: CONCURRENT_SENDS,
        ...services,
      }),
      cursors: cursorReader(dynamodb, environment.TIMERS_TABLE),
      now: () => clock.now(),
      newVersion: randomUUID,
      shards: environment.SHARDS,
      onFailure: (error) => {
        logger.error("a request of a batch failed", { error });
      },
    });
  },
  { cors },
);
