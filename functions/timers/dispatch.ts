import { randomUUID } from "node:crypto";

import * as z from "zod";

import { createAwsJsonClient } from "../shared/aws/clients/aws-json";
import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { undiciTransport } from "../shared/aws/undici-transport";
import type { Clock } from "../shared/clock";
import { mapConcurrently } from "../shared/concurrency";
import { scheduledHandler } from "../shared/handlers/scheduled-handler";
import { parseInput } from "../shared/input";
import { dispatchEnvironment, SHARDS_PER_TARGET } from "./contract";
import { dispatchTable } from "./dispatch/dispatch-table";
import { dispatchShard } from "./dispatch/dispatcher";
import { fireQueue } from "./queue/fire-queue";
import { sqsSender } from "./queue/sqs-sender";
import { timerTable } from "./storage/timer-table";

/** Batches in flight, of all shards together. */
const CONCURRENT_BATCHES = 96;
/** More than batches: undici reuses a connection only one turn of the event loop after its response. */
const BATCH_CONNECTIONS = 128;
const CONCURRENT_PAGES = 32;

/** Added to the event by the rule: the index of this target. */
const targetSchema = z.object({ target: z.int().min(0), targets: z.int().min(1) });

/** Some shards failed, or some of their timers were skipped. Each failure is in the log. */
export class DispatchError extends Error {
  override readonly name = "DispatchError";
}

/**
 * Enqueues the fires of the next two to three minutes, for every shard of this target. It ignores the time of the tick, so late, duplicate
 * and missing ticks are harmless.
 */
export const handler = scheduledHandler(dispatchEnvironment, ({ environment, clock, logger, metrics }) => {
  const ports = createPorts(environment, clock);
  let maxShards: Promise<number> | undefined;

  return async ({ event, deadline }) => {
    const { target, targets } = parseInput(targetSchema, event);
    maxShards ??= ports.table.recordShardCount(environment.SHARDS);
    const count = await maxShards.catch((error: unknown) => {
      maxShards = undefined; // retried at the next tick
      throw error;
    });
    const shards = Array.from({ length: count }, (_, shard) => shard).filter((shard) => shard % targets === target);
    let failures = 0;
    let total = 0;
    let lagMs = 0;
    await mapConcurrently(shards, SHARDS_PER_TARGET, async (number) => {
      const shard = `shard${number}`;
      try {
        const report = await dispatchShard({ shard, owner: randomUUID(), deadline }, ports);
        const { outcome, enqueued, cursor = clock.now(), skipped } = report;
        total += enqueued;
        lagMs = Math.max(lagMs, clock.now() - cursor);
        failures += skipped.length;
        for (const error of skipped) logger.error("skipped", { shard, error });
        if (outcome !== "idle") logger.info("dispatched", { shard, outcome, enqueued, cursor });
      } catch (error) {
        failures += 1;
        logger.error("shard failed", { shard, error });
      }
    });
    metrics.count("enqueued", total);
    metrics.milliseconds("cursorLag", lagMs);
    if (failures > 0) throw new DispatchError(`${failures} failures: see the log`);
  };
});

function createPorts({ TIMERS_TABLE, FIRES_QUEUE_URL }: ReturnType<typeof dispatchEnvironment.parse>, clock: Clock) {
  const dynamodb = createDynamoDB();
  const services = { clock, random: Math.random };
  const transport = undiciTransport;
  const queries = createAwsJsonClient({ service: "dynamodb", connections: CONCURRENT_PAGES, transport });
  const sqs = createAwsJsonClient({ service: "sqs", connections: BATCH_CONNECTIONS, transport });
  return {
    index: dispatchTable(dynamodb, queries, TIMERS_TABLE),
    table: timerTable(dynamodb, TIMERS_TABLE, services),
    queue: fireQueue({ sendBatch: sqsSender(sqs, FIRES_QUEUE_URL), ...services, concurrency: CONCURRENT_BATCHES }),
    clock,
  };
}
