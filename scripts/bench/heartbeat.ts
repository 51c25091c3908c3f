import { fork, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { buildSync } from "esbuild";

import { LOOKUP_THREADS } from "../../functions/heartbeats/contract";
import { BUNDLE_OPTIONS } from "../../modules/constructs/bundle";
import { figure, figureAtMost, median, type Figure } from "./figure";
import { measuredSchema, serversReadySchema, TARGETS } from "./heartbeat/messages";

const MEGABYTE = 1_048_576;

/**
 * What 1,000 targets cost in one invocation: the real handler, bundled as it is deployed, checks servers on loopback. S3 and
 * DynamoDB are answered for by a stub in the servers' process.
 */
export async function benchHeartbeat(): Promise<readonly Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), "almanac-bench-"));
  const children: ChildProcess[] = [];
  const start = (name: string, environment: NodeJS.ProcessEnv, execArgv: readonly string[]): ChildProcess => {
    const stdio = ["ignore", "ignore", "inherit", "ipc"] as const;
    const child = fork(join(directory, `${name}.js`), { env: environment, execArgv: [...execArgv], stdio: [...stdio] });
    children.push(child);
    return child;
  };
  try {
    bundleProcesses(directory);
    const servers = start("servers", {}, []);
    const { awsEndpoint } = serversReadySchema.parse(await message(servers));
    const checker = start("checker", checkerEnvironment(awsEndpoint), ["--expose-gc"]);
    const { seconds, goodRows, peakHeapBytes, liveHeapBytes, peakResidentBytes } = measuredSchema.parse(
      await message(checker),
    );
    if (goodRows !== TARGETS * seconds.length) throw new Error(`only ${goodRows} checks of good targets came out good`);
    return [
      figureAtMost("heap_mb", peakHeapBytes / MEGABYTE, "MB", 128),
      figure("heap_live_mb", liveHeapBytes / MEGABYTE, "MB"),
      figure("resident_mb", peakResidentBytes / MEGABYTE, "MB"),
      figure("checks_per_s", TARGETS / median(seconds.slice(1)), "1/s"),
      figure("first_run_s", seconds[0] ?? NaN, "s"),
    ];
  } finally {
    for (const child of children) child.kill();
    rmSync(directory, { recursive: true });
  }
}

function bundleProcesses(directory: string): void {
  buildSync({
    ...BUNDLE_OPTIONS,
    absWorkingDir: join(__dirname, "../.."),
    sourcemap: false,
    entryPoints: ["servers", "checker"].map((name) => join(__dirname, "heartbeat", `${name}.ts`)),
    outdir: directory,
  });
}

function checkerEnvironment(awsEndpoint: string): NodeJS.ProcessEnv {
  return {
    AWS_ENDPOINT_URL: awsEndpoint,
    // Said of Node 20 at every start; deployed functions run on a newer one.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
    AWS_REGION: "eu-central-1",
    AWS_ACCESS_KEY_ID: "bench",
    AWS_SECRET_ACCESS_KEY: "bench",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "512",
    POWERTOOLS_SERVICE_NAME: "heartbeats",
    ALMANAC_ENVIRONMENT: "bench",
    HEARTBEATS_TABLE: "almanac-bench-heartbeats",
    TARGETS_BUCKET: "almanac-bench-heartbeats-configuration",
    TELEMETRY_DAYS: "90",
    STATE_TABLE: "almanac-bench-heartbeats-state",
    INTERVAL_MINUTES: "5",
    ALMANAC_APP: "almanac",
    PUBLISH_FUNCTION: "almanac-bench-heartbeats-publish",
    NOTIFICATION_TOPIC: "arn:aws:sns:eu-central-1:000000000000:almanac-bench-alarms",
    UV_THREADPOOL_SIZE: String(LOOKUP_THREADS),
  };
}

/** The first message of a child. Rejects when it exits before. */
function message(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once("message", resolve);
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      reject(new Error(`${child.spawnargs[1] ?? "a process"} ended early: ${signal ?? `code ${code ?? "?"}`}`));
    });
  });
}
