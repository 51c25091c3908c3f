/** A separate process: invokes the start handler as fast as possible and measures it. */
import { handler } from "../../../../../functions/workflows/start";
import { lambdaContext } from "../../../../../test/support/lambda";
import type { Measured } from "./messages";

const WARM_UP = 500;
const STARTS = 5_000;

/** Enough that the process never waits for the stub. */
const CONCURRENCY = 16;

async function startAll(count: number, prefix: string): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await handler({ taskId: `${prefix}-${next++}` }, lambdaContext());
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}

async function main(): Promise<void> {
  await startAll(WARM_UP, "warm-up");
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  await startAll(STARTS, "task");
  const { user, system } = process.cpuUsage(cpu);
  const measured: Measured = {
    starts: STARTS,
    seconds: (performance.now() - startedAt) / 1_000,
    cpuSeconds: (user + system) / 1_000_000,
  };
  process.send?.(measured);
}

void main();
