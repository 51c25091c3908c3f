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

import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { mapConcurrently } from "../shared/concurrency";
import { invocationHandler } from "../shared/handlers/invocation-handler";
import { exportClients } from "./scan/clients";
import { nativeCallSchema, readEnvironment, type ExportedFile, type Run } from "./contract";
import { answeringFailures } from "./run/failure";
import { namesOf, runFolder } from "./run/object-keys";
import { stateTable } from "./storage/state-table";
import { changesOf } from "./run/window";

/** Files looked at and noted at a time: a large table has thousands. */
const FILES_AT_A_TIME = 16;

/** Exports asked for, each after one that failed. */
const MOST_ROUNDS = 10;

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
export const handler = invocationHandler(
  readEnvironment,
  { input: nativeCallSchema },
  ({ environment, clock, logger }) => {
    const dynamodb = createDynamoDB();
    const { s3 } = exportClients();
    const state = stateTable(dynamodb, environment.STATE_TABLE, clock);

    return answeringFailures(
      logger,
      async ({ run, exportArn }): Promise<{ readonly done: boolean; readonly exportArn: string }> => {
        if (exportArn === undefined) return { done: false, exportArn: await begin(dynamodb, run) };
        const told = await describe(dynamodb, exportArn);
        if (told?.ExportStatus === "FAILED")
          throw new NativeExportError(
            `${told.FailureCode ?? "failed"}: ${told.FailureMessage ?? "DynamoDB says no more"}`,
          );
        if (told?.ExportStatus !== "COMPLETED") return { done: false, exportArn };
        const files = await filesOf(s3, run.bucket, told.ExportManifest ?? "");
        await mapConcurrently([...files.entries()], FILES_AT_A_TIME, ([number, file]) =>
          state.saveFile(run, number, file),
        );
        return { done: true, exportArn };
      },
    );
  },
);

/** The same token is the same export for eight hours: whoever asks twice begins one. One that has failed is followed by another. */
async function begin(dynamodb: DynamoDBClient, run: Run): Promise<string> {
  const { config, window, bucket } = run;
  const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName: config.table }));
  const changes = window && changesOf(window);
  for (let round = 1; round <= MOST_ROUNDS; round++) {
    const { ExportDescription } = await dynamodb.send(
      new ExportTableToPointInTimeCommand({
        TableArn: Table?.TableArn,
        S3Bucket: bucket,
        S3Prefix: (runFolder(namesOf(run)) ?? config.prefix ?? config.name).replace(/\/$/, ""),
        ClientToken: createHash("md5").update(`${run.subject} ${run.id} ${round}`).digest("hex"),
        ExportFormat: "DYNAMODB_JSON",
        ...(changes && {
          ExportType: "INCREMENTAL_EXPORT",
          IncrementalExportSpecification: {
            ExportFromTime: new Date(changes.from),
            ExportToTime: new Date(changes.to),
            ExportViewType: "NEW_IMAGE",
          },
        }),
        ...(config.kmsKeyArn !== undefined && { S3SseAlgorithm: "KMS", S3SseKmsKeyId: config.kmsKeyArn }),
      }),
    );
    const { ExportArn: exportArn } = ExportDescription ?? {};
    if (exportArn === undefined) throw new NativeExportError("DynamoDB has given the export no ARN");
    if ((await describe(dynamodb, exportArn))?.ExportStatus !== "FAILED") return exportArn;
  }
  throw new NativeExportError(`${MOST_ROUNDS} exports have failed one after the other`);
}

async function describe(dynamodb: DynamoDBClient, ExportArn: string): Promise<ExportDescription | undefined> {
  return (await dynamodb.send(new DescribeExportCommand({ ExportArn }))).ExportDescription;
}

async function filesOf(s3: S3Client, bucket: string, summaryKey: string): Promise<readonly ExportedFile[]> {
  const read = async (Key: string): Promise<string> => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
    return (await Body?.transformToString()) ?? "";
  };
  const { manifestFilesS3Key } = z.object({ manifestFilesS3Key: z.string() }).parse(JSON.parse(await read(summaryKey)));
  const lines = (await read(manifestFilesS3Key)).split("\n").filter((line) => line !== "");
  return mapConcurrently(lines, FILES_AT_A_TIME, async (line): Promise<ExportedFile> => {
    const { itemCount: items, md5Checksum: md5, dataFileS3Key: key } = listedFileSchema.parse(JSON.parse(line));
    const { ContentLength: bytes = 0 } = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
    return { key, items, bytes, md5 };
  });
}
