/** The state machine's definition with the real handlers and clients, against a fake AWS server. */
import { createHash } from "node:crypto";
import * as z from "zod";

import { handler as claimRun } from "../../functions/exports/claim-run";
import {
  exportSchema,
  manifestSchema,
  runRequestSchema,
  type Configuration,
  type ExportSchedule,
  type Manifest,
  type NewRunRequest,
} from "../../functions/exports/contract";
import { handler as finishRun } from "../../functions/exports/finish-run";
import { handler as nativeExport } from "../../functions/exports/native-export";
import { handler as readSegment } from "../../functions/exports/read-segment";
import { handler as reconcile } from "../../functions/exports/reconcile";
import { handler as recordFailure } from "../../functions/exports/record-failure";
import { systemClock, type Clock } from "../../functions/shared/clock";
import type { Json } from "../../modules/asl/values";
import { exportMachine } from "../../modules/exports/definition";
import { PRESETS } from "../../modules/exports/schema";
import type { Item } from "./dynamodb-expressions";
import { FakeAws } from "./fake-aws";
import { lambdaContext, setupHandler } from "./lambda";
import { runMachine, type Ended, type Run as Execution } from "./states-interpreter";

export const STATE = "almanac-test-exports";
export const BUCKET = "files";
export const DAY = "2026-11-21";
/** Of the day's run. */
export const FOLDER = `orders/dt=${DAY}/`;

/** Of the machine below. */
export const DEPLOYMENT = "000000000000/eu-central-1/exports";
const MACHINE = "arn:aws:states:eu-central-1:000000000000:stateMachine:exports";
const machine = exportMachine({
  self: MACHINE,
  claimRun: "claimRun",
  readSegment: "readSegment",
  nativeExport: "nativeExport",
  finishRun: "finishRun",
  recordFailure: "recordFailure",
});
export const functions = { claimRun, readSegment, nativeExport, finishRun, recordFailure } as const;

export const aws = new FakeAws(STATE);
let skippedMs = 0;

/** Puts the functions' monotonic clock ahead, to simulate slow pages. */
export function skip(milliseconds: number): void {
  skippedMs += milliseconds;
}

let invoked: string[] = [];

/** Waits are shortened to a thousandth, timeouts to a hundredth. */
const fastClock: Clock = {
  ...systemClock,
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds / (milliseconds < 900_000 ? 1_000 : 100)).unref();
    return () => {
      clearTimeout(timer);
    };
  },
};

/** What a test has begun, which must not reach into the next one. */
const started: Execution[] = [];
const invocations = new Set<Promise<unknown>>();
const releases: (() => void)[] = [];

let output: ReturnType<typeof setupHandler>;

/** Registers the hooks of a suite. By default there is a table `orders` of six pages, and an export of it in two segments. */
export function setupExports(): void {
  beforeAll(() => aws.listen());
  afterAll(() => {
    aws.close();
  });
  output = setupHandler("exports", {
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    STATE_TABLE: STATE,
    TABLE_NAMES: "-",
    BUCKET_NAMES: BUCKET,
    CONFIGURATION_BUCKET: "configuration",
    EXPORTS_BUCKET: BUCKET,
    EXECUTION_ARN_PREFIX: "arn:execution",
  });
  beforeEach(() => {
    process.env["AWS_ENDPOINT_URL"] = aws.endpoint;
    const now = performance.now.bind(performance);
    jest.spyOn(performance, "now").mockImplementation(() => now() + skippedMs);
    [skippedMs, invoked] = [0, []];
    events.length = 0;
    resetExports();
  });
  afterEach(async () => {
    for (const release of releases.splice(0)) release();
    for (const execution of started) execution.abort("ended", "with its test");
    await settled();
  });
}

/** Waits until every execution has ended, and every invocation, which may outlive its execution. */
export async function settled(): Promise<void> {
  // An array's iterator sees what is added meanwhile.
  for (const execution of started) await execution.ended;
  started.length = 0;
  while (invocations.size > 0) await Promise.allSettled(invocations);
}

export function resetExports(): void {
  aws.reset();
  aws.buckets.add(BUCKET).add("configuration");
  configure({ name: "orders", table: "orders", segments: 2, compression: "none" });
  aws.tables.set("orders", pages(6));
}

/** @param others with the same schedule, before it */
export function configure(
  table: z.input<typeof exportSchema>,
  schedule?: ExportSchedule,
  others: readonly z.input<typeof exportSchema>[] = [],
): void {
  const jobs = exportSchema.parse({ ...PRESETS["user-logs"], table: "named-by-each-job" });
  const configuration: Configuration = {
    tables: [...others, table].map((each) => ({ ...exportSchema.parse(each), schedule })),
    jobs,
  };
  aws.objects.set("configuration/exports.json", Buffer.from(JSON.stringify(configuration)));
}

/** Pages of five items each. */
export function pages(count: number): readonly (readonly Item[])[] {
  return Array.from({ length: count }, (_, page) =>
    Array.from({ length: 5 }, (__, item): Item => ({ id: { S: `${page}-${item}` }, n: { N: "12345678901234567890" } })),
  );
}

export const idsOf = (all: readonly (readonly Item[])[]) => all.flat().map(({ id }) => id?.S);

const jsonOf = (value: unknown) => JSON.parse(JSON.stringify(value)) as Json;

let executions = 0;

const invocationSchema = z.object({
  FunctionName: z.custom<keyof typeof functions>((name) => typeof name === "string" && name in functions),
  Payload: z.unknown(),
});

const startSchema = z.object({ Name: z.string(), Input: runRequestSchema });

const eventsSchema = z.object({ Entries: z.array(z.object({ DetailType: z.string(), Detail: z.json() })) });

/** Events on the bus, of all runs of a test. */
export const events: z.output<typeof eventsSchema>["Entries"] = [];

/** Executions that others have started, the latest last. */
export const continued: Execution[] = [];

export function start(
  input: Partial<NewRunRequest> = {},
  { name = String(++executions), clock = fastClock }: { readonly name?: string; readonly clock?: Clock } = {},
): Execution {
  const arn = `arn:aws:states:eu-central-1:000000000000:execution:exports:${name}`;
  const request = runRequestSchema.parse({ export: "orders", ...("due" in input ? {} : { day: DAY }), ...input });
  const execution = runMachine(machine, jsonOf(request), {
    clock,
    name,
    arn,
    machineArn: MACHINE,
    services: {
      "lambda:invoke": async (parameters) => {
        const { FunctionName, Payload } = invocationSchema.parse(parameters);
        invoked.push(FunctionName);
        const invocation: Promise<unknown> = functions[FunctionName](Payload, lambdaContext(900_000));
        invocations.add(invocation);
        try {
          return { Payload: jsonOf((await invocation) ?? null) };
        } finally {
          invocations.delete(invocation);
        }
      },
      "events:putEvents": (parameters) => {
        events.push(...eventsSchema.parse(parameters).Entries);
        return Promise.resolve({ FailedEntryCount: 0 });
      },
      "states:startExecution": (parameters) => {
        const { Name, Input } = startSchema.parse(parameters);
        continued.push(start(Input, { name: Name, clock }));
        return Promise.resolve({ ExecutionArn: `${arn.slice(0, arn.lastIndexOf(":"))}:${Name}` });
      },
    },
  });
  started.push(execution);
  aws.executions.set(arn, () => execution.status());
  return execution;
}

/** Starts a run that waits in a request until it is released. @param isHeld of the requests that have arrived */
export function startHeld(isHeld: (arrived: number) => boolean) {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  releases.push(release);
  const reached = new Promise<void>((resolve) => {
    aws.stall = (arrived) => {
      if (!isHeld(arrived)) return undefined;
      resolve();
      return released;
    };
  });
  return { execution: start(), reached, release };
}

/** What EventBridge does at the end of an execution, or regularly. */
export const reconciled = (executionArn?: string): Promise<void> =>
  reconcile(executionArn === undefined ? {} : { detail: { executionArn } }, lambdaContext(60_000));

/** Runs an execution, and those that continue it, and returns how the last one ended. */
export async function run(input?: Parameters<typeof start>[0]): Promise<Ended> {
  continued.length = 0;
  let ended = await start(input).ended;
  // An array's iterator sees what is added meanwhile.
  for (const next of continued) ended = await next.ended;
  return ended;
}
export const succeeded = (outcome: string) => ({
  status: "SUCCEEDED",
  output: expect.objectContaining({ outcome }) as unknown,
});
export const keys = (prefix = "") =>
  [...aws.objects.keys()].filter((key) => key.startsWith(`${BUCKET}/${prefix}`)).sort();
export const timesInvoked = (name: keyof typeof functions) => invoked.filter((each) => each === name).length;

export function manifest(folder = FOLDER): Manifest {
  return manifestSchema.parse(JSON.parse((aws.objects.get(`${BUCKET}/${folder}_manifest.json`) ?? "").toString()));
}

/** Ids in the files, by default those of the manifest in its order. */
export function exportedIds(
  files = manifest().files.map(({ key }) => `${BUCKET}/${key}`),
): readonly (string | undefined)[] {
  return files.flatMap((key) =>
    [...(aws.objects.get(key) ?? "").toString().matchAll(/"id":"([^"]+)"/g)].map(([, id]) => id),
  );
}

/** What readers by manifest, by Athena and by folder see: the same whole run. */
export function expectPublished(items = idsOf(pages(6))): void {
  const { files } = manifest(FOLDER);
  for (const { key, sha256 } of files)
    expect(sha256).toBe(
      createHash("sha256")
        .update(aws.objects.get(`${BUCKET}/${key}`) ?? "")
        .digest("hex"),
    );
  expect([...exportedIds()].sort()).toEqual([...items].sort());
  const ofFolder = keys(FOLDER).filter((key) => !/\/_(manifest\.json|SUCCESS)$/.test(key));
  expect(ofFolder).toEqual(files.map(({ key }) => `${BUCKET}/${key}`).sort());
  expect(keys(`${FOLDER}_SUCCESS`)).toHaveLength(1);
  const listed = aws.objects
    .get(`${BUCKET}/_exports/${DEPLOYMENT}/orders/athena/dt=${DAY}/files.txt`)
    ?.toString()
    .trimEnd();
  expect(listed?.split("\n")).toEqual(files.map(({ key }) => `s3://${BUCKET}/${key}`));
}

/** Every read of a page: `<segment>/<number>`. */
export function pagesRead(): readonly string[] {
  return aws.requests
    .filter(({ action }) => action === "Scan")
    .map(({ body }) => {
      const { Segment = 0, ExclusiveStartKey } = body as { Segment?: number; ExclusiveStartKey?: Item };
      return `${Segment}/${Number(ExclusiveStartKey?.["page"]?.N ?? -1) + 1}`;
    });
}

/** The records of all runs. */
export function records(): readonly Readonly<Record<string, string | undefined>>[] {
  return [...aws.rows]
    .filter(([key]) => key.includes("|run#"))
    .map(([, { status, error, cause }]) => ({ status: status?.S, error: error?.S, cause: cause?.S }));
}

export const metric = (name: string): number => output.lines().reduce((sum, line) => sum + Number(line[name] ?? 0), 0);

/** Values of a metric of one export. */
export const metricsBy = (name: string, exportName: string): readonly number[] =>
  output.lines().flatMap((line) => (line["export"] === exportName && name in line ? [Number(line[name])] : []));

/** The lines that functions have logged. */
export const logged = () => output.lines();
