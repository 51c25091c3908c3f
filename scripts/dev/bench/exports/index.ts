/** Benchmark: an export of one segment, beside other ways, and its memory. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createAuthority } from "../../../../test/support/certificates";
import { PRICES } from "../../../shared/aws/prices";
import { progressOn } from "../../../shared/terminal/progress";
import { withProcesses } from "../child-processes";
import { figure, figureAtLeast, figureAtMost, median, type Figure } from "../figure";
import { stubEnvironment } from "../stub-environment";
import {
  COUNTED_PATH,
  countedSchema,
  ITEM_SIZES,
  measuredSchema,
  stubReadySchema,
  TLS_VARIABLES,
  type Counted,
  type ItemSize,
  type Measured,
  type Task,
} from "./messages";

const MEGABYTE = 1_048_576;

/** Rates are medians of this many rounds, in each of which all ways take turns. */
const ROUNDS = 3;

/** Each way's pages of a megabyte: a few seconds of work. */
const PAGES = {
  worker: 300,
  tls: 150,
  gzip: 300,
  parquet: 150,
  streamed: 50,
  simple: 50,
  parse: 150,
  zlib: 300,
} as const;
type Way = keyof typeof PAGES;

/** Gigabytes of the table whose export's memory is measured. */
const GIGABYTES = Number(process.env["EXPORTS_GB"] ?? 1);

/** Memory of the function read-segment: modules/exports/index.ts. */
const LAMBDA_GB = 1_769 / 1_024;

const PROGRAMS = ["worker", "streamed", "simple", "parse", "zlib"] as const;
type Program = (typeof PROGRAMS)[number];

/** Measured by the process, and counted by the stub. */
type Outcome = Measured & Counted;

type Run = (program: Program, task: Task, options?: { readonly isSecure?: boolean }) => Promise<Outcome>;

/**
 * Exports one segment from DynamoDB to S3, both stubs in another process, and compares with others on the same pages. Megabytes are those of
 * Scan responses. Rates are per core: by wall clock or by CPU time of all threads, whichever is longer; what is
 * compared is CPU time.
 */
export async function benchExports(): Promise<readonly Figure[]> {
  const authority = await createAuthority("almanac bench");
  const { cert, key } = await authority.issue({ hosts: ["127.0.0.1"], daysLeft: 1 });
  const folder = mkdtempSync(join(tmpdir(), "almanac-bench-"));
  const authorityFile = join(folder, "authority.pem");
  writeFileSync(authorityFile, authority.cert);
  const progress = progressOn(process.stderr, Date.now);
  const runs = ITEM_SIZES.length * (ROUNDS * (Object.keys(PAGES).length - 1) + 1) + 2;
  let ended = 0;
  try {
    return await withProcesses(__dirname, ["stub", ...PROGRAMS], async (start) => {
      const tls = { [TLS_VARIABLES.certificate]: cert, [TLS_VARIABLES.key]: key };
      const { awsEndpoint, tlsEndpoint } = stubReadySchema.parse(await start("stub", { environment: tls }));
      const counted = async (): Promise<Counted> =>
        countedSchema.parse(await (await fetch(`${awsEndpoint}${COUNTED_PATH}`)).json());
      const run: Run = async (program, task, { isSecure = false } = {}) => {
        progress.show(ended++ / runs, `${program}, ${task.pages} MB of items of ${task.itemSize}`);
        await counted();
        const environment = {
          BENCH: JSON.stringify(task),
          ...stubEnvironment("exports", isSecure ? tlsEndpoint : awsEndpoint),
          ...(isSecure && { NODE_EXTRA_CA_CERTS: authorityFile }),
        };
        const measured = measuredSchema.parse(await start(program, { environment, isQuiet: program === "simple" }));
        const stub = await counted();
        const outcome = { ...stub, ...measured, scanned: measured.scanned ?? stub.scanned };
        if (measured.scanned === undefined) assertWhole(program, task, outcome);
        return outcome;
      };
      return await figuresOf(run);
    });
  } finally {
    progress.end();
    rmSync(folder, { recursive: true });
  }
}

function assertWhole(program: Program, task: Task, { pages, items, exported }: Outcome): void {
  if (pages !== task.pages) throw new Error(`${program} read ${pages} of ${task.pages} pages`);
  if (exported !== items) throw new Error(`${program} exported ${exported} of ${items} items`);
}

type Outcomes = Readonly<Record<Way, readonly Outcome[]>>;

async function roundsOf(itemSize: ItemSize, run: Run): Promise<Outcomes> {
  const task = (way: Way, compressed = false): Task => ({ itemSize, pages: PAGES[way], compressed });
  const outcomes: Record<Way, Outcome[]> = {
    ...{ worker: [], tls: [], gzip: [], parquet: [] },
    ...{ streamed: [], simple: [], parse: [], zlib: [] },
  };
  outcomes.simple.push(await run("simple", task("simple")));
  for (let round = 0; round < ROUNDS; round++) {
    outcomes.streamed.push(await run("streamed", task("streamed")));
    outcomes.worker.push(await run("worker", task("worker")));
    outcomes.parse.push(await run("parse", task("parse")));
    outcomes.gzip.push(await run("worker", task("gzip", true)));
    outcomes.zlib.push(await run("zlib", task("zlib")));
    outcomes.parquet.push(await run("worker", { ...task("parquet", true), format: "parquet" }));
    outcomes.tls.push(await run("worker", task("tls"), { isSecure: true }));
  }
  return outcomes;
}

async function figuresOf(run: Run): Promise<readonly Figure[]> {
  const bySize = new Map<ItemSize, Outcomes>();
  for (const itemSize of ITEM_SIZES) bySize.set(itemSize, await roundsOf(itemSize, run));
  const of = (rate: (outcomes: Outcomes) => number): number => Math.min(...[...bySize.values()].map(rate));
  const rate = (way: Way): number => of((outcomes) => median(outcomes[way].map(rateOf)));
  /** Round by round, because a machine is faster at one time than at another. */
  const share = (way: Way, other: Way): number =>
    of((outcomes) =>
      median(outcomes[way].map((outcome, round) => cpuRateOf(outcome) / cpuRateOf(at(outcomes[other], round)))),
    );
  const small = await run("worker", { itemSize: "300b", pages: 10, compressed: true });
  const large = await run("worker", { itemSize: "300b", pages: Math.round(GIGABYTES * 1_000), compressed: true });
  const resident = (...ways: readonly Way[]): number =>
    residentMegabytes([...bySize.values()].flatMap((outcomes) => ways.flatMap((way) => outcomes[way])));
  const [first] = bySize.get("300b")?.gzip ?? [];
  return [
    figureAtLeast("ratio", share("worker", "streamed"), "times", 7),
    figureAtLeast("simple_ratio", share("worker", "simple"), "times", 2.5),
    figureAtLeast("parse_share", share("worker", "parse"), "of JSON.parse", 1),
    figureAtLeast("gzip_share", share("gzip", "zlib"), "of zlib", 0.9),
    figureAtLeast("mb_per_s", rate("worker"), "MB/s", 60),
    figureAtLeast("gzip_mb_per_s", rate("gzip"), "MB/s", 45),
    figure("tls_mb_per_s", rate("tls"), "MB/s"),
    figure("parquet_mb_per_s", rate("parquet"), "MB/s"),
    figureAtLeast("parquet_share", share("parquet", "worker"), "of mb_per_s", 1 / 3),
    figureAtMost(
      "rss_mb",
      Math.max(resident("worker", "tls", "gzip", "parquet"), residentMegabytes([large])),
      "MB",
      160,
    ),
    figure("rss_mb_10mb", residentMegabytes([small]), "MB"),
    figure(`rss_mb_${GIGABYTES}gb`, residentMegabytes([large]), "MB"),
    figure("parquet_rss_mb", resident("parquet"), "MB"),
    ...(GIGABYTES >= 5 ? await simpleMemory(run) : []),
    ...[...bySize].flatMap(([itemSize, outcomes]) => figuresOfSize(itemSize, outcomes)),
    ...(first === undefined ? [] : costs(first)),
  ];
}

function figuresOfSize(itemSize: ItemSize, outcomes: Outcomes): readonly Figure[] {
  const rate = (way: Way): number => median(outcomes[way].map(rateOf));
  const [worker, gzip] = [at(outcomes.worker, 0), at(outcomes.gzip, 0)];
  const tableShare = worker.tableBytes / worker.scanned;
  return [
    figure(`mb_per_s_${itemSize}`, rate("worker"), "MB/s"),
    figure(`table_mb_per_s_${itemSize}`, rate("worker") * tableShare, "MB/s by DynamoDB's size"),
    figure(`scan_bytes_${itemSize}`, 1 / tableShare, "times DynamoDB's size"),
    figure(`gzip_mb_per_s_${itemSize}`, rate("gzip"), "MB/s"),
    figure(`gzip_size_${itemSize}`, (gzip.stored / gzip.scanned / (worker.stored / worker.scanned)) * 100, "%"),
    figure(`tls_mb_per_s_${itemSize}`, rate("tls"), "MB/s"),
    figure(`parquet_mb_per_s_${itemSize}`, rate("parquet"), "MB/s"),
    figure(`streamed_mb_per_s_${itemSize}`, rate("streamed"), "MB/s"),
    figure(`simple_mb_per_s_${itemSize}`, rate("simple"), "MB/s"),
    figure(`parse_mb_per_s_${itemSize}`, rate("parse"), "MB/s"),
    figure(`zlib_mb_per_s_${itemSize}`, rate("zlib"), "MB/s"),
  ];
}

/** The simple way has one round. */
function at(outcomes: readonly Outcome[], round: number): Outcome {
  const outcome = outcomes[round] ?? outcomes[0];
  if (outcome === undefined) throw new RangeError("nothing was measured");
  return outcome;
}

/** Memory of the simple implementation, with doubling table sizes until it runs out of memory. */
async function simpleMemory(run: Run): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (let pages = 100; ; pages *= 2) {
    try {
      const outcome = await run("simple", { itemSize: "300b", pages, compressed: false });
      figures.push(figure(`simple_rss_mb_${pages}mb`, residentMegabytes([outcome]), "MB"));
    } catch {
      return [...figures, figure("simple_out_of_memory_at_mb", pages, "MB")];
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

/** For comparisons: a busy machine does not change it. */
function cpuRateOf({ scanned, cpuSeconds }: Outcome): number {
  return scanned / 1e6 / cpuSeconds;
}

function residentMegabytes(outcomes: readonly Outcome[]): number {
  return Math.max(...outcomes.map(({ peakResidentBytes }) => peakResidentBytes)) / MEGABYTE;
}
