/** Benchmark process: the deployed dispatcher and PUTs, against the stub. */
import { MINUTE_MS } from "../../../../../functions/shared/time";
import { handler } from "../../../../../functions/timers/dispatch";
import { createAwsJsonClient } from "../../../../../functions/shared/aws/clients/aws-json";
import { systemClock } from "../../../../../functions/shared/clock";
import { fireQueue } from "../../../../../functions/timers/queue/fire-queue";
import { putTimers } from "../../../../../functions/timers/api/put-timers";
import { sqsSender } from "../../../../../functions/timers/queue/sqs-sender";
import { timerTable } from "../../../../../functions/timers/storage/timer-table";
import { lambdaContext, scheduledEvent } from "../../../../../test/support/lambda";
import { runsSchema, RUNS_VARIABLE, type Run } from "../messages";
import { measure } from "../scenario";

const RUN_MS = 10 * MINUTE_MS;

const dispatch = async (): Promise<void> => {
  await handler(scheduledEvent({ target: 0, targets: 1 }), lambdaContext(RUN_MS));
};

/** Puts one-shots due in two hours, like the API. */
async function put(timers: number): Promise<void> {
  const services = { clock: systemClock, random: Math.random };
  const table = timerTable(
    createAwsJsonClient({ service: "dynamodb", connections: 25 }),
    "almanac-bench-timers",
    services,
  );
  const sendBatch = sqsSender(createAwsJsonClient({ service: "sqs", connections: 1 }), {
    default: { queueUrl: process.env["FIRES_QUEUE_URL"] ?? "" },
  });
  const queue = fireQueue({ sendBatch, ...services, concurrency: 1 });
  const now = Date.now();
  const puts = Array.from({ length: timers }, (_, index) => ({
    timer: {
      kind: "oneshot" as const,
      id: `customer-${index}`,
      shard: "shard0",
      version: `version-${index}`,
      schedule: { kind: "once" as const, at: now + 7_200_000 },
      data: "{}",
      enabled: true,
      putAt: now,
    },
    isUnchanged: () => false,
  }));
  const cursors = { get: () => Promise.resolve(new Map()) };
  for (const outcome of await putTimers(puts, { table, queue, cursors }, now + MINUTE_MS))
    if ("error" in outcome) throw outcome.error;
}

async function main(): Promise<void> {
  await measure("oneshot", 1_000, dispatch); // warm-up
  const runs: Run[] = [];
  for (const [kind, timers] of runsSchema.parse(JSON.parse(process.env[RUNS_VARIABLE] ?? "")))
    runs.push(await measure(kind, timers, dispatch));
  const puts = await measure("oneshot", 1_000, () => put(1_000));
  process.send?.({ runs: [...runs, puts] });
}

void main();
