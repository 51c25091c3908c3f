/** A separate process: runs a schedule's function that does nothing, one run after the other, and sends their durations. */
import { onSchedule } from "../../../../../functions/schedules/on-schedule";
import { lambdaContext } from "../../../../../test/support/lambda";

const WARM_UP = 30;
const RUNS = 400;

const handler = onSchedule(() => ({ done: true }));
const ATTEMPT = {
  schedule: "bench",
  run: "2026-11-21T17:00:00.000Z",
  attempt: 1,
  retries: { count: 0, backoffSeconds: 60, maxAgeSeconds: 3_600 },
};

async function main(): Promise<void> {
  const durations: number[] = [];
  for (let run = 0; run < WARM_UP + RUNS; run += 1) {
    const began = performance.now();
    const { outcome } = await handler(ATTEMPT, lambdaContext());
    if (outcome !== "succeeded") throw new Error(`the run ended as ${outcome}`);
    if (run >= WARM_UP) durations.push(performance.now() - began);
  }
  process.send?.(durations);
}

void main();
