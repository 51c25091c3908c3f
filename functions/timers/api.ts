/** The handler of the timers' REST API. */
import { randomUUID } from "node:crypto";

import { createAwsJsonClient } from "../shared/aws/clients/aws-json";
import { undiciTransport } from "../shared/aws/undici-transport";
import { restHandler } from "../shared/handlers/rest-handler";
import { cursorReader } from "./api/cursors";
import { timerRoutes } from "./api/routes";
import { apiEnvironment } from "./contract";
import { fireQueue } from "./queue/fire-queue";
import { sqsSender } from "./queue/sqs-sender";
import { readCursors } from "./storage/cursors";
import { fireRequests } from "./storage/fire-requests";
import { history } from "./storage/history";
import { timerTable } from "./storage/timer-table";

/** A batch of 25 timers has about 25 messages, ten per request. */
const CONCURRENT_SENDS = 10;
const CONCURRENT_CALLS = 25;

/** A PUT makes three calls, and has five seconds for its fires, of the 29 that API Gateway waits. */
const TABLE_TIMEOUT_MS = 5_000;

/** The REST API: `/periodic`, `/oneshot` and `/batch`. Requests are idempotent. */
export const handler = restHandler(
  apiEnvironment,
  ({ environment: { TIMERS_TABLE, HISTORY_TABLE, CALLBACKS, SHARDS }, clock, logger }) => {
    const dynamodb = createAwsJsonClient({
      service: "dynamodb",
      connections: CONCURRENT_CALLS,
      transport: undiciTransport,
      timeoutMs: TABLE_TIMEOUT_MS,
    });
    const sqs = createAwsJsonClient({ service: "sqs", connections: CONCURRENT_SENDS, transport: undiciTransport });
    const services = { clock, random: Math.random };
    return timerRoutes({
      table: timerTable(dynamodb, TIMERS_TABLE, services),
      queue: fireQueue({ sendBatch: sqsSender(sqs, CALLBACKS), concurrency: CONCURRENT_SENDS, ...services }),
      cursors: cursorReader((shards) => readCursors(dynamodb, TIMERS_TABLE, shards, services)),
      history: history(dynamodb, HISTORY_TABLE, services),
      fireRequests: fireRequests(dynamodb, TIMERS_TABLE),
      callbacks: CALLBACKS,
      now: () => clock.now(),
      newVersion: randomUUID,
      shards: SHARDS,
      onFailure: (error) => {
        logger.error("one of several failed", { error });
      },
    });
  },
  { cors: true, scopes: ({ SCOPES }) => SCOPES },
);
