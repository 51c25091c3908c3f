/** A process of its own: invokes the handler a few times, as Lambda does, and tells what it took. */
import { handler } from "../../../functions/heartbeats/check";
import { GOOD_ROWS_PATH, type Measured } from "./messages";

const INVOCATIONS = 6;
const SAMPLE_EVERY_MS = 2;

/** The handler's use of its context ends with these two. */
const context = {
  awsRequestId: "bench",
  functionName: "almanac-bench-heartbeats-check",
  getRemainingTimeInMillis: () => 60_000,
} as unknown as Parameters<typeof handler>[1];

const event = {
  version: "0",
  id: "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
  "detail-type": "Scheduled Event",
  source: "aws.events",
  account: "000000000000",
  time: "2026-11-21T06:55:00Z",
  region: "eu-central-1",
  resources: ["arn:aws:events:eu-central-1:000000000000:rule/almanac-bench-heartbeats"],
  detail: {},
};

async function main(): Promise<void> {
  let peakHeapBytes = 0;
  let peakResidentBytes = 0;
  const sample = (): void => {
    const { heapUsed, rss } = process.memoryUsage();
    peakHeapBytes = Math.max(peakHeapBytes, heapUsed);
    peakResidentBytes = Math.max(peakResidentBytes, rss);
  };
  const sampler = setInterval(sample, SAMPLE_EVERY_MS);

  const seconds: number[] = [];
  for (let invocation = 0; invocation < INVOCATIONS; invocation++) {
    const start = performance.now();
    await handler(event, context);
    seconds.push((performance.now() - start) / 1_000);
    sample();
  }
  clearInterval(sampler);
  const goodRows = Number(await (await fetch(`${process.env["AWS_ENDPOINT_URL"] ?? ""}${GOOD_ROWS_PATH}`)).text());
  globalThis.gc?.();
  const { heapUsed: liveHeapBytes } = process.memoryUsage();
  const measured: Measured = { seconds, goodRows, peakHeapBytes, liveHeapBytes, peakResidentBytes };
  process.send?.(measured);
}

void main();
