/** A separate process: invokes the checker several times, and reports time and memory. */
import { handler } from "../../../../../functions/heartbeats/check";
import { lambdaContext, scheduledEvent } from "../../../../../test/support/lambda";
import { GOOD_ROWS_PATH, type Measured } from "./messages";

const INVOCATIONS = 6;
const SAMPLE_EVERY_MS = 2;

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
    await handler(scheduledEvent(), lambdaContext());
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
