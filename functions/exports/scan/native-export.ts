/** DynamoDB's own export to S3. */
import { createHash } from "node:crypto";

import {
  DescribeExportCommand,
  DescribeTableCommand,
  ExportTableToPointInTimeCommand,
  type DynamoDBClient,
  type ExportDescription,
} from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, HeadObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import * as z from "zod";

import { mapConcurrently } from "../../shared/resilience/concurrency";
import { parseJson } from "../../shared/input";
import type { ExportedFile, Run } from "../contract";
import { runFolder } from "../run/object-keys";
import { assertSameTable } from "../run/table-identity";
import { incrementalPeriod } from "../run/window";

const CONCURRENT_REQUESTS = 16;

/** Each is a new export after one that failed. */
const MAX_ATTEMPTS = 10;

/** DynamoDB's export failed. The message has DynamoDB's reason. */
export class NativeExportError extends Error {
  override readonly name = "NativeExportError";
}

/** A line of DynamoDB's `manifest-files.json`. */
const manifestLineSchema = z.object({ itemCount: z.number(), md5Checksum: z.string(), dataFileS3Key: z.string() });

/**
 * Starts an export. Idempotent for eight hours, by its client token; a failed export is followed by another.
 *
 * @returns its ARN
 * @throws {@link NativeExportError}, TableRecreatedError
 */
export async function startNativeExport(dynamodb: DynamoDBClient, run: Run): Promise<string> {
  const { config, window, bucket } = run;
  const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName: config.table }));
  assertSameTable(run, Table?.TableId);
  const period = window && incrementalPeriod(window);
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const { ExportDescription } = await dynamodb.send(
      new ExportTableToPointInTimeCommand({
        TableArn: Table?.TableArn,
        S3Bucket: bucket,
        S3Prefix: (runFolder(run) ?? config.prefix ?? config.name).replace(/\/$/, ""),
        ClientToken: createHash("md5").update(`${run.exportId} ${run.id} ${attempt}`).digest("hex"),
        ExportFormat: "DYNAMODB_JSON",
        ...(period && {
          ExportType: "INCREMENTAL_EXPORT",
          IncrementalExportSpecification: {
            ExportFromTime: new Date(period.from),
            ExportToTime: new Date(period.to),
            ExportViewType: "NEW_IMAGE",
          },
        }),
        ...(config.kmsKeyArn !== undefined && { S3SseAlgorithm: "KMS", S3SseKmsKeyId: config.kmsKeyArn }),
      }),
    );
    const { ExportArn: exportArn } = ExportDescription ?? {};
    if (exportArn === undefined) throw new NativeExportError("DynamoDB returned no export ARN");
    const started = await describeExport(dynamodb, exportArn);
    assertSameTable(run, started?.TableId);
    if (started?.ExportStatus !== "FAILED") return exportArn;
  }
  throw new NativeExportError(`${MAX_ATTEMPTS} exports failed in a row`);
}

/**
 * @returns the S3 key of the summary when the export is completed; undefined while it is in progress
 * @throws {@link NativeExportError} when it failed
 */
export async function completedSummaryKey(dynamodb: DynamoDBClient, exportArn: string): Promise<string | undefined> {
  const description = await describeExport(dynamodb, exportArn);
  const { ExportStatus, ExportManifest = "", FailureCode, FailureMessage } = description ?? {};
  if (ExportStatus === "FAILED")
    throw new NativeExportError(`${FailureCode ?? "failed"}: ${FailureMessage ?? "DynamoDB gave no reason"}`);
  return ExportStatus === "COMPLETED" ? ExportManifest : undefined;
}

/** @param summaryKey of `manifest-summary.json` */
export async function listNativeFiles(
  s3: S3Client,
  Bucket: string,
  summaryKey: string,
): Promise<readonly ExportedFile[]> {
  const read = async (Key: string): Promise<string> => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    return (await Body?.transformToString()) ?? "";
  };
  const { manifestFilesS3Key } = z.object({ manifestFilesS3Key: z.string() }).parse(parseJson(await read(summaryKey)));
  const lines = (await read(manifestFilesS3Key)).split("\n").filter((line) => line !== "");
  return mapConcurrently(lines, CONCURRENT_REQUESTS, async (line): Promise<ExportedFile> => {
    const { itemCount: items, md5Checksum: md5, dataFileS3Key: key } = manifestLineSchema.parse(parseJson(line));
    const { ContentLength: bytes = 0 } = await s3.send(new HeadObjectCommand({ Bucket, Key: key }));
    return { key, items, bytes, md5 };
  });
}

async function describeExport(dynamodb: DynamoDBClient, ExportArn: string): Promise<ExportDescription | undefined> {
  return (await dynamodb.send(new DescribeExportCommand({ ExportArn }))).ExportDescription;
}
