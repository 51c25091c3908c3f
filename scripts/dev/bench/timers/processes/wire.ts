/** Benchmark process: the limit of any dispatcher. It posts the dispatcher's requests, made beforehand, over the same pool. */
import { MINUTE_MS } from "../../../../../functions/shared/time";
import { createAwsJsonClient } from "../../../../../functions/shared/aws/clients/aws-json";
import { undiciTransport } from "../../../../../functions/shared/aws/undici-transport";
import { mapConcurrently } from "../../../../../functions/shared/resilience/concurrency";
import { BATCH_CONNECTIONS, CONCURRENT_BATCHES } from "../../../../../functions/timers/dispatch";
import { sqsSender } from "../../../../../functions/timers/queue/sqs-sender";
import { fireAt } from "../../../../../functions/timers/schedule/fire-times";
import type { Run } from "../messages";
import { measure } from "../scenario";

const TIMERS = 200_000;
const BATCH = 10;

interface Post {
  readonly headers: string[];
  readonly body: string;
}

/** As the dispatcher makes them: bodies, signatures and all. */
async function postsOf(timers: number, until: number): Promise<readonly Post[]> {
  const posts: Post[] = [];
  const sent = Array.from({ length: BATCH }, (_, id) => ({ Id: String(id) }));
  const recorder = createAwsJsonClient({
    service: "sqs",
    connections: 1,
    transport: () => ({
      post: (headers, body) => {
        posts.push({ headers, body });
        return Promise.resolve({ status: 200, text: JSON.stringify({ Successful: sent }) });
      },
      close: () => undefined,
    }),
  });
  const send = sqsSender(recorder, { default: { queueUrl: process.env["FIRES_QUEUE_URL"] ?? "" } });
  for (let first = 0; first < timers; first += BATCH) {
    const entries = sent.map((_, index) => {
      const number = String(first + index).padStart(8, "0");
      const fire = fireAt(
        {
          kind: "oneshot",
          id: `customer-${number}`,
          shard: "shard0",
          version: `0a1b2c3d-4e5f-4a6b-8c7d-0000${number}`,
          schedule: { kind: "once", at: until },
          data: `{"id":"customer-${number}","type":"hourlyPeriodic"}`,
          enabled: true,
          putAt: 0,
        },
        until,
      );
      return { fire, delaySeconds: 100 };
    });
    await send(entries, Infinity, "default");
  }
  return posts;
}

async function main(): Promise<void> {
  const endpoint = new URL(process.env["AWS_ENDPOINT_URL"] ?? "");
  const transport = undiciTransport(endpoint, BATCH_CONNECTIONS);
  const runs: Run[] = [];
  for (const timers of [1_000, TIMERS]) {
    const posts = await postsOf(timers, Date.now() + 2 * MINUTE_MS);
    const send = async (): Promise<void> => {
      await mapConcurrently(posts, CONCURRENT_BATCHES, ({ headers, body }) => transport.post(headers, body));
    };
    runs.push(await measure("oneshot", timers, send));
  }
  process.send?.({ runs: runs.slice(1) });
}

void main();
