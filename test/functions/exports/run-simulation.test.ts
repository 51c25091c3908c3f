/** Runs of the state machine's definition, with the real handlers and clients. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { gunzipSync, gzipSync } from "node:zlib";

import * as z from "zod";

import { runSchema } from "../../../functions/exports/contract";
import { stateTable } from "../../../functions/exports/storage/state-table";
import { createDynamoDB } from "../../../functions/shared/aws/clients/dynamodb";
import { systemClock } from "../../../functions/shared/clock";
import { restore } from "../../../scripts/features/exports/restore";
import type { Item } from "../../support/dynamodb-expressions";
import {
  aws,
  BUCKET,
  events,
  configure,
  DAY,
  DEPLOYMENT,
  exportedIds,
  idsOf,
  keys,
  logged,
  manifest,
  metric,
  pages,
  pagesRead,
  records,
  run,
  setupExports,
  skip,
  settled,
  start,
  STATE,
  succeeded,
  timesInvoked,
} from "../../support/exports-system";
import { accessDenied, type AwsRequest } from "../../support/fake-aws";

setupExports();

describe("a run", () => {
  it("exports every item once, records what it did, and can be restored", async () => {
    expect(await run()).toEqual(succeeded("exported"));
    const hash = createHash("sha256").update(`${DEPLOYMENT}/orders`).digest("hex").slice(0, 8);
    const id = `${manifest().run.replace(/\W/g, "")}-${hash}`;
    expect(keys()).toEqual(
      [
        `_exports/${DEPLOYMENT}/orders/athena/dt=${DAY}/files.txt`,
        `_exports/publishers/orders/dt=${DAY}/run.txt`,
        ...["_SUCCESS", "_manifest.json", `part-0000-00000-${id}.ndjson`, `part-0001-00000-${id}.ndjson`].map(
          (name) => `orders/dt=${DAY}/${name}`,
        ),
      ].map((key) => `${BUCKET}/${key}`),
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
    expect(records()).toEqual([{ status: "SUCCEEDED" }]);
    expect([metric("exportedItems"), metric("finishedExports"), metric("failedExports")]).toEqual([30, 1, 0]);
    expect(logged()).toContainEqual(expect.objectContaining({ finishedExports: 1, export: "orders" }));
  });

  it("of a day that has its export is none, unless it is forced", async () => {
    await run();
    expect(await run()).toMatchObject({
      output: { outcome: "exists", message: `exists - no new data uploaded: s3://${BUCKET}/orders/dt=${DAY}/` },
    });
    expect(timesInvoked("readSegment")).toBe(2);
    // A rerun that fails changes nothing.
    const before = keys();
    aws.before = ({ action }) => (action === "Scan" ? accessDenied("dynamodb:Scan") : undefined);
    expect(await run({ force: true })).toMatchObject({ status: "FAILED" });
    expect(keys()).toEqual(before);
    aws.before = () => undefined;
    expect(await run({ force: true })).toEqual(succeeded("exported"));
    expect(keys(`orders/dt=${DAY}/_SUCCESS`)).toHaveLength(1);
    expect(keys(`orders/dt=${DAY}/part`)).toEqual(manifest().files.map(({ key }) => `${BUCKET}/${key}`));
  });

  it("resumes over several invocations, and reads no page twice", async () => {
    configure({ name: "orders", table: "orders", segments: 1, compression: "none" });
    aws.tables.set("orders", pages(30));
    aws.before = slowPages;
    expect(await run()).toEqual(succeeded("exported"));
    // 100 seconds a page: two pages fill a part, nine an invocation.
    expect(timesInvoked("readSegment")).toBe(4);
    expect(manifest().files.length).toBeGreaterThan(10);
    expect(pagesRead()).toEqual(Array.from({ length: 30 }, (_, number) => `0/${number}`));
    expect(exportedIds()).toEqual(idsOf(pages(30)));
  });

  it("that was killed is resumed by the next one: finished parts are neither read nor counted again", async () => {
    configure({ name: "orders", table: "orders", segments: 1, compression: "none" });
    aws.tables.set("orders", pages(12));
    let scans = 0;
    aws.before = (request) => {
      slowPages(request);
      if (request.action !== "Scan" || ++scans < 8) return undefined;
      killed.abort("killed", "by a test");
      return accessDenied("dynamodb:Scan"); // ends its worker, too
    };
    const killed = start();
    expect(await killed.ended).toMatchObject({ status: "ABORTED" });
    await settled();
    const finished = [...aws.rows.keys()].filter((key) => key.includes("|part#")).length * 2; // pages
    expect(finished).toBeGreaterThan(2);
    expect(keys("orders/")).toEqual([]);

    aws.before = slowPages;
    expect(await run({ day: "2026-11-22" })).toEqual(succeeded("exported"));
    const ofFirstDay = pagesRead().slice(0, -12);
    for (let page = 0; page < finished; page++)
      expect(ofFirstDay.filter((each) => each === `0/${page}`)).toHaveLength(1);
    expect(exportedIds()).toEqual(idsOf(pages(12)));
    expect(aws.uploads.size).toBe(0);
    expect(keys("orders/dt=2026-11-22/_SUCCESS")).toHaveLength(1);
    // The displayed progress does not count pages twice.
    const state = stateTable(createDynamoDB(), STATE, systemClock);
    const [first] = [...aws.rows].filter(([key]) => key.includes("|run#")).map(([, item]) => item["run"]?.S ?? "");
    expect(await state.runProgress(runSchema.parse(JSON.parse(first ?? "")))).toMatchObject({
      items: 60,
      segmentsDone: 1,
    });
  });

  it("retries transient errors", async () => {
    let failures = 2;
    aws.before = ({ action, resource }) =>
      action === "PutObject" && resource.endsWith("_SUCCESS") && failures-- > 0
        ? { status: 400, code: "RequestTimeTooSkewed", message: "odd" }
        : undefined;
    expect(await run()).toEqual(succeeded("exported"));
    expect(keys(`orders/dt=${DAY}/_SUCCESS`)).toHaveLength(1);
  });

  it.each(["ThrottlingError", "ProvisionedThroughputExceeded", "TransactionConflict"])(
    "waits while DynamoDB cancels transactions of its state for %s",
    async (Code) => {
      let failures = 5;
      aws.before = ({ action }) =>
        action === "TransactWriteItems" && failures-- > 0
          ? {
              status: 400,
              code: "TransactionCanceledException",
              message: "Transaction cancelled, please refer cancellation reasons for specific reasons",
              details: { CancellationReasons: [{ Code: "None" }, { Code }] },
            }
          : undefined;
      expect(await run()).toEqual(succeeded("exported"));
      expect([...exportedIds()].sort()).toEqual([...idsOf(pages(6))].sort());
    },
  );

  it("does not believe S3's 200 with an error in its body, but completes the upload again", async () => {
    let failures = 0;
    const failed = new Set<string>();
    aws.before = ({ action, resource }) => {
      if (action !== "CompleteMultipartUpload" || failed.has(resource)) return undefined;
      failed.add(resource);
      failures++;
      return { status: 200, code: "InternalError", message: "We encountered an internal error. Please try again." };
    };
    expect(await run()).toEqual(succeeded("exported"));
    expect(failures).toBe(2);
    expect([...exportedIds()].sort()).toEqual([...idsOf(pages(6))].sort());
    expect(aws.uploads.size).toBe(0);
  });

  it("whose checkpoint was changed by hand fails at once, and the next one starts over", async () => {
    await runThatFailsHalfway();
    for (const [key, row] of aws.rows)
      if (key.includes("|segment#")) aws.rows.set(key, { ...row, lastKey: { S: '{"page":{"N":' } });
    expect(await run()).toMatchObject({ status: "FAILED", error: "UnreadableRowError" });
    expect(timesInvoked("readSegment")).toBe(2);
    expect(await run()).toEqual(succeeded("exported"));
    expect(exportedIds()).toEqual(idsOf(pages(12)));
    expect(aws.uploads.size).toBe(0);
  });

  it("of a document that one invocation cannot write fails at once, and leaves no files", async () => {
    configure({ name: "orders", table: "orders", format: "json", layout: "flat" });
    aws.tables.set("orders", pages(12));
    aws.before = slowPages;
    expect(await run()).toMatchObject({ status: "FAILED", error: "DocumentTooLargeError" });
    const files = keys().filter((key) => !key.startsWith(`${BUCKET}/_exports/reserved/`));
    expect([timesInvoked("readSegment"), files, aws.uploads.size]).toEqual([1, [], 0]);
    expect(records()).toMatchObject([{ status: "FAILED", cause: expect.stringContaining("ndjson") as unknown }]);
  });
});

describe("a day's second incremental run, after a change of the prefix", () => {
  const at = (ms: number): Item => ({ id: { S: String(ms) }, n: { N: String(ms) } });
  const orders = (prefix?: string) => {
    const watermark = { attribute: "n", unit: "milliseconds", settleSeconds: 0 } as const;
    const fields = { name: "orders", table: "orders", segments: 1, compression: "none", mode: "incremental" } as const;
    configure({ ...fields, watermark, ...(prefix !== undefined && { prefix }) });
  };
  const listed = () =>
    aws.objects.get(`${BUCKET}/_exports/${DEPLOYMENT}/orders/athena/dt=${DAY}/files.txt`)?.toString();

  it.each([undefined, "AccessDenied"])("is added to the first where that can be read (%s)", async (refusal) => {
    const now = Date.now();
    aws.tables.set("orders", [[at(now - 50_000)]]);
    orders();
    expect(await run({ again: true })).toEqual(succeeded("exported"));
    const first = listed() ?? "";
    const next = Date.now();
    aws.tables.set("orders", [[at(now - 50_000), at(next)]]);
    while (Date.now() <= next) await new Promise(setImmediate);
    orders("elsewhere/");
    aws.before = ({ action, resource }) =>
      refusal !== undefined && action === "GetObject" && resource.startsWith(`${BUCKET}/orders/`)
        ? accessDenied("s3:GetObject")
        : undefined;
    expect(await run({ again: true })).toEqual(succeeded("exported"));
    const { files, items } = manifest(`elsewhere/dt=${DAY}/`);
    expect(items).toBe(refusal === undefined ? 2 : 1);
    expect(listed()).toBe(files.map(({ key }) => `s3://${BUCKET}/${key}\n`).join(""));
    if (refusal === undefined) expect(listed()).toContain(first);
    expect(keys("orders/")).toHaveLength(3);
  });
});

describe("a run whose table is deleted and created again", () => {
  const items = (name: string, count: number) =>
    pages(count).map((page) => page.map((item): Item => ({ ...item, id: { S: `${name}-${item["id"]?.S ?? ""}` } })));

  /** Creates the table again before the given read of a page. */
  function recreateAt(page: number): void {
    let scans = 0;
    aws.before = ({ action }) => {
      if (action === "Scan" && ++scans === page) aws.recreate("orders", items("new", 6));
      return undefined;
    };
  }

  const recreated = {
    error: "TableRecreatedError",
    cause: expect.stringContaining("orders was deleted and created again") as unknown,
  };

  it.each([
    ["between two pages of a segment", 1, 3],
    ["between two segments", 2, 4],
    ["before the last page", 2, 6],
    ["before the first page", 2, 1],
  ])("%s fails at once and publishes nothing; the next one exports the new table", async (_, segments, page) => {
    configure({ name: "orders", table: "orders", segments, compression: "none" });
    recreateAt(page);
    expect(await run()).toEqual({ status: "FAILED", ...recreated });
    expect(records()).toEqual([{ status: "FAILED", ...recreated }]);
    expect(keys("orders/")).toEqual([]);
    expect(metric("failedExports")).toBe(1);

    aws.before = () => undefined;
    expect(await run()).toEqual(succeeded("exported"));
    expect([...exportedIds()].sort()).toEqual([...idsOf(items("new", 6))].sort());
    expect(aws.uploads.size).toBe(0);
  });

  it("leaves the day's published files as they are", async () => {
    await run();
    const before = keys();
    recreateAt(3);
    expect(await run({ force: true })).toEqual({ status: "FAILED", ...recreated });
    expect(keys()).toEqual(before);
    expect([...exportedIds()].sort()).toEqual([...idsOf(pages(6))].sort());
  });

  it("after it was read is published: its items are of one table", async () => {
    aws.before = ({ action, resource }) => {
      if (action === "PutObject" && resource.includes("/publishers/")) aws.recreate("orders", items("new", 6));
      return undefined;
    };
    expect(await run()).toEqual(succeeded("exported"));
    expect([...exportedIds()].sort()).toEqual([...idsOf(pages(6))].sort());
  });

  it("while an unfinished run waits is not gone on with", async () => {
    await runThatFailsHalfway();
    aws.recreate("orders", items("new", 12));
    expect(await run()).toEqual(succeeded("exported"));
    expect(exportedIds()).toEqual(idsOf(items("new", 12)));
    expect(aws.uploads.size).toBe(0);
  });

  it("is refused by an incremental export, whose cursor is of the table before", async () => {
    const watermark = { attribute: "at" };
    configure({ name: "orders", table: "orders", mode: "incremental", watermark, segments: 1, compression: "none" });
    const at = String(Math.floor(Date.now() / 1_000) - 3_600);
    const stamped = (name: string) => items(name, 2).map((page) => page.map((item) => ({ ...item, at: { N: at } })));
    aws.tables.set("orders", stamped("old"));
    recreateAt(2);
    expect(await run()).toEqual({ status: "FAILED", ...recreated });
    aws.before = () => undefined;
    aws.recreate("orders", stamped("new"));
    // No run has finished: there is no cursor yet.
    expect(await run()).toEqual(succeeded("exported"));
    expect(exportedIds()).toEqual(idsOf(items("new", 2)));
    aws.recreate("orders", stamped("third"));
    expect(await run({ again: true })).toMatchObject({ status: "FAILED", error: "CursorMismatchError" });
  });

  it("is refused by an incremental export, also after a run that found no table", async () => {
    const watermark = { attribute: "at" };
    configure({ name: "orders", table: "orders", mode: "incremental", watermark, segments: 1, compression: "none" });
    expect(await run()).toMatchObject({ status: "SUCCEEDED" });
    aws.tables.delete("orders");
    expect(await run({ again: true })).toMatchObject({ error: "ResourceNotFoundException" });
    aws.recreate("orders", items("new", 2));
    expect(await run({ again: true })).toMatchObject({ status: "FAILED", error: "CursorMismatchError" });
  });
});

describe("a run without permission", () => {
  const role = "arn:aws:iam::123456789012:role/reader";
  const job = { application: "shop", table_name: "orders", region: "eu-central-1", assume_role: role };

  it.each<[string, string, (request: AwsRequest) => boolean, object]>([
    ["to read the table", "dynamodb:Scan", ({ action }) => action === "Scan", {}],
    ["to describe the table", "dynamodb:DescribeTable", ({ action }) => action === "DescribeTable", {}],
    ["to write files", "s3:PutObject", ({ action }) => action === "CreateMultipartUpload", {}],
    ["to write the manifest", "s3:PutObject", ({ resource }) => resource.endsWith("_manifest.json"), {}],
    ["to write the marker", "s3:PutObject", ({ resource }) => resource.endsWith("_SUCCESS"), {}],
    ["to assume the job's role", "sts:AssumeRole", ({ action }) => action === "AssumeRole", { job }],
  ])(
    "%s fails at once with the reason and without a marker; with it, the next one finishes",
    async (_, action, matches, input) => {
      aws.before = (request) => (matches(request) ? accessDenied(action) : undefined);
      const denied = {
        error: expect.stringMatching(/^AccessDenied(Exception)?$/) as unknown,
        cause: expect.stringContaining(`is not authorized to perform: ${action}`) as unknown,
      };
      expect(await run(input)).toEqual({ status: "FAILED", ...denied });
      expect(records()).toEqual([{ status: "FAILED", ...denied }]);
      expect(metric("failedExports")).toBe(1);
      // At most once per segment: no retries.
      for (const name of ["claimRun", "readSegment", "finishRun"] as const)
        expect(timesInvoked(name)).toBeLessThanOrEqual(2);
      expect(keys().filter((key) => key.endsWith("_SUCCESS"))).toEqual([]);
      // Uploads of saved parts wait for the next run; there are no others.
      const parts = [...aws.rows].filter(([key, { upload }]) => key.includes("|part#") && upload !== undefined);
      expect(aws.uploads.size).toBe(parts.length);

      aws.before = () => undefined;
      expect(await run(input)).toMatchObject({ status: "SUCCEEDED" });
      expect(records()).toEqual([{ status: "SUCCEEDED" }]);
      expect(aws.uploads.size).toBe(0);
    },
  );

  it("fails at once where the table or the bucket does not exist", async () => {
    aws.tables.clear();
    expect(await run()).toMatchObject({ status: "FAILED", error: "ResourceNotFoundException" });
    aws.tables.set("orders", pages(1));
    aws.buckets.delete(BUCKET);
    expect(await run()).toMatchObject({ status: "FAILED", error: "NoSuchBucket" });
    expect(records()).toMatchObject([{ status: "FAILED", error: "NoSuchBucket" }]);
    expect(timesInvoked("readSegment")).toBe(0);
  });

  it("fails also where the failure cannot be recorded", async () => {
    aws.before = ({ resource }) => (resource === STATE ? accessDenied("dynamodb:GetItem") : undefined);
    expect(await run()).toMatchObject({ status: "FAILED", error: "AccessDeniedException" });
  });
});

describe("a job", () => {
  const job = { application: "shop", table_name: "orders", region: "eu-central-1" };
  const item = (id: string): Item => ({
    id: { S: id },
    access_timestamp: { N: String(Math.floor(Date.now() / 1_000) - 60) },
  });

  it("without new data writes no file; data that arrives on the same day is exported once", async () => {
    aws.tables.set("orders", [[]]);
    const runJob = () => run({ export: "user-logs", job });
    expect(await runJob()).toMatchObject({
      status: "SUCCEEDED",
      output: { outcome: "nothing-new", message: "no new data was retrieved", run: { items: 0 } },
    });
    expect(keys("usermetrics/")).toEqual([]);
    // The event of each run's end has a manifest to read.
    const detail = z.object({ items: z.literal(0), manifest: z.string() }).parse(events.at(-1)?.Detail);
    expect(aws.objects.has(detail.manifest.replace(`s3://${BUCKET}/`, "files/"))).toBe(true);

    const later = Date.now() + 120_000;
    jest.spyOn(Date, "now").mockReturnValue(later);
    aws.tables.set("orders", [[item("new")]]);
    expect(await runJob()).toEqual(succeeded("exported"));
    const [key = "", ...others] = keys("usermetrics/");
    expect(others).toEqual([]);
    expect(key).toMatch(
      /^files\/usermetrics\/application=shop\/year=2026\/month=11\/day=21\/shop_userlogs_[\d -]+:\d\d:\d\dZ\.json$/,
    );
    expect(JSON.parse((aws.objects.get(key) ?? "").toString())).toMatchObject({ user_metrics: [{ id: "new" }] });
    expect(await runJob()).toMatchObject({
      output: { outcome: "exists", message: `exists - no new data uploaded: s3://${key}` },
    });
  });
});

describe("a run by DynamoDB's own export", () => {
  const changes = { name: "orders", table: "orders", engine: "dynamodb-export" } as const;
  beforeEach(() => {
    configure(changes);
  });

  /** Writes the files of DynamoDB's export: a summary, a list of files, the files. */
  function complete(index: number, lines: readonly object[]): void {
    const export_ = aws.nativeExports[index];
    if (export_ === undefined) throw new Error("no export was started");
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
    export_.description = { ExportStatus: "COMPLETED", ExportManifest: `${folder}/manifest-summary.json` };
  }

  /** Calls back at the given call of DescribeExport. */
  function onPoll(times: number, callback: () => void): void {
    let polls = 0;
    aws.before = ({ action }) => {
      if (action === "DescribeExport" && ++polls === times) callback();
      return undefined;
    };
  }

  const items = pages(1)
    .flat()
    .map((Item) => ({ Item }));

  it("is started once, polled until it is done, and has the same manifest and marker", async () => {
    onPoll(4, () => {
      complete(0, items);
    });
    expect(await run()).toEqual(succeeded("exported"));
    expect(aws.nativeExports.map(({ request }) => request)).toEqual([
      expect.objectContaining({ S3Bucket: BUCKET, S3Prefix: `orders/dt=${DAY}`, ExportFormat: "DYNAMODB_JSON" }),
    ]);
    expect(aws.count("Scan")).toBe(0);
    // DynamoDB's own manifests stay beside its data.
    expect(keys(`orders/dt=${DAY}/AWSDynamoDB/00/`)).toHaveLength(3);
    expect(manifest()).toMatchObject({ format: "dynamodb-json", compression: "gzip", items: 5 });
    expect(
      gunzipSync(aws.objects.get(`${BUCKET}/${manifest().files[0]?.key ?? ""}`) ?? Buffer.alloc(0)).toString(),
    ).toContain('"0-0"');
    expect(keys(`orders/dt=${DAY}/_SUCCESS`)).toHaveLength(1);
  });

  it("that DynamoDB fails, fails at once with DynamoDB's reason; the next one starts another export", async () => {
    onPoll(2, () => {
      const [export_] = aws.nativeExports;
      if (export_)
        export_.description = { ExportStatus: "FAILED", FailureCode: "S3NoSuchBucket", FailureMessage: "gone" };
    });
    const failure = { error: "NativeExportError", cause: "S3NoSuchBucket: gone" };
    expect(await run()).toEqual({ status: "FAILED", ...failure });
    expect(records()).toEqual([{ status: "FAILED", ...failure }]);
    expect(keys(`orders/dt=${DAY}/_SUCCESS`)).toEqual([]);
    onPoll(3, () => {
      complete(1, items);
    });
    expect(await run()).toEqual(succeeded("exported"));
    expect(aws.nativeExports).toHaveLength(2);
  });

  it("that was killed while DynamoDB was exporting is resumed: no second export is started", async () => {
    onPoll(2, () => {
      killed.abort("killed", "by a test");
    });
    const killed = start();
    expect(await killed.ended).toMatchObject({ status: "ABORTED" });
    onPoll(2, () => {
      complete(0, items);
    });
    expect(await run()).toEqual(succeeded("exported"));
    expect(aws.nativeExports).toHaveLength(1);
  });

  it("retries when DynamoDB rejects a request temporarily", async () => {
    let failures = 2;
    aws.before = ({ action }) => {
      if (action === "DescribeExport" && aws.count("DescribeExport") === 3) complete(0, items);
      return action === "ExportTableToPointInTime" && failures-- > 0
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
    expect(timesInvoked("nativeExport")).toBe(1);
  });

  it("of changes starts with the whole table, and continues with the changes since", async () => {
    configure({ ...changes, mode: "incremental" });
    onPoll(2, () => {
      complete(0, items);
    });
    expect(await run()).toEqual(succeeded("exported"));
    expect(manifest().mode).toBe("full");
    const started = Date.now();
    jest.spyOn(Date, "now").mockReturnValue(started + 3_600_000);
    onPoll(2, () => {
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

/** Of its one segment seven pages are read, and the next is refused. */
async function runThatFailsHalfway(): Promise<void> {
  configure({ name: "orders", table: "orders", segments: 1, compression: "none" });
  aws.tables.set("orders", pages(12));
  let scans = 0;
  aws.before = (request) => {
    slowPages(request);
    return request.action === "Scan" && ++scans === 8 ? accessDenied("dynamodb:Scan") : undefined;
  };
  expect(await run()).toMatchObject({ status: "FAILED", error: "AccessDeniedException" });
  aws.before = () => undefined;
}

/** Each page takes 100 seconds. */
function slowPages({ action }: AwsRequest): undefined {
  if (action === "Scan") skip(100_000);
}
