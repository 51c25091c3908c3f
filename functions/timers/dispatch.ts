import { randomUUID } from "node:crypto";

import * as z from "zod";

import { createAwsJsonClient } from "../shared/aws/clients/aws-json";
import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { mapConcurrently } from "../shared/concurrency";
import { scheduledHandler } from "../shared/handlers/scheduled-handler";
import { undiciTransport } from "../shared/aws/undici-transport";
import { dispatchShard } from "./dispatch/dispatcher";
import { dispatchTable } from "./dispatch/dispatch-table";
import { SHARDS_PER_TARGET, dispatchEnvironment } from "./contract";
import { fireQueue } from "./queue/fire-queue";
import { sqsSender } from "./queue/sqs-sender";
import { timerTable } from "./storage/timer-table";

/** The shards that are worked off side by side share the batches and pages that are on their way at one time. */
const CONCURRENT_BATCHES = 96;
/** More than batches: undici takes a connection up again only a turn of the event loop after its answer. */
const BATCH_CONNECTIONS = 128;
const CONCURRENT_PAGES = 32;

/** What the rule adds to its event: which of the targets this is. */
const targetSchema = z.object({ target: z.int().min(0), targets: z.int().min(1) });

/** Some shards were not worked off to the end, or not everything in them could be; each is in the log. */
export class DispatchError extends Error {
  override readonly name = "DispatchError";
}

/**
 * Hands over what falls due in the next two to three minutes, in every shard of this target. It takes no time from the tick, so a late,
 * doubled or missing one does no harm.
 */
export const handler = scheduledHandler(dispatchEnvironment, ({ environment, clock, logger, metrics }) => {
  const dynamodb = createDynamoDB();
  const services = { clock, random: Math.random };
  const table = timerTable(dynamodb, environment.TIMERS_TABLE, services);
  const transport = undiciTransport;
  const pages = createAwsJsonClient({ service: "dynamodb", connections: CONCURRENT_PAGES, transport });
  const index = dispatchTable(dynamodb, pages, environment.TIMERS_TABLE);
  const sendBatch = sqsSender(
    createAwsJsonClient({ service: "sqs", connections: BATCH_CONNECTIONS, transport }),
    environment.FIRES_QUEUE,
  );
  const queue = fireQueue({ sendBatch, ...services, concurrency: CONCURRENT_BATCHES });
  let shardsEver: Promise<number> | undefined;

  return async ({ event, deadline }) => {
    const { target, targets } = targetSchema.parse(event);
    shardsEver ??= table.rememberShards(environment.SHARDS);
    const count = await shardsEver.catch((error: unknown) => {
      shardsEver = undefined; // asked again at the next tick
      throw error;
    });
    const shards = Array.from({ length: count }, (_, shard) => shard).filter((shard) => shard % targets === target);
    let failures = 0;
    let scheduled = 0;
    let lagMs = 0;
    await mapConcurrently(shards, SHARDS_PER_TARGET, async (number) => {
      const shard = `shard${number}`;
      try {
        const run = { shard, owner: randomUUID(), deadline };
        const report = await dispatchShard(run, { index, table, queue, clock });
        const { outcome, cursor = clock.now(), passedOver } = report;
        scheduled += report.scheduled;
        lagMs = Math.max(lagMs, clock.now() - cursor);
        failures += passedOver.length;
        for (const error of passedOver) logger.error("passed over", { shard, error });
        if (outcome !== "idle") logger.info("dispatched", { shard, outcome, scheduled: report.scheduled, cursor });
      } catch (error) {
        failures += 1;
        logger.error("shard not dispatched", { shard, error });
      }
    });
    metrics.count("scheduled", scheduled);
    metrics.milliseconds("cursorLag", lagMs);
    if (failures > 0) throw new DispatchError(`${failures} failures: see the log`);
  };
});
