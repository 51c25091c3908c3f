/** Benchmark: one run with 1,000 targets. */
import * as z from "zod";

import { withProcesses } from "../child-processes";
import { figure, figureAtLeast, figureAtMost, median, type Figure } from "../figure";
import { handlerEnvironment } from "./handler-environment";
import { measuredSchema, serversReadySchema, TARGETS, type SlowCheck, type Used } from "./processes/messages";

const MEGABYTE = 1_048_576;

/**
 * One run with 1,000 targets, all over https, each of which responds after 50 ms: the bundled handler checks a server on loopback. The servers'
 * process stubs S3 and DynamoDB.
 */
export async function benchRun(): Promise<readonly Figure[]> {
  return withProcesses(__dirname, ["servers", "checker"], async (start) => {
    const servers = serversReadySchema.parse(await start("servers"));
    const environment = {
      ...handlerEnvironment(servers.awsEndpoint),
      BENCH_TARGET: servers.target,
      BENCH_AUTHORITY: servers.certificateAuthority,
    };
    let output = "";
    const onOutput = (text: string): void => {
      output += text;
    };
    const options = { environment, execArgv: ["--expose-gc"], onOutput };
    const measured = measuredSchema.parse(await start("checker", options));
    const { rows, peakHeapBytes, liveHeapBytes, peakResidentBytes } = measured;
    const saved = rows.latencies.length;
    if (
      saved !== TARGETS * measured.checks.length ||
      rows.good + rows.slow.length + rows.late + rows.unmeasured !== saved
    )
      throw new Error(`${saved} rows, of which ${rows.good} passed`);
    for (const slow of rows.slow) console.error(falselySlow(slow));
    const runs = warm(measured.checks);
    const bare = warm(measured.bare);
    const checkSeconds = median(durationsOf(output).slice(1)) / 1_000;
    return [
      figureAtMost("latency_p50_ms", median(rows.latencies), "ms", 60),
      figureAtMost("false_slow", rows.slow.length, "checks", 0),
      figure("servers_late", rows.late, "checks"),
      figure("unmeasured", rows.unmeasured, "checks"),
      figureAtLeast("checks_share", bare.seconds / checkSeconds, "of bare requests a second", 0.7),
      figure("checks_per_s", TARGETS / checkSeconds, "1/s"),
      // With rows and states, the configuration and all else of an invocation.
      figure("run_share", bare.seconds / runs.seconds, "of bare requests a second"),
      figure("run_cpu_share", bare.cpuSeconds / runs.cpuSeconds, "of bare requests a CPU second"),
      figure("bare_requests_per_s", TARGETS / bare.seconds, "1/s"),
      figureAtMost("heap_mb", peakHeapBytes / MEGABYTE, "MB", 128),
      figure("heap_live_mb", liveHeapBytes / MEGABYTE, "MB"),
      figure("resident_mb", peakResidentBytes / MEGABYTE, "MB"),
      figure("first_run_s", measured.checks[0]?.seconds ?? NaN, "s"),
    ];
  });
}

function falselySlow({ target, reason, latencyMs, serverMs, serverLagMs }: SlowCheck): string {
  const server = `the server took ${serverMs.toFixed(1)} ms from connection to response, of which it was late by ${serverLagMs.toFixed(1)} ms`;
  return `${target} is called ${reason} after ${latencyMs} ms: ${server}`;
}

/** Medians, without the first run. */
function warm([, ...runs]: readonly Used[]): Used {
  return {
    seconds: median(runs.map(({ seconds }) => seconds)),
    cpuSeconds: median(runs.map(({ cpuSeconds }) => cpuSeconds)),
  };
}

const finishedSchema = z.object({ message: z.literal("run finished"), durationMs: z.number() });

/** How long the checks of each invocation took, by its log. */
function durationsOf(output: string): readonly number[] {
  const lines = output.split("\n").filter((line) => line.startsWith("{"));
  return lines.flatMap((line) => finishedSchema.safeParse(JSON.parse(line)).data?.durationMs ?? []);
}
