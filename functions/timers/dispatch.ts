/** The handler of the dispatcher, each minute. */
import { randomUUID } from "node:crypto";

import * as z from "zod";

import { createAwsJsonClient } from "../shared/aws/clients/aws-json";
import { undiciTransport } from "../shared/aws/undici-transport";
import { systemClock } from "../shared/clock";
import { scheduledHandler } from "../shared/handlers/scheduled-handler";
import { parseInput } from "../shared/input";
import { dispatchEnvironment, SHARDS_PER_TARGET } from "./contract";
import { dispatchTable } from "./dispatch/dispatch-table";
import { dispatchShards } from "./dispatch/dispatch-shards";
import { fireQueue } from "./queue/fire-queue";
import { sqsSender } from "./queue/sqs-sender";
import { timerTable } from "./storage/timer-table";

/** Batches in flight, of all shards together. */
export const CONCURRENT_BATCHES = 96;
/** More than batches: undici reuses a connection only one turn of the event loop after its response. */
export const BATCH_CONNECTIONS = 128;
/** For pages, and for advancing recurring timers. */
const DYNAMODB_CONNECTIONS = 128;

/** Added to the event by the rule: the index of this target. */
const targetSchema = z.object({ target: z.int().min(0), targets: z.int().min(1) });

/** Some shards failed, or some of their timers were skipped, or a queue did not accept fires. Each failure is in the log. */
export class DispatchError extends Error {
  override readonly name = "DispatchError";
}

/**
 * Enqueues the fires of the next two to three minutes, for every shard of this target. It ignores the time of the tick, so late, duplicate
 * and missing ticks are harmless.
 */
export const handler = scheduledHandler(dispatchEnvironment, ({ environment, clock, logger, metrics }) => {
  const createPorts = portsOf(environment);

  return async ({ event, deadline }) => {
    const { target, targets } = parseInput(targetSchema, event);
    const ports = createPorts(deadline);
    // Each time: a PUT may have asked for a shard beyond the configured number.
    const count = await ports.table.recordShardCount(environment.SHARDS);
    const shards = Array.from({ length: count }, (_, shard) => shard)
      .filter((shard) => shard % targets === target)
      .map((shard) => `shard${shard}`);
    let failures = 0;
    let total = 0;
    let tooLate = 0;
    let lagMs = 0;
    const run = { shards, concurrency: SHARDS_PER_TARGET, deadline, owner: randomUUID() };
    const waiting = await dispatchShards(run, ports, {
      dispatched: (shard, { outcome, enqueued, dropped, cursor = clock.now(), skipped, unsent }) => {
        total += enqueued;
        tooLate += dropped;
        lagMs = Math.max(lagMs, clock.now() - cursor);
        failures += skipped.length + unsent.length;
        for (const error of skipped) logger.error("skipped", { shard, error });
        for (const error of unsent) logger.error("fires not enqueued", { shard, error });
        if (outcome !== "idle") logger.info("dispatched", { shard, outcome, enqueued, dropped, cursor });
      },
      failed: (shard, error) => {
        failures += 1;
        logger.error("shard failed", { shard, error });
      },
    });
    metrics.count("enqueued", total);
    if (tooLate > 0) metrics.count("dropped", tooLate);
    metrics.milliseconds("cursorLag", Math.max(lagMs, ...waiting.map((cursor) => clock.now() - cursor)));
    if (failures > 0) throw new DispatchError(`${failures} failures: see the log`);
  };
});

/** @returns ports whose calls settle before a deadline */
function portsOf({ TIMERS_TABLE, CALLBACKS }: ReturnType<typeof dispatchEnvironment.parse>) {
  const transport = undiciTransport;
  const dynamodb = createAwsJsonClient({ service: "dynamodb", connections: DYNAMODB_CONNECTIONS, transport });
  const sqs = createAwsJsonClient({ service: "sqs", connections: BATCH_CONNECTIONS, transport });
  const services = { clock: systemClock, random: Math.random };
  const queue = fireQueue({ sendBatch: sqsSender(sqs, CALLBACKS), ...services, concurrency: CONCURRENT_BATCHES });
  return (deadline: number) => ({
    index: dispatchTable(dynamodb, TIMERS_TABLE, { ...services, deadline }),
    table: timerTable(dynamodb, TIMERS_TABLE, { ...services, deadline }),
    queue,
    clock: systemClock,
  });
}
