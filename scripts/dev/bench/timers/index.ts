/** Benchmarks of timers, in order. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAuthority } from "../../../../test/support/certificates";
import { PRICES } from "../../../shared/aws/prices";
import { withProcesses } from "../child-processes";
import { figure, figureAtLeast, figureAtMost, median, type Figure } from "../figure";
import { stubEnvironment } from "../stub-environment";
import { measuredSchema, STUB_READY, type Run } from "./messages";

const MEGABYTE = 1_048_576;
const MILLION = 1_000_000;

/** Cost of delivering a million fires: a receive and a delete per ten, and a strongly consistent read (the fence) per fire. */
const CALLBACK_USD = MILLION * (0.2 * PRICES.sqs.request + PRICES.dynamodb.readRequestUnit);

/**
 * The deployed dispatcher in one process, against a stub of DynamoDB and SQS in another process with a latency of 10 ms; and a baseline
 * dispatcher against the same stub. Costs exclude the callback's compute and the API.
 */
export async function benchTimers(): Promise<readonly Figure[]> {
  const authority = await createAuthority("almanac bench");
  const { cert, key } = await authority.issue({ hosts: ["127.0.0.1"], daysLeft: 1 });
  const folder = mkdtempSync(join(tmpdir(), "almanac-bench-"));
  const authorityFile = join(folder, "authority.pem");
  writeFileSync(authorityFile, authority.cert);
  try {
    return await withProcesses(__dirname, ["stub", "almanac", "baseline", "wire", "api"], async (start) => {
      const { endpoint } = STUB_READY.parse(await start("stub"));
      const tls = STUB_READY.parse(await start("stub", { environment: { TLS_CERTIFICATE: cert, TLS_KEY: key } }));
      // Sequentially: the machine may have only two cores.
      const run = async (name: "almanac" | "baseline" | "wire" | "api", environment = environmentAt(endpoint)) =>
        measuredSchema.parse(await start(name, { environment })).runs;
      return [
        ...figuresOf(await run("almanac"), await run("baseline"), await run("wire")),
        ...putFigures(await run("api")),
        figure(
          "tls_fires_per_s",
          rateOf(
            await run("almanac", {
              ...environmentAt(tls.endpoint),
              NODE_EXTRA_CA_CERTS: authorityFile,
              ALMANAC_BENCH_RUNS: "short",
            }),
          ),
          "1/s",
        ),
      ];
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const rateOf = (runs: readonly Run[]) =>
  median(runs.filter(({ timers }) => timers >= 200_000).map(({ timers, seconds }) => timers / seconds));

function figuresOf(all: readonly Run[], baselines: readonly Run[], wire: readonly Run[]): readonly Figure[] {
  const runs = all.slice(0, -1);
  const [puts, baseline] = [all.at(-1), baselines[0]];
  if (puts === undefined || baseline === undefined) throw new Error("no measurements");
  for (const { timers, counts } of [...runs, baseline, ...wire])
    if (counts.messages !== timers) throw new Error(`${counts.messages} of ${timers} timers were enqueued`);

  const large = runs.filter(({ kind, timers }) => timers >= 200_000 && kind !== "cron");
  const smallest = runs.reduce((a, b) => (a.timers < b.timers ? a : b));
  const largest = runs.reduce((a, b) => (a.timers > b.timers ? a : b));
  const others = large.filter((run) => run !== largest);
  const rate = rateOf(large);
  const rateOfKind = (kind: Run["kind"]) =>
    median(
      runs.filter((run) => run.kind === kind && run.timers < 1_000_000).map(({ timers, seconds }) => timers / seconds),
    );
  const wheelRate = rateOfKind("periodic");
  const baselineRate = baseline.timers / baseline.seconds;
  const dispatchUsd = (kind: Run["kind"]) =>
    median(
      runs.filter((run) => run.kind === kind && run.timers >= 20_000).map((run) => (usd(run) / run.timers) * MILLION),
    );
  return [
    figureAtLeast("fires_per_s", rate, "1/s", 20_000),
    figure("fires_per_cpu_s", median(large.map(({ timers, cpuSeconds }) => timers / cpuSeconds)), "1/s"),
    figure("baseline_fires_per_s", baselineRate, "1/s"),
    figureAtLeast("ratio", rate / baselineRate, "", 30),
    figure("wire_fires_per_s", rateOf(wire), "1/s"),
    figureAtLeast("wire_share", rate / rateOf(wire), "", 0.8),
    figureAtMost("requests_per_fire", largest.counts.requests / largest.timers, "", 0.101),
    figure("rss_10k_mb", smallest.residentBytes / MEGABYTE, "MB"),
    figure("rss_200k_mb", Math.max(...others.map(({ residentBytes }) => residentBytes)) / MEGABYTE, "MB"),
    figureAtMost("rss_mb", largest.residentBytes / MEGABYTE, "MB", 192),
    figureAtMost("usd_per_million_periodic", dispatchUsd("periodic") + CALLBACK_USD, "$", 0.3),
    figureAtLeast("regular_cron_share", rateOfKind("cron") / wheelRate, "", 0.9),
    figureAtLeast("irregular_share", rateOfKind("irregular") / wheelRate, "", 0.15),
    figureAtMost("usd_per_million_regular_cron", dispatchUsd("cron") + CALLBACK_USD, "$", 0.3),
    figureAtMost(
      "usd_per_million_oneshot",
      dispatchUsd("oneshot") + (usd(puts) / puts.timers) * MILLION + CALLBACK_USD,
      "$",
      1.6,
    ),
  ];
}

/** By CPU time: a core's. */
function putFigures([handler, sdk]: readonly Run[]): readonly Figure[] {
  if (handler === undefined || sdk === undefined) throw new Error("no measurements");
  const [own, other] = [handler, sdk].map(({ timers, cpuSeconds }) => timers / cpuSeconds) as [number, number];
  return [
    figure("puts_per_s", own, "1/s"),
    figure("sdk_puts_per_s", other, "1/s"),
    figureAtLeast("puts_ratio", own / other, "", 3),
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
  const queueUrl = `${endpoint}/000000000000/almanac-bench-timers-fires`;
  return {
    ...stubEnvironment("timers", endpoint),
    TIMERS_TABLE: "almanac-bench-timers",
    FIRES_QUEUE_URL: queueUrl,
    HISTORY_TABLE: "almanac-bench-timers-history",
    CALLBACKS: JSON.stringify({ default: { queueUrl, history: false } }),
    SHARDS: "1",
  };
}
