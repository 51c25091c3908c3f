/** Keeps a task's result: in its row, or in S3 when it is long. */
import { PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { Context } from "aws-lambda";
import { createHash } from "node:crypto";

import { accountOf } from "../shared/aws/arn";
import { createS3 } from "../shared/aws/clients/s3";
import { workEnvironment, type WorkResult } from "./contract";

/** Longer results go to S3: a row has at most 400 KB, a state of Step Functions 256 KiB. */
const MAX_ROW_BYTES = 32_000;

/** Wraps the user's handler: its result is kept, whatever its size. */
export function keepResult(
  work: (event: unknown, context: Context) => unknown,
  createClient: (account: string) => S3Client = createS3,
): (event: unknown, context: Context) => Promise<WorkResult> {
  let s3: S3Client | undefined;
  return async (event, context) => {
    const result = await work(event, context);
    // Undefined for functions and symbols too: they have no JSON.
    const json = JSON.stringify(result) as string | undefined;
    if (json === undefined) return { json: "", location: "" };
    if (Buffer.byteLength(json) <= MAX_ROW_BYTES) return { json, location: "" };
    const { RESULTS_BUCKET: Bucket } = workEnvironment.parse(process.env);
    const Key = keyOf(event);
    s3 ??= createClient(accountOf(context.invokedFunctionArn));
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: json, ContentType: "application/json" }));
    return { json: "", location: `s3://${Bucket}/${Key}` };
  };
}

/** The same for each attempt of a task, another for each task: a retry overwrites its own result. */
function keyOf(event: unknown): string {
  return `results/${createHash("sha256").update(JSON.stringify(event)).digest("hex")}.json`;
}
