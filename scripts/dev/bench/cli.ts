/** How long the command line takes: its help, a list of timers, and its first start after a change. */
import type { ListResponse } from "../../../functions/timers/api/api-types";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startStubAws, writeStubHome } from "../../../test/support/stub-aws";
import { ownEnvironment } from "../../shared/run-command";
import { figure, figureAtMost, median, type Figure } from "./figure";

const RUNS = 9;
const COLD_RUNS = 3;
const LAUNCHER = "scripts/launcher/almanac.mjs";

/** As large as the state of `local`. */
const RESOURCES = 330;
const ATTRIBUTE_BYTES = 2_500;
const TIMERS = 25;

/** Processes, by node itself, and one as people start it, by npx. Timers come from a stub of S3 and the timers API. */
export async function benchCli(): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "almanac-bench-"));
  const home = join(folder, "home");
  const { state, timers } = stubbed();
  const stub = await startStubAws(({ operation }) => {
    const outputs = { timers: { value: { api_url: `${stub.endpoint}/live` } } };
    return operation === "GET /states/local" ? { ...state, outputs } : timers;
  });
  try {
    writeStubHome(home, stub.endpoint, {});
    const timersLs = [LAUNCHER, "timers", "ls", "--env", "local", "--home", home];
    const cold = await times(COLD_RUNS, () => {
      rmSync(".almanac/cli", { recursive: true, force: true });
      return run(process.execPath, [LAUNCHER, "--version"]);
    });
    const help = await times(RUNS, () => run(process.execPath, [LAUNCHER, "--help"]));
    const npx = await times(RUNS, () => run("npx", ["almanac", "--help"]));
    const list = await times(RUNS, () => run(process.execPath, timersLs));
    const bare = await times(RUNS, () => run(process.execPath, ["-e", "0"]));
    const cdktf = await times(COLD_RUNS, () =>
      run(process.execPath, ["node_modules/cdktf-cli/bundle/bin/cdktf", "--version"]),
    );
    const aws = await times(COLD_RUNS, () => run("aws", ["--version"])).catch(() => undefined);
    return [
      figureAtMost("help_s", help.wall, "s", 0.15),
      figure("help_cpu_s", help.cpu, "s"),
      figure("npx_help_s", npx.wall, "s, by npx"),
      figureAtMost("timers_ls_s", list.wall, "s, against a stub", 0.5),
      figureAtMost("timers_ls_cpu_s", list.cpu, "s, against a stub", 0.4),
      figureAtMost("compile_s", cold.wall, "s", 3),
      figure("node_s", bare.wall, "s"),
      figure("cdktf_version_s", cdktf.wall, "s"),
      ...(aws === undefined ? [] : [figure("aws_version_s", aws.wall, "s")]),
    ];
  } finally {
    await stub.close();
    rmSync(folder, { recursive: true });
  }
}

interface Took {
  readonly wall: number;
  /** User and system; 0 for programs that are not Node's. */
  readonly cpu: number;
}

async function times(runs: number, once: () => Promise<Took>): Promise<Took> {
  const all: Took[] = [];
  for (let count = 0; count < runs; count += 1) all.push(await once());
  return { wall: median(all.map(({ wall }) => wall)), cpu: median(all.map(({ cpu }) => cpu)) };
}

/** Writes its CPU time as the last line of stderr when it ends. */
const CPU_HOOK = `data:text/javascript,process.on("exit",()=>{const{user,system}=process.cpuUsage();process.stderr.write("\\ncpu "+(user+system))})`;

function run(file: string, args: readonly string[]): Promise<Took> {
  const { ALMANAC_AWS_ENDPOINT: _, ALMANAC_ENVIRONMENT: __, ...env } = ownEnvironment();
  const isNode = file === process.execPath;
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn(file, [...(isNode ? ["--import", CPU_HOOK] : []), ...args], {
      env,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let errors = "";
    child.stderr.on("data", (text: Buffer) => (errors += text.toString()));
    child.on("error", reject);
    child.on("close", (code) => {
      const wall = (performance.now() - began) / 1_000;
      if (code !== 0) reject(new Error(`${args.join(" ")} ended with exit code ${code ?? "none"}: ${errors}`));
      else resolve({ wall, cpu: Number(/\ncpu (\d+)$/.exec(errors)?.[1] ?? 0) / 1e6 });
    });
  });
}

function stubbed(): { readonly state: object; readonly timers: ListResponse } {
  const resource = { mode: "managed", module: "module.timers", type: "aws_iam_role", name: "role" };
  return {
    state: {
      outputs: {},
      resources: Array.from({ length: RESOURCES }, () => ({
        ...resource,
        instances: [{ attributes: { policy: "x".repeat(ATTRIBUTE_BYTES) } }],
      })),
    },
    timers: {
      timers: Array.from({ length: TIMERS }, (_, index) => ({
        id: `timer-${index}`,
        shardId: "shard0",
        timerCallbackData: null,
        schedule: { every: "15 minutes" },
        enabled: true,
        version: "v1",
        putAt: "2026-11-21T06:55:30.250Z",
        state: "scheduled",
        nextFireAt: "2026-11-21T07:10:30.000Z",
        callback: "default",
        recorded: true,
        lastFiredAt: null,
        lastOutcome: null,
        attempts: null,
        latenessMs: null,
      })),
    },
  };
}
