/** Benchmark: reading tables of two sizes, and its memory. */
import { fork, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { buildSync } from "esbuild";

import { BUNDLE_OPTIONS } from "../../../modules/constructs/bundling/options";
import {
  COUNTED_PATH,
  countedSchema,
  ITEM_SIZES,
  measuredSchema,
  stubReadySchema,
  type Counted,
  type ItemSize,
  type Measured,
  type Task,
} from "./exports/messages";
import { PRICES } from "../../shared/aws/prices";
import { figure, figureAtLeast, figureAtMost, median, type Figure } from "./figure";
import { stubEnvironment } from "./stub-environment";

const MEGABYTE = 1_048_576;

/** Table sizes in pages of one megabyte. */
const SMALL = 10;
const MEDIUM = 1_000;
const LARGE = 5_000;

/** Rates are medians of this many rounds. */
const ROUNDS = 3;

/** Memory of the function read-segment: modules/exports/index.ts. */
const LAMBDA_GB = 1_769 / 1_024;

/** Measured by the process, and counted by the stub. */
type Outcome = Measured & Counted;

/**
 * Exports one segment from DynamoDB to S3, both stubs in another process, and compares with the simple implementation on the same
 * pages. Megabytes are those of Scan responses. Rates are per core: by wall clock or by CPU time of all threads, whichever is longer.
 */
export async function benchExports(): Promise<readonly Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), "almanac-bench-"));
  bundleProcesses(directory);
  const stub = fork(join(directory, "stub.js"), { env: {}, stdio: ["ignore", "ignore", "inherit", "ipc"] });
  try {
    const { awsEndpoint } = stubReadySchema.parse(await message(stub));
    const run = (program: string, task: Task) => measured(directory, program, awsEndpoint, task);
    return await figuresOf(run);
  } finally {
    stub.kill();
    rmSync(directory, { recursive: true });
  }
}

async function figuresOf(run: (program: string, task: Task) => Promise<Outcome>): Promise<readonly Figure[]> {
  const outcomes: Outcome[] = [];
  const export_ = async (itemSize: ItemSize, pages: number, compressed: boolean): Promise<Outcome> => {
    const outcome = await run("worker", { itemSize, pages, compressed });
    outcomes.push(outcome);
    return outcome;
  };
  const figures: Figure[] = [];
  const [rates, gzipRates, ratios]: [number[], number[], number[]] = [[], [], []];
  const [streamedRatios, parquetShares]: [number[], number[]] = [[], []];
  const parquets: Outcome[] = [];
  let counted: Outcome | undefined;
  for (const itemSize of ITEM_SIZES) {
    const rounds: Record<"rate" | "gzip" | "plain" | "ratio" | "streamed" | "streamedRatio", number[]> = {
      rate: [],
      gzip: [],
      plain: [],
      ratio: [],
      streamed: [],
      streamedRatio: [],
    };
    const parquetRounds: Record<"rate" | "share", number[]> = { rate: [], share: [] };
    let shareOfGzip = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const plain = await run("plain", { itemSize, pages: 100, compressed: false });
      const same = await export_(itemSize, 100, false);
      const streamed = await run("streamed", { itemSize, pages: 100, compressed: false });
      rounds.streamed.push(rateOf(streamed));
      rounds.streamedRatio.push(rateOf(same) / rateOf(streamed));
      const long = await export_(itemSize, MEDIUM, false);
      const gzip = await export_(itemSize, MEDIUM, true);
      rounds.plain.push(rateOf(plain));
      rounds.ratio.push(rateOf(same) / rateOf(plain));
      rounds.rate.push(rateOf(long));
      rounds.gzip.push(rateOf(gzip));
      const parquet = await run("worker", { itemSize, pages: 300, compressed: true, format: "parquet" });
      parquets.push(parquet);
      parquetRounds.rate.push(rateOf(parquet));
      parquetRounds.share.push(rateOf(parquet) / rateOf(long));
      shareOfGzip = (gzip.stored / long.stored) * 100;
      counted ??= gzip;
    }
    rates.push(median(rounds.rate));
    gzipRates.push(median(rounds.gzip));
    ratios.push(median(rounds.ratio));
    streamedRatios.push(median(rounds.streamedRatio));
    parquetShares.push(median(parquetRounds.share));
    figures.push(
      figure(`mb_per_s_${itemSize}`, median(rounds.rate), "MB/s"),
      figure(`gzip_mb_per_s_${itemSize}`, median(rounds.gzip), "MB/s"),
      figure(`gzip_share_${itemSize}`, shareOfGzip, "%"),
      figure(`plain_mb_per_s_${itemSize}`, median(rounds.plain), "MB/s"),
      figure(`streamed_mb_per_s_${itemSize}`, median(rounds.streamed), "MB/s"),
      figure(`parquet_mb_per_s_${itemSize}`, median(parquetRounds.rate), "MB/s"),
    );
  }
  await export_("300b", SMALL, true);
  const large = [await export_("300b", LARGE, false), await export_("4kb", LARGE, true)];
  return [
    figureAtLeast("mb_per_s", Math.min(...rates), "MB/s", 60),
    figureAtLeast("gzip_mb_per_s", Math.min(...gzipRates), "MB/s", 45),
    figureAtLeast("ratio", Math.min(...ratios), "times", 2.5),
    figureAtLeast("streamed_ratio", Math.min(...streamedRatios), "times", 7),
    figureAtLeast("parquet_share", Math.min(...parquetShares), "of mb_per_s", 1 / 3),
    figure("parquet_rss_mb", residentMegabytes(parquets), "MB"),
    figureAtMost("rss_mb", residentMegabytes(outcomes), "MB", 256),
    figure("rss_mb_10mb", residentMegabytes(outcomes.filter(({ pages }) => pages === SMALL)), "MB"),
    figure("rss_mb_1gb", residentMegabytes(outcomes.filter(({ pages }) => pages === MEDIUM)), "MB"),
    figure("rss_mb_5gb", residentMegabytes(large), "MB"),
    ...(await plainMemory(run)),
    ...figures,
    ...(counted === undefined ? [] : costs(counted)),
  ];
}

/** Memory of the simple implementation, with doubling table sizes until it runs out of memory. */
async function plainMemory(run: (program: string, task: Task) => Promise<Outcome>): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (let pages = SMALL; ; pages *= pages === SMALL ? 10 : 2) {
    try {
      const outcome = await run("plain", { itemSize: "300b", pages, compressed: false });
      figures.push(figure(`plain_rss_mb_${pages}mb`, residentMegabytes([outcome]), "MB"));
    } catch {
      return [...figures, figure("plain_out_of_memory_at_mb", pages, "MB")];
    }
  }
}

/** Costs of one gigabyte by the requests that the stub counted, and of DynamoDB's own export. */
function costs({ pages, puts, seconds, cpuSeconds }: Outcome): readonly Figure[] {
  const { dynamodb, s3, lambda } = PRICES;
  const gigabytes = pages / 1_024;
  // A page has 256 units of 4 KB; eventually consistent reads consume half a unit each.
  const read = pages * 128 * dynamodb.readRequestUnit;
  const compute = Math.max(seconds, cpuSeconds) * LAMBDA_GB * lambda.gbSecond;
  return [
    figure("usd_per_gb", (read + puts * s3.write + compute) / gigabytes, "$"),
    figure("native_export_usd_per_gb", dynamodb.exportedGb, "$"),
    figure("native_export_recovery_usd_per_gb_month", dynamodb.pointInTimeRecoveryGbMonth, "$"),
  ];
}

function rateOf({ scanned, seconds, cpuSeconds }: Outcome): number {
  return scanned / 1e6 / Math.max(seconds, cpuSeconds);
}

function residentMegabytes(outcomes: readonly Outcome[]): number {
  return Math.max(...outcomes.map(({ peakResidentBytes }) => peakResidentBytes)) / MEGABYTE;
}

async function measured(directory: string, program: string, awsEndpoint: string, task: Task): Promise<Outcome> {
  const counted = async (): Promise<Counted> =>
    countedSchema.parse(await (await fetch(`${awsEndpoint}${COUNTED_PATH}`)).json());
  await counted();
  const child = fork(join(directory, `${program}.js`), {
    env: {
      BENCH: JSON.stringify(task),
      ...stubEnvironment("exports", awsEndpoint),
    },
    // A process that runs out of memory prints a long trace.
    stdio: ["ignore", "ignore", program === "plain" ? "ignore" : "inherit", "ipc"],
  });
  try {
    const outcome = { ...measuredSchema.parse(await message(child)), ...(await counted()) };
    const { pages, items, exported } = outcome;
    if (pages !== task.pages) throw new Error(`${program} read ${pages} of ${task.pages} pages`);
    if (exported !== items) throw new Error(`${program} exported ${exported} of ${items} items`);
    return outcome;
  } finally {
    child.kill();
  }
}

function bundleProcesses(directory: string): void {
  buildSync({
    ...BUNDLE_OPTIONS,
    absWorkingDir: join(__dirname, "../../.."),
    sourcemap: false,
    entryPoints: ["stub", "worker", "plain", "streamed"].map((name) => join(__dirname, "exports", `${name}.ts`)),
    outdir: directory,
  });
}

/** The first message of a child process. Rejects if it exits first. */
function message(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once("message", resolve);
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      reject(new Error(`${child.spawnargs[1] ?? "a process"} ended early: ${signal ?? `code ${code ?? "?"}`}`));
    });
  });
}
