import {
  DescribeExportCommand,
  DescribeTableCommand,
  ExportTableToPointInTimeCommand,
  type DynamoDBClient,
} from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, HeadObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import * as z from "zod";

import { createDynamoDB } from "../shared/clients/dynamodb";
import { taskHandler } from "../shared/task-handler";
import { exportClients } from "./clients";
import { nativeCallSchema, type ExportedFile, type Run } from "./contract";
import { parseReadEnvironment } from "./environment";
import { namesOf, runFolder } from "./naming";
import { stateTable } from "./state-table";

/** DynamoDB's limits for an incremental export's window. */
const SHORTEST_WINDOW_MS = 15 * 60_000;
const LONGEST_WINDOW_MS = 24 * 3_600_000;

/** DynamoDB has given the export up, or can't do what is asked of it. */
export class NativeExportError extends Error {
  override readonly name = "NativeExportError";
}

/** A line of the list of files that DynamoDB leaves. */
const listedFileSchema = z.object({ itemCount: z.number(), md5Checksum: z.string(), dataFileS3Key: z.string() });

/**
 * The other engine: DynamoDB itself exports the table, from its point-in-time recovery. Called until it is done; the first call
 * begins, and may come twice.
 */
export const handler = taskHandler(parseReadEnvironment, nativeCallSchema, ({ environment, clock }) => {
  const dynamodb = createDynamoDB();
  const { s3 } = exportClients();
  const state = stateTable(dynamodb, environment.STATE_TABLE, clock);

  return async ({ input: { run, exportArn } }): Promise<{ readonly done: boolean; readonly exportArn: string }> => {
    if (exportArn === undefined) return { done: false, exportArn: await begin(dynamodb, run) };
    const { ExportDescription: told } = await dynamodb.send(new DescribeExportCommand({ ExportArn: exportArn }));
    if (told?.ExportStatus === "FAILED")
      throw new NativeExportError(`${told.FailureCode ?? "failed"}: ${told.FailureMessage ?? "DynamoDB says no more"}`);
    if (told?.ExportStatus !== "COMPLETED") return { done: false, exportArn };
    const files = await filesOf(s3, run.bucket, told.ExportManifest ?? "");
    for (const [number, file] of files.entries()) await state.saveFile(run, number, file);
    return { done: true, exportArn };
  };
});

async function begin(dynamodb: DynamoDBClient, run: Run): Promise<string> {
  const { config, window, bucket } = run;
  const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName: config.table }));
  const period = window?.from === undefined ? undefined : periodOf(Number(window.from), Number(window.to));
  const { ExportDescription } = await dynamodb.send(
    new ExportTableToPointInTimeCommand({
      TableArn: Table?.TableArn,
      S3Bucket: bucket,
      S3Prefix: (runFolder(namesOf(run)) ?? config.prefix ?? config.name).replace(/\/$/, ""),
      // The same token, the same export: whoever asks twice begins one.
      ClientToken: run.id.replace(/\D/g, ""),
      ExportFormat: "DYNAMODB_JSON",
      ...(period ? { ExportType: "INCREMENTAL_EXPORT", IncrementalExportSpecification: period } : {}),
      ...(config.kmsKeyArn !== undefined && { S3SseAlgorithm: "KMS", S3SseKmsKeyId: config.kmsKeyArn }),
    }),
  );
  if (ExportDescription?.ExportArn === undefined) throw new NativeExportError("DynamoDB has given the export no ARN");
  return ExportDescription.ExportArn;
}

function periodOf(from: number, to: number) {
  const length = to - from;
  if (length < SHORTEST_WINDOW_MS || length > LONGEST_WINDOW_MS)
    throw new NativeExportError(
      `DynamoDB exports 15 minutes to 24 hours of changes at a time, and ${Math.round(length / 60_000)} minutes are due`,
    );
  return { ExportFromTime: new Date(from), ExportToTime: new Date(to), ExportViewType: "NEW_IMAGE" } as const;
}

async function filesOf(s3: S3Client, bucket: string, summaryKey: string): Promise<readonly ExportedFile[]> {
  const read = async (Key: string): Promise<string> => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
    return (await Body?.transformToString()) ?? "";
  };
  const { manifestFilesS3Key } = z.object({ manifestFilesS3Key: z.string() }).parse(JSON.parse(await read(summaryKey)));
  const lines = (await read(manifestFilesS3Key)).split("\n").filter((line) => line !== "");
  const files: ExportedFile[] = [];
  for (const line of lines) {
    const { itemCount: items, md5Checksum: md5, dataFileS3Key: key } = listedFileSchema.parse(JSON.parse(line));
    const { ContentLength: bytes = 0 } = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
    files.push({ key, items, bytes, md5 });
  }
  return files;
}
