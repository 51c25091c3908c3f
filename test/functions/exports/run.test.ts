/** Runs as the state machine drives them: its own definition, the real handlers and clients, and AWS behind a socket. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { gunzipSync, gzipSync } from "node:zlib";

import { handler as claim } from "../../../functions/exports/claim-run";
import { createDynamoDB } from "../../../functions/shared/aws/clients/dynamodb";
import { handler as native } from "../../../functions/exports/export-natively";
import { handler as fail } from "../../../functions/exports/fail-run";
import { handler as finish } from "../../../functions/exports/finish-run";
import { handler as read } from "../../../functions/exports/read-segment";
import { exportSchema, manifestSchema, runSchema, type Job, type Manifest } from "../../../functions/exports/contract";
import { stateTable } from "../../../functions/exports/storage/state-table";
import { systemClock, type Clock } from "../../../functions/shared/clock";
import type { Json } from "../../../modules/asl/fields";
import { exportMachine } from "../../../modules/exports/definition";
import { PRESETS } from "../../../modules/exports/schema";
import { restore } from "../../../scripts/features/exports/restore";
import type { Item } from "../../support/dynamodb-expressions";
import { accessDenied, FakeAws, type Asked } from "../../support/fake-aws";
import { lambdaContext, setupHandler } from "../../support/lambda";
import { runMachine, type Ended, type Run as Execution } from "../../support/states-interpreter";

const STATE = "almanac-test-exports";
const BUCKET = "files";
const DAY = "2026-11-21";

const machine = exportMachine({ claim: "claim", read: "read", native: "native", finish: "finish", fail: "fail" });
const functions = { claim, read, native, finish, fail } as const;

const aws = new FakeAws(STATE);
/** Milliseconds by which the functions' clock is ahead: what a slow page takes. */
let skipped = 0;
let invoked: string[] = [];

/** Waits take a thousandth of their time; what runs meanwhile is real, and keeps within a hundredth of its limits. */
const hasty: Clock = {
  ...systemClock,
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds / (milliseconds < 900_000 ? 1_000 : 100)).unref();
    return () => {
      clearTimeout(timer);
    };
  },
};

jest.setTimeout(30_000); // on a busy machine

beforeAll(() => aws.listen());
afterAll(() => {
  aws.close();
});
const output = setupHandler("exports", {
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
  STATE_TABLE: STATE,
  TABLES: "-",
  BUCKETS: BUCKET,
  CONFIGURATION_BUCKET: "configuration",
  EXPORTS_BUCKET: BUCKET,
  EXECUTIONS: "arn:execution",
});
beforeEach(() => {
  process.env["AWS_ENDPOINT_URL"] = aws.endpoint;
  const now = performance.now.bind(performance);
  jest.spyOn(performance, "now").mockImplementation(() => now() + skipped);
  [skipped, invoked] = [0, []];
  aws.reset();
  aws.buckets.add(BUCKET).add("configuration");
  configure({ name: "orders", table: "orders", segments: 2, compression: "none" });
  aws.tables.set("orders", pages(6));
});

function configure(table: Parameters<typeof exportSchema.parse>[0]): void {
  const jobs = exportSchema.parse({ ...PRESETS["user-logs"], table: "each-jobs-own" });
  aws.objects.set(
    "configuration/exports.json",
    Buffer.from(JSON.stringify({ tables: [exportSchema.parse(table)], jobs })),
  );
}

/** Pages of five items each. */
function pages(count: number): readonly (readonly Item[])[] {
  return Array.from({ length: count }, (_, page) =>
    Array.from({ length: 5 }, (__, item): Item => ({ id: { S: `${page}-${item}` }, n: { N: "12345678901234567890" } })),
  );
}

const idsOf = (all: readonly (readonly Item[])[]) => all.flat().map(({ id }) => id?.S);

/** As it is when it has gone over the wire. */
const jsonOf = (value: unknown) => JSON.parse(JSON.stringify(value)) as Json;

let executions = 0;

function start(
  input: { readonly export?: string; readonly day?: string; readonly force?: boolean; readonly job?: Job } = {},
): Execution {
  const arn = `arn:execution:${++executions}`;
  const request = { export: "orders", day: DAY, force: false, ...input };
  const execution = runMachine(machine, jsonOf(request), {
    clock: hasty,
    arn,
    services: {
      "lambda:invoke": async (parameters) => {
        const { FunctionName, Payload } = parameters as unknown as {
          readonly FunctionName: keyof typeof functions;
          readonly Payload: unknown;
        };
        invoked.push(FunctionName);
        const answer: unknown = await functions[FunctionName](Payload, lambdaContext(900_000));
        return { Payload: jsonOf(answer ?? null) };
      },
    },
  });
  aws.executions.set(arn, () => execution.status());
  return execution;
}

const run = (input?: Parameters<typeof start>[0]): Promise<Ended> => start(input).ended;
const succeeded = (outcome: string) => ({
  status: "SUCCEEDED",
  output: expect.objectContaining({ outcome }) as unknown,
});
const keys = (prefix = "") => [...aws.objects.keys()].filter((key) => key.startsWith(`${BUCKET}/${prefix}`)).sort();
const timesInvoked = (name: keyof typeof functions) => invoked.filter((each) => each === name).length;

function manifest(folder = `orders/dt=${DAY}/`): Manifest {
  return manifestSchema.parse(JSON.parse((aws.objects.get(`${BUCKET}/${folder}_manifest.json`) ?? "").toString()));
}

/** What is in these files; in those of the manifest, in its order. */
function exportedIds(files = manifest().files.map(({ key }) => `${BUCKET}/${key}`)): readonly (string | undefined)[] {
  return files.flatMap((key) =>
    [...(aws.objects.get(key) ?? "").toString().matchAll(/"id":"([^"]+)"/g)].map(([, id]) => id),
  );
}

/** Each page that was read, as often as it was: `<segment>/<number>`. */
function pagesRead(): readonly string[] {
  return aws.asked
    .filter(({ action }) => action === "Scan")
    .map(({ body }) => {
      const { Segment = 0, ExclusiveStartKey } = body as { Segment?: number; ExclusiveStartKey?: Item };
      return `${Segment}/${Number(ExclusiveStartKey?.["page"]?.N ?? -1) + 1}`;
    });
}

/** The records of all runs. */
function records(): readonly Readonly<Record<string, string | undefined>>[] {
  return [...aws.rows]
    .filter(([key]) => key.includes("|run#"))
    .map(([, { status, error, cause }]) => ({ status: status?.S, error: error?.S, cause: cause?.S }));
}

const metric = (name: string): number => output.lines().reduce((sum, line) => sum + Number(line[name] ?? 0), 0);

describe("a run", () => {
  it("exports every item once, tells what it did, and comes back as it was", async () => {
    expect(await run()).toEqual(succeeded("exported"));
    expect(keys()).toEqual(
      ["_SUCCESS", "_manifest.json", "part-0000-00000.ndjson", "part-0001-00000.ndjson"].map(
        (name) => `${BUCKET}/orders/dt=${DAY}/${name}`,
      ),
    );
    expect([...exportedIds()].sort()).toEqual([...idsOf(pages(6))].sort());
    const restored: unknown[] = [];
    const written = await restore(
      manifest(),
      { file: 0, items: 0 },
      {
        read: (key) => Promise.resolve(Readable.from([aws.objects.get(`${BUCKET}/${key}`)])),
        write: (changes) => {
          restored.push(...changes);
          return Promise.resolve();
        },
        save: () => Promise.resolve(),
        onProgress: () => undefined,
      },
    );
    expect(written).toBe(30);
    expect(JSON.stringify(restored)).toContain('"N":"12345678901234567890"');
    expect(records()).toEqual([{ status: "FINISHED" }]);
    expect([metric("exportedItems"), metric("finishedExports"), metric("failedExports")]).toEqual([30, 1, 0]);
    expect(output.lines()).toContainEqual(expect.objectContaining({ finishedExports: 1, export: "orders" }));
  });

  it("of a day that has its export is none, unless it is forced", async () => {
    await run();
    expect(await run()).toMatchObject({
      output: { outcome: "exists", message: `exists - no new data uploaded: s3://${BUCKET}/orders/dt=${DAY}/` },
    });
    expect(timesInvoked("read")).toBe(2);
    // While it is done again, nothing says that it is whole.
    aws.before = ({ action }) => (action === "Scan" ? accessDenied("dynamodb:Scan") : undefined);
    expect(await run({ force: true })).toMatchObject({ status: "FAILED" });
    expect(keys(`orders/dt=${DAY}/_SUCCESS`)).toEqual([]);
    aws.before = () => undefined;
    expect(await run({ force: true })).toEqual(succeeded("exported"));
    expect(keys(`orders/dt=${DAY}/_SUCCESS`)).toHaveLength(1);
  });

  it("goes on over as many invocations as it takes, and reads no page twice", async () => {
    configure({ name: "orders", table: "orders", segments: 1, compression: "none" });
    aws.tables.set("orders", pages(30));
    aws.before = slowPages;
    expect(await run()).toEqual(succeeded("exported"));
    // 100 seconds a page: two fill a part, and nine an invocation.
    expect(timesInvoked("read")).toBe(4);
    expect(manifest().files.length).toBeGreaterThan(10);
    expect(pagesRead()).toEqual(Array.from({ length: 30 }, (_, number) => `0/${number}`));
    expect(exportedIds()).toEqual(idsOf(pages(30)));
  });

  it("that was killed is taken up by the next one: finished parts are neither read nor counted again", async () => {
    configure({ name: "orders", table: "orders", segments: 1, compression: "none" });
    aws.tables.set("orders", pages(12));
    let scans = 0;
    aws.before = (asked) => {
      slowPages(asked);
      if (asked.action !== "Scan" || ++scans < 8) return undefined;
      killed.abort("killed", "by a test");
      return accessDenied("dynamodb:Scan"); // so that its worker ends, too
    };
    const killed = start();
    expect(await killed.ended).toMatchObject({ status: "ABORTED" });
    await settled();
    const finished = exportedIds(keys("orders/")).length / 5;
    expect(finished).toBeGreaterThan(2);
    expect(keys("orders/").filter((key) => key.includes("_"))).toEqual([]);

    aws.before = slowPages;
    expect(await run({ day: "2026-11-22" })).toEqual(succeeded("exported"));
    const ofFirstDay = pagesRead().slice(0, -12);
    for (let page = 0; page < finished; page++)
      expect(ofFirstDay.filter((each) => each === `0/${page}`)).toHaveLength(1);
    expect(exportedIds()).toEqual(idsOf(pages(12)));
    expect(aws.uploads.size).toBe(0);
    expect(keys("orders/dt=2026-11-22/_SUCCESS")).toHaveLength(1);
    // What people see of it is no more than there is.
    const state = stateTable(createDynamoDB(), STATE, systemClock);
    const [first] = [...aws.rows].filter(([key]) => key.includes("|run#")).map(([, item]) => item["run"]?.S ?? "");
    expect(await state.seen(runSchema.parse(JSON.parse(first ?? "")))).toMatchObject({ items: 60, segmentsDone: 1 });
  });

  it("tries again what may pass", async () => {
    let left = 2;
    aws.before = ({ action, of }) =>
      action === "PutObject" && of.endsWith("_SUCCESS") && left-- > 0
        ? { status: 400, code: "RequestTimeTooSkewed", message: "odd" }
        : undefined;
    expect(await run()).toEqual(succeeded("exported"));
    expect(keys(`orders/dt=${DAY}/_SUCCESS`)).toHaveLength(1);
  });

  it("of a document that one invocation cannot write fails at once, and leaves nothing", async () => {
    configure({ name: "orders", table: "orders", format: "json", layout: "flat" });
    aws.tables.set("orders", pages(12));
    aws.before = slowPages;
    expect(await run()).toMatchObject({ status: "FAILED", error: "DocumentTooLargeError" });
    expect([timesInvoked("read"), keys(), aws.uploads.size]).toEqual([1, [], 0]);
    expect(records()).toMatchObject([{ status: "FAILED", cause: expect.stringContaining("ndjson") as unknown }]);
  });
});

describe("a run without permission", () => {
  const role = "arn:aws:iam::123456789012:role/reader";
  const job = { application: "shop", table_name: "orders", region: "eu-central-1", assume_role: role };

  it.each<[string, string, (asked: Asked) => boolean, object]>([
    ["to read the table", "dynamodb:Scan", ({ action }) => action === "Scan", {}],
    ["to look at the table", "dynamodb:DescribeTable", ({ action }) => action === "DescribeTable", {}],
    ["to write files", "s3:PutObject", ({ action }) => action === "CreateMultipartUpload", {}],
    ["to write the manifest", "s3:PutObject", ({ of }) => of.endsWith("_manifest.json"), {}],
    ["to mark what is whole", "s3:PutObject", ({ of }) => of.endsWith("_SUCCESS"), {}],
    ["to take on the job's role", "sts:AssumeRole", ({ action }) => action === "AssumeRole", { job }],
  ])(
    "%s fails at once, clearly, and nothing looks whole; with it, the next one finishes",
    async (_, action, isIt, input) => {
      aws.before = (asked) => (isIt(asked) ? accessDenied(action) : undefined);
      const denied = {
        error: expect.stringMatching(/^AccessDenied(Exception)?$/) as unknown,
        cause: expect.stringContaining(`is not authorized to perform: ${action}`) as unknown,
      };
      expect(await run(input)).toEqual({ status: "FAILED", ...denied });
      expect(records()).toEqual([{ status: "FAILED", ...denied }]);
      expect(metric("failedExports")).toBe(1);
      // Once for each segment at most: nothing was tried again.
      for (const name of ["claim", "read", "finish"] as const) expect(timesInvoked(name)).toBeLessThanOrEqual(2);
      expect(keys().filter((key) => key.endsWith("_SUCCESS"))).toEqual([]);
      expect(aws.uploads.size).toBe(0);

      aws.before = () => undefined;
      expect(await run(input)).toMatchObject({ status: "SUCCEEDED" });
      expect(records()).toEqual([{ status: "FINISHED" }]);
    },
  );

  it("fails as clearly where there is no table and no bucket", async () => {
    aws.tables.clear();
    expect(await run()).toMatchObject({ status: "FAILED", error: "ResourceNotFoundException" });
    aws.tables.set("orders", pages(1));
    aws.buckets.delete(BUCKET);
    expect(await run()).toMatchObject({ status: "FAILED", error: "NoSuchBucket" });
    expect(records()).toMatchObject([{ status: "FAILED", error: "NoSuchBucket" }]);
    expect(timesInvoked("read")).toBe(0);
  });

  it("still ends as failed where not even that can be recorded", async () => {
    aws.before = ({ of }) => (of === STATE ? accessDenied("dynamodb:GetItem") : undefined);
    expect(await run()).toMatchObject({ status: "FAILED", error: "AccessDeniedException" });
  });
});

describe("a job", () => {
  const job = { application: "shop", table_name: "orders", region: "eu-central-1" };
  const item = (id: string): Item => ({
    id: { S: id },
    access_timestamp: { N: String(Math.floor(Date.now() / 1_000) - 60) },
  });

  it("without new data says so and writes no file; when data comes on the same day, it is exported, once", async () => {
    aws.tables.set("orders", [[]]);
    const ask = () => run({ export: "user-logs", job });
    expect(await ask()).toEqual({
      status: "SUCCEEDED",
      output: { outcome: "nothing-new", message: "no new data was retrieved" },
    });
    expect(keys("usermetrics/")).toEqual([]);

    const later = Date.now() + 120_000;
    jest.spyOn(Date, "now").mockReturnValue(later);
    aws.tables.set("orders", [[item("new")]]);
    expect(await ask()).toEqual(succeeded("exported"));
    const [key = "", ...others] = keys("usermetrics/");
    expect(others).toEqual([]);
    expect(key).toMatch(
      /^files\/usermetrics\/application=shop\/year=2026\/month=11\/day=21\/shop_userlogs_[\d -]+:\d\d:\d\dZ\.json$/,
    );
    expect(JSON.parse((aws.objects.get(key) ?? "").toString())).toMatchObject({ user_metrics: [{ id: "new" }] });
    expect(await ask()).toMatchObject({
      output: { outcome: "exists", message: `exists - no new data uploaded: s3://${key}` },
    });
  });
});

describe("a run by DynamoDB itself", () => {
  const changes = { name: "orders", table: "orders", engine: "dynamodb-export" } as const;
  beforeEach(() => {
    configure(changes);
  });

  /** As DynamoDB leaves its files: a summary, a list of files, the files. */
  function complete(index: number, lines: readonly object[]): void {
    const export_ = aws.nativeExports[index];
    if (export_ === undefined) throw new Error("no export was asked for");
    const folder = `${String(export_.request["S3Prefix"])}/AWSDynamoDB/0${index}`;
    const content = gzipSync(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    const listed = {
      itemCount: lines.length,
      md5Checksum: createHash("md5").update(content).digest("base64"),
      dataFileS3Key: `${folder}/data/a.json.gz`,
    };
    const put = (key: string, body: Buffer | string) => aws.objects.set(`${BUCKET}/${key}`, Buffer.from(body));
    put(listed.dataFileS3Key, content);
    put(`${folder}/manifest-files.json`, `${JSON.stringify(listed)}\n`);
    put(`${folder}/manifest-summary.json`, JSON.stringify({ manifestFilesS3Key: `${folder}/manifest-files.json` }));
    export_.told = { ExportStatus: "COMPLETED", ExportManifest: `${folder}/manifest-summary.json` };
  }

  /** After so many looks. */
  function onLook(times: number, then: () => void): void {
    let looks = 0;
    aws.before = ({ action }) => {
      if (action === "DescribeExport" && ++looks === times) then();
      return undefined;
    };
  }

  const items = pages(1)
    .flat()
    .map((Item) => ({ Item }));

  it("is asked for once, looked at until it is done, and has the same manifest and marker", async () => {
    onLook(4, () => {
      complete(0, items);
    });
    expect(await run()).toEqual(succeeded("exported"));
    expect(aws.nativeExports.map(({ request }) => request)).toEqual([
      expect.objectContaining({ S3Bucket: BUCKET, S3Prefix: `orders/dt=${DAY}`, ExportFormat: "DYNAMODB_JSON" }),
    ]);
    expect(aws.count("Scan")).toBe(0);
    expect(manifest()).toMatchObject({ format: "dynamodb-json", compression: "gzip", items: 5 });
    expect(
      gunzipSync(aws.objects.get(`${BUCKET}/${manifest().files[0]?.key ?? ""}`) ?? Buffer.alloc(0)).toString(),
    ).toContain('"0-0"');
    expect(keys(`orders/dt=${DAY}/_SUCCESS`)).toHaveLength(1);
  });

  it("that DynamoDB gives up fails at once with DynamoDB's reason; the next one asks anew", async () => {
    onLook(2, () => {
      const [export_] = aws.nativeExports;
      if (export_) export_.told = { ExportStatus: "FAILED", FailureCode: "S3NoSuchBucket", FailureMessage: "gone" };
    });
    const failure = { error: "NativeExportError", cause: "S3NoSuchBucket: gone" };
    expect(await run()).toEqual({ status: "FAILED", ...failure });
    expect(records()).toEqual([{ status: "FAILED", ...failure }]);
    expect(keys(`orders/dt=${DAY}/_SUCCESS`)).toEqual([]);
    onLook(3, () => {
      complete(1, items);
    });
    expect(await run()).toEqual(succeeded("exported"));
    expect(aws.nativeExports).toHaveLength(2);
  });

  it("that was killed while DynamoDB was at it is gone on with: no second export is begun", async () => {
    onLook(2, () => {
      killed.abort("killed", "by a test");
    });
    const killed = start();
    expect(await killed.ended).toMatchObject({ status: "ABORTED" });
    onLook(2, () => {
      complete(0, items);
    });
    expect(await run()).toEqual(succeeded("exported"));
    expect(aws.nativeExports).toHaveLength(1);
  });

  it("bears that DynamoDB is not to be reached for a while", async () => {
    let left = 2;
    aws.before = ({ action }) => {
      if (action === "DescribeExport" && aws.count("DescribeExport") === 3) complete(0, items);
      return action === "ExportTableToPointInTime" && left-- > 0
        ? { status: 400, code: "LimitExceededException", message: "too many exports" }
        : undefined;
    };
    expect(await run()).toEqual(succeeded("exported"));
    expect(aws.nativeExports).toHaveLength(1);
  });

  it.each(["PointInTimeRecoveryUnavailableException", "AccessDeniedException"])("fails at once on %s", async (code) => {
    aws.before = ({ action }) =>
      action === "ExportTableToPointInTime" ? { status: 400, code, message: "no" } : undefined;
    expect(await run()).toMatchObject({ status: "FAILED", error: code });
    expect(timesInvoked("native")).toBe(1);
  });

  it("of changes begins with all of the table, and goes on with what has changed since", async () => {
    configure({ ...changes, mode: "incremental" });
    onLook(2, () => {
      complete(0, items);
    });
    expect(await run()).toEqual(succeeded("exported"));
    expect(manifest().mode).toBe("full");
    const started = Date.now();
    jest.spyOn(Date, "now").mockReturnValue(started + 3_600_000);
    onLook(2, () => {
      complete(1, items);
    });
    expect(await run({ day: "2026-11-22" })).toEqual(succeeded("exported"));
    expect(manifest("orders/dt=2026-11-22/").mode).toBe("incremental");
    const { IncrementalExportSpecification: period } = (aws.nativeExports[1]?.request ?? {}) as {
      IncrementalExportSpecification: { ExportFromTime: number; ExportToTime: number };
    };
    expect(period.ExportToTime - period.ExportFromTime).toBeGreaterThan(3_500);
  });
});

/** Each page takes its time. */
function slowPages({ action }: Asked): undefined {
  if (action === "Scan") skipped += 100_000;
}

/** What a killed execution's functions still do. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 200));
}
