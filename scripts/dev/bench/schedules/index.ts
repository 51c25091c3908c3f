/** The bench of schedules: what the wrapper adds to a run and to a load, and what a schedule costs. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { bundleHandlers } from "../../../../modules/constructs/bundling/bundle";
import { PRICES } from "../../../shared/aws/prices";
import { medianLoad, writeUnzipped } from "../bundle";
import { withProcesses } from "../child-processes";
import { figure, figureAtMost, median, type Figure } from "../figure";
import { stubEnvironment } from "../stub-environment";
import { countHours } from "./counted-hours";

/** A function of a user's own. */
const ENTRY = "functions/examples/minute-report.ts";

const HOURS_A_MONTH = 730;
const MEMORY_GB = 0.5;

/** A tick that waits for no run, and the wrapper of a run; most of it the latency of DynamoDB. */
const TICK_SECONDS = 0.05;
const RUN_SECONDS = 0.05;

const durationsSchema = z.array(z.number()).min(1);

/**
 * What the wrapper adds to a run against a stub of DynamoDB with 10 ms latency, the load time of a function that is made with it, and the
 * price of an hourly schedule, whose requests are counted in hours of the real keeper and wrapper on a virtual clock.
 */
export async function benchSchedules(): Promise<readonly Figure[]> {
  const durations = await withProcesses(__dirname, ["stub", "runner"] as const, async (start) => {
    const port = z.int().parse(await start("stub"));
    return durationsSchema.parse(await start("runner", { environment: environmentOf(port) }));
  });
  const [none, one] = [await countHours(0), await countHours(1)];
  const usdAnHour = (counted: Awaited<ReturnType<typeof countHours>>) =>
    counted.writeUnits * PRICES.dynamodb.writeRequestUnit +
    counted.readUnits * PRICES.dynamodb.readRequestUnit +
    (counted.ticks + counted.runs) * PRICES.lambda.request +
    (counted.ticks * TICK_SECONDS + counted.runs * RUN_SECONDS) * MEMORY_GB * PRICES.lambda.gbSecond;
  return [
    figureAtMost("overhead_ms", median(durations), "ms", 25),
    figureAtMost("load_ms", await loadMs(), "ms", 70),
    figure("writes_a_run", one.writeUnits - none.writeUnits, ""),
    figure("usd_per_schedule_month", (usdAnHour(one) - usdAnHour(none)) * HOURS_A_MONTH, "USD"),
    figure("usd_keeper_month", usdAnHour(none) * HOURS_A_MONTH, "USD"),
  ];
}

function environmentOf(port: number): NodeJS.ProcessEnv {
  return {
    ...stubEnvironment("schedules", `http://127.0.0.1:${port}`),
    RUNS_TABLE: "almanac-bench-schedules-runs",
    SECRETS: "",
  };
}

async function loadMs(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "almanac-bench-"));
  try {
    const [bundle] = await bundleHandlers([ENTRY]);
    if (bundle === undefined) throw new Error(`${ENTRY} has no bundle`);
    const file = join(folder, "index.js");
    writeUnzipped(bundle.zipFile, file);
    return await medianLoad(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
