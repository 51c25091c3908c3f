/** Benchmark: one run with 1,000 targets. */
import { withProcesses } from "../child-processes";
import { figure, figureAtMost, median, type Figure } from "../figure";
import { handlerEnvironment } from "./handler-environment";
import { measuredSchema, serversReadySchema, TARGETS } from "./processes/messages";

const MEGABYTE = 1_048_576;

/** One run with 1,000 targets: the bundled handler checks servers on loopback. The servers' process stubs S3 and DynamoDB. */
export async function benchRun(): Promise<readonly Figure[]> {
  return withProcesses(__dirname, ["servers", "checker"], async (start) => {
    const { awsEndpoint } = serversReadySchema.parse(await start("servers"));
    const environment = handlerEnvironment(awsEndpoint);
    const measured = measuredSchema.parse(await start("checker", { environment, execArgv: ["--expose-gc"] }));
    const { seconds, goodRows, peakHeapBytes, liveHeapBytes, peakResidentBytes } = measured;
    if (goodRows !== TARGETS * seconds.length) throw new Error(`only ${goodRows} checks passed`);
    return [
      figureAtMost("heap_mb", peakHeapBytes / MEGABYTE, "MB", 128),
      figure("heap_live_mb", liveHeapBytes / MEGABYTE, "MB"),
      figure("resident_mb", peakResidentBytes / MEGABYTE, "MB"),
      figure("checks_per_s", TARGETS / median(seconds.slice(1)), "1/s"),
      figure("first_run_s", seconds[0] ?? NaN, "s"),
    ];
  });
}
