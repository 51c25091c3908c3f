/** Measures a dispatcher with many due timers. */
import { MINUTE_MS } from "../../../../functions/shared/time";
import { loadUntil } from "../../../../functions/timers/dispatch/windows";
import { SCENARIO_PATH, countsSchema, type Run, type Scenario } from "./messages";

const SAMPLE_EVERY_MS = 5;

/** Measures one run of a dispatcher with this many due timers. */
export async function measure(
  kind: Scenario["kind"],
  timers: number,
  dispatch: (scenario: Scenario) => Promise<void>,
): Promise<Run> {
  const endpoint = process.env["AWS_ENDPOINT_URL"] ?? "";
  const until = loadUntil(Date.now());
  const scenario: Scenario = { kind, timers, cursor: until - MINUTE_MS, until };
  await fetch(`${endpoint}${SCENARIO_PATH}`, { method: "PUT", body: JSON.stringify(scenario) });
  let residentBytes = 0;
  const sample = (): void => {
    residentBytes = Math.max(residentBytes, process.memoryUsage.rss());
  };
  const sampler = setInterval(sample, SAMPLE_EVERY_MS);
  const cpu = process.cpuUsage();
  const begin = performance.now();
  await dispatch(scenario);
  const seconds = (performance.now() - begin) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  sample();
  clearInterval(sampler);
  const counts = countsSchema.parse(await (await fetch(`${endpoint}${SCENARIO_PATH}`)).json());
  return { kind, timers, seconds, cpuSeconds: (user + system) / 1e6, residentBytes, counts };
}
