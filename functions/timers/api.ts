import { randomUUID } from "node:crypto";

import { createDynamoDB } from "../shared/clients/dynamodb";
import { restHandler } from "../shared/rest-handler";
import { createAwsJsonClient } from "../shared/clients/aws-json";
import { cursorReader } from "./cursors";
import { timerEndpoints } from "./endpoints";
import { parseApiEnvironment } from "./environment";
import { fireQueue } from "./fire-queue";
import { sqsSender } from "./sqs-sender";
import { timerTable } from "./timer-table";

/** The most that one request comes to: a batch of 25, ten fires each, is 25 messages' worth of ten. */
const CONCURRENT_SENDS = 10;

/** As the service that timers replace answered browsers. */
const cors = { methods: "OPTIONS,PUT,GET,DELETE", headers: "Content-Type" };

/** The REST API: `/periodic`, `/oneshot` and `/batch`. A request may come twice: what it does is the same the second time. */
export const handler = restHandler(
  parseApiEnvironment,
  ({ environment, clock, logger }) => {
    const dynamodb = createDynamoDB();
    const services = { clock, random: Math.random };
    return timerEndpoints({
      table: timerTable(dynamodb, environment.TIMERS_TABLE, services),
      queue: fireQueue({
        sendBatch: sqsSender(
          createAwsJsonClient({ service: "sqs", connections: CONCURRENT_SENDS }),
          environment.FIRES_QUEUE,
        ),
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
