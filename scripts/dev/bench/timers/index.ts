/** Benchmarks of timers, in order. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeOptions } from "../../../../modules/constructs/resources/node-function";
import { DISPATCH_SEMI_SPACE_MB } from "../../../../modules/timers";
import { createAuthority } from "../../../../test/support/certificates";
import { PRICES } from "../../../shared/aws/prices";
import { withProcesses } from "../child-processes";
import { figure, figureAtLeast, figureAtMost, median, type Figure } from "../figure";
import { stubEnvironment } from "../stub-environment";
import { measuredSchema, RUNS_VARIABLE, STUB_READY, type Run, type Runs } from "./messages";

const MEGABYTE = 1_048_576;
const MILLION = 1_000_000;

/** Cost of delivering a million fires: a receive and a delete per ten, and a strongly consistent read (the fence) per fire. */
const CALLBACK_USD = MILLION * (0.2 * PRICES.sqs.request + PRICES.dynamodb.readRequestUnit);

/** The dispatcher, the bare sender and the baseline take turns, so that a busy machine is busy for all of them. */
const ROUNDS = 3;

const ROUND: Runs = [
  ["periodic", 200_000],
  ["oneshot", 200_000],
  ["cron", 200_000],
  ["irregular", 20_000],
];
/** Of one process: its memory grows. */
const MEMORY: Runs = [["oneshot", 10_000], ...ROUND, ["oneshot", 1_000_000]];
const TLS: Runs = ROUND.slice(0, 2);

interface Round {
  readonly dispatcher: readonly Run[];
  readonly wire: readonly Run[];
  readonly baseline: readonly Run[];
}

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
      const run = async (name: "baseline" | "wire" | "api") =>
        measuredSchema.parse(
          await start(name, { environment: environmentAt(endpoint), ...(name === "wire" && DISPATCHER) }),
        ).runs;
      const dispatch = async (runs: Runs, environment = environmentAt(endpoint)) =>
        measuredSchema.parse(
          await start("almanac", {
            environment: { ...environment, [RUNS_VARIABLE]: JSON.stringify(runs) },
            ...DISPATCHER,
          }),
        ).runs;
      const rounds: Round[] = [];
      for (let round = 0; round < ROUNDS; round++)
        rounds.push({ wire: await run("wire"), dispatcher: await dispatch(ROUND), baseline: await run("baseline") });
      const tlsEnvironment = { ...environmentAt(tls.endpoint), NODE_EXTRA_CA_CERTS: authorityFile };
      return [
        ...figuresOf(rounds),
        ...memoryFigures(await dispatch(MEMORY)),
        ...putFigures(await run("api")),
        figure("tls_fires_per_s", rateOf((await dispatch(TLS, tlsEnvironment)).slice(0, -1)), "1/s"),
      ];
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** As it is deployed. Its limit, the bare sender, has the same. */
const DISPATCHER = { execArgv: nodeOptions(DISPATCH_SEMI_SPACE_MB).split(" ") };

const rateOf = (runs: readonly Run[]) => median(runs.map(({ timers, seconds }) => timers / seconds));
const cpuRateOf = (runs: readonly Run[]) => median(runs.map(({ timers, cpuSeconds }) => timers / cpuSeconds));

function checkMessages(runs: readonly Run[]): void {
  for (const { timers, counts } of runs)
    if (counts.messages !== timers) throw new Error(`${counts.messages} of ${timers} timers were enqueued`);
}

/** Ratios and shares are medians of the rounds. */
function figuresOf(rounds: readonly Round[]): readonly Figure[] {
  const compare = (share: (round: Round) => number) => median(rounds.map(share));
  const runs = rounds.flatMap(({ dispatcher }) => dispatcher.slice(0, -1));
  const puts = rounds[0]?.dispatcher.at(-1);
  if (puts === undefined) throw new Error("no measurements");
  checkMessages([...runs, ...rounds.flatMap(({ wire, baseline }) => [...wire, ...baseline])]);

  const large = ({ dispatcher }: Round) =>
    dispatcher.slice(0, -1).filter(({ kind }) => kind === "periodic" || kind === "oneshot");
  const ofKind = ({ dispatcher }: Round, kind: Run["kind"]) =>
    dispatcher.slice(0, -1).filter((run) => run.kind === kind);
  const shareOfWheel = (kind: Run["kind"]) =>
    compare((round) => rateOf(ofKind(round, kind)) / rateOf(ofKind(round, "periodic")));
  const dispatchUsd = (kind: Run["kind"]) =>
    median(rounds.flatMap((round) => ofKind(round, kind)).map((run) => (usd(run) / run.timers) * MILLION));
  return [
    figureAtLeast("fires_per_s", rateOf(rounds.flatMap(large)), "1/s", 20_000),
    figure("fires_per_cpu_s", cpuRateOf(rounds.flatMap(large)), "1/s"),
    figure("baseline_fires_per_s", rateOf(rounds.flatMap(({ baseline }) => baseline)), "1/s"),
    figureAtLeast(
      "ratio",
      compare((round) => rateOf(large(round)) / rateOf(round.baseline)),
      "",
      30,
    ),
    figure("wire_fires_per_s", rateOf(rounds.flatMap(({ wire }) => wire)), "1/s"),
    figureAtLeast(
      "wire_share",
      compare((round) => rateOf(large(round)) / rateOf(round.wire)),
      "",
      0.8,
    ),
    figure(
      "wire_cpu_share",
      compare((round) => cpuRateOf(large(round)) / cpuRateOf(round.wire)),
      "",
    ),
    figureAtMost("usd_per_million_periodic", dispatchUsd("periodic") + CALLBACK_USD, "$", 0.3),
    figureAtLeast("regular_cron_share", shareOfWheel("cron"), "", 0.9),
    figureAtLeast("irregular_share", shareOfWheel("irregular"), "", 0.15),
    figureAtMost("usd_per_million_regular_cron", dispatchUsd("cron") + CALLBACK_USD, "$", 0.3),
    figureAtMost(
      "usd_per_million_oneshot",
      dispatchUsd("oneshot") + (usd(puts) / puts.timers) * MILLION + CALLBACK_USD,
      "$",
      1.6,
    ),
  ];
}

function memoryFigures(all: readonly Run[]): readonly Figure[] {
  const runs = all.slice(0, -1);
  checkMessages(runs);
  const [smallest, largest] = [runs[0], runs.at(-1)];
  if (smallest === undefined || largest === undefined) throw new Error("no measurements");
  const others = runs.slice(1, -1);
  return [
    figureAtMost("requests_per_fire", largest.counts.requests / largest.timers, "", 0.101),
    figure("rss_10k_mb", smallest.residentBytes / MEGABYTE, "MB"),
    figure("rss_200k_mb", Math.max(...others.map(({ residentBytes }) => residentBytes)) / MEGABYTE, "MB"),
    figureAtMost("rss_mb", largest.residentBytes / MEGABYTE, "MB", 192),
  ];
}

/** By CPU time: a core's. @param runs of the handler and of the one with the SDK, in turn */
function putFigures(runs: readonly Run[]): readonly Figure[] {
  const rates = runs.map(({ timers, cpuSeconds }) => timers / cpuSeconds);
  const own = rates.filter((_, index) => index % 2 === 0);
  const sdk = rates.filter((_, index) => index % 2 === 1);
  return [
    figure("puts_per_s", median(own), "1/s"),
    figure("sdk_puts_per_s", median(sdk), "1/s"),
    figureAtLeast("puts_ratio", median(own.map((rate, round) => rate / (sdk[round] ?? NaN))), "", 3),
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
