/** A separate process: invokes the checker several times, each after as many bare requests, and reports time and memory. */
import { handler } from "../../../../../functions/heartbeats/check";
import { lambdaContext, scheduledEvent } from "../../../../../test/support/lambda";
import { bareRequests } from "./bare-requests";
import { ROWS_PATH, savedRowsSchema, type Measured, type Used } from "./messages";

const INVOCATIONS = 6;
/** Reading the memory takes half a millisecond. */
const SAMPLE_EVERY_MS = 20;

async function main(): Promise<void> {
  const { AWS_ENDPOINT_URL = "", BENCH_TARGET: url = "", BENCH_AUTHORITY: ca = "" } = process.env;
  let peakHeapBytes = 0;
  let peakResidentBytes = 0;
  const sample = (): void => {
    const { heapUsed, rss } = process.memoryUsage();
    peakHeapBytes = Math.max(peakHeapBytes, heapUsed);
    peakResidentBytes = Math.max(peakResidentBytes, rss);
  };
  const checks: Used[] = [];
  const bare: Used[] = [];
  for (let invocation = 0; invocation < INVOCATIONS; invocation++) {
    bare.push(await usedBy(() => bareRequests(url, ca)));
    const sampler = setInterval(sample, SAMPLE_EVERY_MS);
    checks.push(await usedBy(() => handler(scheduledEvent(), lambdaContext())));
    clearInterval(sampler);
    sample();
  }
  const rows = savedRowsSchema.parse(await (await fetch(`${AWS_ENDPOINT_URL}${ROWS_PATH}`)).json());
  globalThis.gc?.();
  const { heapUsed: liveHeapBytes } = process.memoryUsage();
  const measured: Measured = { checks, bare, rows, peakHeapBytes, liveHeapBytes, peakResidentBytes };
  process.send?.(measured);
}

async function usedBy(work: () => Promise<void>): Promise<Used> {
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { seconds: (performance.now() - start) / 1_000, cpuSeconds: (user + system) / 1_000_000 };
}

void main();
