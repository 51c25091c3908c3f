import {
  DescribeExportCommand,
  DescribeTableCommand,
  DynamoDBClient,
  ExportTableToPointInTimeCommand,
} from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, HeadObjectCommand, S3Client, type GetObjectCommandInput } from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";

import { exportSchema, runSchema, type Run } from "../../../../functions/exports/contract";
import {
  completedSummaryKey,
  listNativeFiles,
  NativeExportError,
  startNativeExport,
} from "../../../../functions/exports/scan/native-export";
import { TableRecreatedError } from "../../../../functions/exports/run/table-identity";
import { HOUR_MS } from "../../../../functions/shared/time";

const dynamodb = mockClient(DynamoDBClient);
const s3 = mockClient(S3Client);
beforeEach(() => {
  dynamodb.reset();
  s3.reset();
  dynamodb.on(DescribeTableCommand).resolves({ Table: { TableArn: "arn:table" } });
});

const AT = Date.parse("2026-11-21T12:00:00Z");
const runOf = (more: Partial<Run> = {}): Run =>
  runSchema.parse({
    deployment: "000000000000/eu-central-1/exports",
    exportId: "orders",
    id: "2026-11-21T12:00:00.000Z",
    day: "2026-11-21",
    trigger: "schedule",
    startedAt: AT,
    keyTime: AT,
    config: exportSchema.parse({ name: "orders", table: "orders", engine: "dynamodb-export" }),
    application: "",
    account: "000000000000",
    region: "eu-central-1",
    bucket: "files",
    keepsCursor: false,
    segments: 1,
    attempt: 1,
    ...more,
  });

/** Exports by their client token: the first ones have failed. */
function exportsOf({ failed }: { readonly failed: number }): readonly string[] {
  const tokens: string[] = [];
  dynamodb.on(ExportTableToPointInTimeCommand).callsFake(({ ClientToken = "" }: { readonly ClientToken?: string }) => {
    if (!tokens.includes(ClientToken)) tokens.push(ClientToken);
    return { ExportDescription: { ExportArn: `arn:${tokens.indexOf(ClientToken)}` } };
  });
  dynamodb.on(DescribeExportCommand).callsFake(({ ExportArn = "" }: { readonly ExportArn?: string }) => ({
    ExportDescription: { ExportStatus: Number(ExportArn.slice(4)) < failed ? "FAILED" : "IN_PROGRESS" },
  }));
  return tokens;
}
const requests = () => dynamodb.commandCalls(ExportTableToPointInTimeCommand).map(({ args: [{ input }] }) => input);

describe("DynamoDB's own export", () => {
  it("is started once, however often it is asked for", async () => {
    const tokens = exportsOf({ failed: 0 });
    expect(await startNativeExport(new DynamoDBClient(), runOf())).toBe("arn:0");
    expect(await startNativeExport(new DynamoDBClient(), runOf({ attempt: 2 }))).toBe("arn:0");
    expect(tokens).toHaveLength(1);
  });

  it("that has failed is followed by another: its token would give the failed one again", async () => {
    const tokens = exportsOf({ failed: 2 });
    expect(await startNativeExport(new DynamoDBClient(), runOf())).toBe("arn:2");
    expect(new Set(tokens).size).toBe(3);
  });

  it("is not started of a table that was created again since the run began, and refused if one was started", async () => {
    exportsOf({ failed: 0 });
    const run = runOf({ tableId: "one" });
    dynamodb.on(DescribeTableCommand).resolves({ Table: { TableArn: "arn:table", TableId: "two" } });
    await expect(startNativeExport(new DynamoDBClient(), run)).rejects.toThrow(TableRecreatedError);
    expect(requests()).toEqual([]);
    dynamodb.on(DescribeTableCommand).resolves({ Table: { TableArn: "arn:table", TableId: "one" } });
    const exported = (TableId: string) =>
      dynamodb
        .on(DescribeExportCommand)
        .resolves({ ExportDescription: { ExportStatus: "IN_PROGRESS" as const, TableId } });
    exported("two");
    await expect(startNativeExport(new DynamoDBClient(), run)).rejects.toThrow(TableRecreatedError);
    exported("one");
    expect(await startNativeExport(new DynamoDBClient(), run)).toBe("arn:0");
  });

  it("fails after ten that have failed", async () => {
    exportsOf({ failed: Infinity });
    await expect(startNativeExport(new DynamoDBClient(), runOf())).rejects.toThrow(NativeExportError);
    expect(requests()).toHaveLength(10);
  });

  it.each([
    ["of all items for a first window", { to: String(AT) }, undefined],
    ["of all items for a window of more than a day", { from: String(AT - 25 * HOUR_MS), to: String(AT) }, undefined],
    [
      "of the changes in a window of a day",
      { from: String(AT - 24 * HOUR_MS), to: String(AT) },
      { ExportFromTime: new Date(AT - 24 * HOUR_MS), ExportToTime: new Date(AT), ExportViewType: "NEW_IMAGE" },
    ],
  ])("is %s", async (_, window, changes) => {
    exportsOf({ failed: 0 });
    await startNativeExport(new DynamoDBClient(), runOf({ window }));
    expect(requests()[0]).toMatchObject({ TableArn: "arn:table", S3Bucket: "files", S3Prefix: "orders/dt=2026-11-21" });
    expect(requests()[0]?.IncrementalExportSpecification).toEqual(changes);
  });

  it("is encrypted with the export's key", async () => {
    exportsOf({ failed: 0 });
    const kmsKeyArn = "arn:aws:kms:eu-central-1:000000000000:key/k";
    await startNativeExport(new DynamoDBClient(), runOf({ config: { ...runOf().config, kmsKeyArn } }));
    expect(requests()[0]).toMatchObject({ S3SseAlgorithm: "KMS", S3SseKmsKeyId: kmsKeyArn });
  });

  it.each([
    ["IN_PROGRESS", undefined],
    ["COMPLETED", "the/summary.json"],
  ] as const)("%s has the summary %s", async (ExportStatus, key) => {
    const description = { ExportStatus, ExportManifest: "the/summary.json" };
    dynamodb.on(DescribeExportCommand).resolves({ ExportDescription: description });
    expect(await completedSummaryKey(new DynamoDBClient(), "arn:0")).toBe(key);
  });

  it("that failed says why", async () => {
    const description = { ExportStatus: "FAILED" as const, FailureCode: "S3NoSuchBucket", FailureMessage: "no bucket" };
    dynamodb.on(DescribeExportCommand).resolves({ ExportDescription: description });
    await expect(completedSummaryKey(new DynamoDBClient(), "arn:0")).rejects.toThrow("S3NoSuchBucket: no bucket");
  });

  it("has the files of its manifest, with their sizes; none for an empty table", async () => {
    const line = { itemCount: 7, md5Checksum: "m==", dataFileS3Key: "a/data/1.json.gz", etag: "e" };
    const objects: Readonly<Record<string, string>> = {
      "full/summary.json": '{"manifestFilesS3Key":"full/files.json"}',
      "full/files.json": `${JSON.stringify(line)}\n${JSON.stringify({ ...line, itemCount: 0 })}\n`,
      "empty/summary.json": '{"manifestFilesS3Key":"empty/files.json"}',
      "empty/files.json": "",
    };
    s3.on(GetObjectCommand).callsFake(({ Key = "" }: GetObjectCommandInput) => ({
      Body: { transformToString: () => Promise.resolve(objects[Key] ?? "") },
    }));
    s3.on(HeadObjectCommand).resolves({ ContentLength: 99 });
    const file = { key: "a/data/1.json.gz", items: 7, bytes: 99, md5: "m==" };
    expect(await listNativeFiles(new S3Client(), "files", "full/summary.json")).toEqual([file, { ...file, items: 0 }]);
    expect(await listNativeFiles(new S3Client(), "files", "empty/summary.json")).toEqual([]);
  });
});
