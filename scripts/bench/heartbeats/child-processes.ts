/** Processes of a bench: bundled as handlers are deployed, so that what is measured is what runs. */
import { fork, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { LOOKUP_THREADS } from "../../../functions/heartbeats/contract";
import { BUNDLE_OPTIONS } from "../../../modules/constructs/bundle";

export interface ChildOptions {
  readonly environment?: NodeJS.ProcessEnv;
  readonly execArgv?: readonly string[];
  /** Gets what the process prints. @default nobody */
  readonly onOutput?: (text: string) => void;
}

/**
 * Lets `work` start processes of these names, from processes/<name>.ts, each telling one message when it has something to tell. All
 * of them are ended after it.
 */
export async function withProcesses<Name extends string, Result>(
  names: readonly Name[],
  work: (start: (name: Name, options?: ChildOptions) => Promise<unknown>) => Promise<Result>,
): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), "almanac-bench-"));
  const children: ChildProcess[] = [];
  try {
    buildSync({
      ...BUNDLE_OPTIONS,
      absWorkingDir: join(__dirname, "../../.."),
      sourcemap: false,
      entryPoints: names.map((name) => join(__dirname, "processes", `${name}.ts`)),
      outdir: directory,
    });
    return await work((name, { environment = {}, execArgv = [], onOutput } = {}) => {
      const output = onOutput === undefined ? "ignore" : "pipe";
      const stdio = ["ignore", output, "inherit", "ipc"] as const;
      const child = fork(join(directory, `${name}.js`), {
        env: environment,
        execArgv: [...execArgv],
        stdio: [...stdio],
      });
      children.push(child);
      if (onOutput !== undefined) child.stdout?.setEncoding("utf8").on("data", onOutput);
      return firstMessage(child, name);
    });
  } finally {
    for (const child of children) child.kill();
    rmSync(directory, { recursive: true });
  }
}

/** Variables of both handlers, as their module gives them. */
export function handlerEnvironment(awsEndpoint: string): NodeJS.ProcessEnv {
  return {
    AWS_ENDPOINT_URL: awsEndpoint,
    // Said of Node 20 at every start; deployed functions run on a newer one.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
    AWS_REGION: "eu-central-1",
    AWS_ACCESS_KEY_ID: "bench",
    AWS_SECRET_ACCESS_KEY: "bench",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "512",
    POWERTOOLS_SERVICE_NAME: "heartbeats",
    ALMANAC_APP: "almanac",
    ALMANAC_ENVIRONMENT: "bench",
    HEARTBEATS_TABLE: "almanac-bench-heartbeats",
    STATE_TABLE: "almanac-bench-heartbeats-state",
    TARGETS_BUCKET: "almanac-bench-heartbeats-configuration",
    STATUS_BUCKET: "almanac-bench-heartbeats-page",
    TELEMETRY_DAYS: "90",
    INTERVAL_MINUTES: "5",
    PUBLISH_FUNCTION: "almanac-bench-heartbeats-publish",
    NOTIFICATION_TOPIC: "arn:aws:sns:eu-central-1:000000000000:almanac-bench-alarms",
    UV_THREADPOOL_SIZE: String(LOOKUP_THREADS),
  };
}

/** Rejects when it exits before. */
function firstMessage(child: ChildProcess, name: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once("message", resolve);
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      reject(new Error(`${name} ended early: ${signal ?? `code ${code ?? "?"}`}`));
    });
  });
}
