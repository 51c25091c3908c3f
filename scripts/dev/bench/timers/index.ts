/** Benchmarks of timers, in order. */
import { PRICES } from "../../../shared/prices";
import { withProcesses } from "../child-processes";
import { figure, figureAtLeast, figureAtMost, median, type Figure } from "../figure";
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
  return withProcesses(__dirname, ["stub", "almanac", "baseline"], async (start) => {
    const { endpoint } = STUB_READY.parse(await start("stub"));
    const environment = environmentAt(endpoint);
    // Sequentially: the machine may have only two cores.
    const { runs } = measuredSchema.parse(await start("almanac", { environment }));
    const { runs: baselines } = measuredSchema.parse(await start("baseline", { environment }));
    return figuresOf(runs, baselines);
  });
}

function figuresOf(all: readonly Run[], baselines: readonly Run[]): readonly Figure[] {
  const runs = all.slice(0, -1);
  const [puts, baseline] = [all.at(-1), baselines[0]];
  if (puts === undefined || baseline === undefined) throw new Error("no measurements");
  for (const { timers, counts } of [...runs, baseline])
    if (counts.messages !== timers) throw new Error(`${counts.messages} of ${timers} timers were enqueued`);

  const large = runs.filter(({ kind, timers }) => timers >= 200_000 && kind !== "cron");
  const smallest = runs.reduce((a, b) => (a.timers < b.timers ? a : b));
  const largest = runs.reduce((a, b) => (a.timers > b.timers ? a : b));
  const others = large.filter((run) => run !== largest);
  const rate = median(large.map(({ timers, seconds }) => timers / seconds));
  const rateOf = (kind: Run["kind"]) =>
    median(
      runs.filter((run) => run.kind === kind && run.timers < 1_000_000).map(({ timers, seconds }) => timers / seconds),
    );
  const wheelRate = rateOf("periodic");
  const baselineRate = baseline.timers / baseline.seconds;
  const dispatchUsd = (kind: Run["kind"]) =>
    median(
      runs.filter((run) => run.kind === kind && run.timers >= 20_000).map((run) => (usd(run) / run.timers) * MILLION),
    );
  return [
    figureAtLeast("fires_per_s", rate, "1/s", 20_000),
    figure("fires_per_cpu_s", median(large.map(({ timers, cpuSeconds }) => timers / cpuSeconds)), "1/s"),
    figure("baseline_fires_per_s", baselineRate, "1/s"),
    figureAtLeast("ratio", rate / baselineRate, "", 15),
    figureAtMost("requests_per_fire", largest.counts.requests / largest.timers, "", 0.105),
    figure("rss_10k_mb", smallest.residentBytes / MEGABYTE, "MB"),
    figure("rss_200k_mb", Math.max(...others.map(({ residentBytes }) => residentBytes)) / MEGABYTE, "MB"),
    figureAtMost("rss_mb", largest.residentBytes / MEGABYTE, "MB", 256),
    figureAtMost("usd_per_million_periodic", dispatchUsd("periodic") + CALLBACK_USD, "$", 0.3),
    figureAtLeast("regular_cron_share", rateOf("cron") / wheelRate, "", 0.9),
    figureAtLeast("irregular_share", rateOf("irregular") / wheelRate, "", 0.15),
    figureAtMost("usd_per_million_regular_cron", dispatchUsd("cron") + CALLBACK_USD, "$", 0.3),
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
  const queueUrl = `${endpoint}/000000000000/almanac-bench-timers-fires`;
  return {
    AWS_ENDPOINT_URL: endpoint,
    // The warning is about Node 20; deployed functions run on a newer version.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
    AWS_REGION: "eu-central-1",
    AWS_ACCESS_KEY_ID: "bench",
    AWS_SECRET_ACCESS_KEY: "bench",
    POWERTOOLS_SERVICE_NAME: "timers",
    ALMANAC_APP: "almanac",
    ALMANAC_ENVIRONMENT: "bench",
    TIMERS_TABLE: "almanac-bench-timers",
    FIRES_QUEUE_URL: queueUrl,
    CALLBACKS: JSON.stringify({ default: { queueUrl, history: false } }),
    SHARDS: "1",
  };
}
