import { fork, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { buildSync } from "esbuild";

import { BUNDLE_OPTIONS } from "../../../modules/constructs/bundle";
import { PRICES } from "../../shared/prices";
import { figure, figureAtLeast, figureAtMost, median, type Figure } from "./figure";
import { measuredSchema, STUB_READY, type Run } from "./timers/messages";

const MEGABYTE = 1_048_576;
const MILLION = 1_000_000;

/** What a million fires cost at the queue's other end: of each ten a receive and a delete; of each a strongly consistent read, the fence. */
const CALLBACK_USD = MILLION * (0.2 * PRICES.sqs.request + PRICES.dynamodb.readRequestUnit);

/**
 * The dispatcher as it is deployed, in one process, against a stub of DynamoDB and SQS in another that answers after 10 ms; and a
 * dispatcher as peers write it against the same stub. Costs leave out what the callback computes, and the API.
 */
export async function benchTimers(): Promise<readonly Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), "almanac-bench-"));
  const children: ChildProcess[] = [];
  const start = (name: string, environment: NodeJS.ProcessEnv): ChildProcess => {
    const child = fork(join(directory, `${name}.js`), {
      env: environment,
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    children.push(child);
    return child;
  };
  try {
    buildSync({
      ...BUNDLE_OPTIONS,
      absWorkingDir: join(__dirname, "../.."),
      sourcemap: false,
      entryPoints: ["stub", "almanac", "baseline"].map((name) => join(__dirname, "timers", `${name}.ts`)),
      outdir: directory,
    });
    const { endpoint } = STUB_READY.parse(await message(start("stub", {})));
    const environment = environmentAt(endpoint);
    // One after the other: the machine may have no more than two cores.
    const { runs } = measuredSchema.parse(await message(start("almanac", environment)));
    const { runs: baselines } = measuredSchema.parse(await message(start("baseline", environment)));
    return figuresOf(runs, baselines);
  } finally {
    for (const child of children) child.kill();
    rmSync(directory, { recursive: true });
  }
}

function figuresOf(all: readonly Run[], baselines: readonly Run[]): readonly Figure[] {
  const runs = all.slice(0, -1);
  const [puts, baseline] = [all.at(-1), baselines[0]];
  if (puts === undefined || baseline === undefined) throw new Error("nothing was measured");
  for (const { timers, counts } of [...runs, baseline])
    if (counts.messages !== timers) throw new Error(`of ${timers} timers, ${counts.messages} were queued`);

  const large = runs.filter(({ timers }) => timers >= 200_000);
  const smallest = runs.reduce((a, b) => (a.timers < b.timers ? a : b));
  const largest = runs.reduce((a, b) => (a.timers > b.timers ? a : b));
  const middling = large.filter((run) => run !== largest);
  const rate = median(large.map(({ timers, seconds }) => timers / seconds));
  const baselineRate = baseline.timers / baseline.seconds;
  const dispatchUsd = (kind: Run["kind"]) =>
    median(large.filter((run) => run.kind === kind).map((run) => (usd(run) / run.timers) * MILLION));
  return [
    figureAtLeast("fires_per_s", rate, "1/s", 20_000),
    figure("fires_per_cpu_s", median(large.map(({ timers, cpuSeconds }) => timers / cpuSeconds)), "1/s"),
    figure("baseline_fires_per_s", baselineRate, "1/s"),
    figureAtLeast("ratio", rate / baselineRate, "", 15),
    figureAtMost("requests_per_fire", largest.counts.requests / largest.timers, "", 0.105),
    figure("rss_10k_mb", smallest.residentBytes / MEGABYTE, "MB"),
    figure("rss_200k_mb", Math.max(...middling.map(({ residentBytes }) => residentBytes)) / MEGABYTE, "MB"),
    figureAtMost("rss_mb", largest.residentBytes / MEGABYTE, "MB", 256),
    figureAtMost("usd_per_million_periodic", dispatchUsd("periodic") + CALLBACK_USD, "$", 0.3),
    figureAtMost(
      "usd_per_million_oneshot",
      dispatchUsd("oneshot") + (usd(puts) / puts.timers) * MILLION + CALLBACK_USD,
      "$",
      1.6,
    ),
  ];
}

function usd({ counts: { sqsRequests, readUnits, writeUnits } }: Run): number {
  return (
    sqsRequests * PRICES.sqs.request +
    readUnits * PRICES.dynamodb.readRequestUnit +
    writeUnits * PRICES.dynamodb.writeRequestUnit
  );
}

function environmentAt(endpoint: string): NodeJS.ProcessEnv {
  return {
    AWS_ENDPOINT_URL: endpoint,
    // Said of Node 20 at every start; deployed functions run on a newer one.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
    AWS_REGION: "eu-central-1",
    AWS_ACCESS_KEY_ID: "bench",
    AWS_SECRET_ACCESS_KEY: "bench",
    POWERTOOLS_SERVICE_NAME: "timers",
    ALMANAC_APP: "almanac",
    ALMANAC_ENVIRONMENT: "bench",
    TIMERS_TABLE: "almanac-bench-timers",
    FIRES_QUEUE: `${endpoint}/000000000000/almanac-bench-timers-fires`,
    SHARDS: "1",
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
