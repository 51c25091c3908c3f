import type { DynamoDBClient, DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import type { S3Client } from "@aws-sdk/client-s3";

import { createDynamoDB } from "../../shared/aws/clients/dynamodb";
import { createS3 } from "../../shared/aws/clients/s3";
import { MINUTE_MS } from "../../shared/time";

/** Pages and chunks are megabytes, and a table may be busy for a while: patience that small requests need not have. */
const PATIENT = {
  maxAttempts: 8,
  requestHandler: { connectionTimeout: 2_000, requestTimeout: MINUTE_MS, throwOnRequestTimeout: true },
} as const;

/** The clients that tables are read and files are written with. */
export function exportClients(dynamodb: DynamoDBClientConfig = {}): {
  readonly dynamodb: DynamoDBClient;
  readonly s3: S3Client;
} {
  return { dynamodb: createDynamoDB({ ...PATIENT, ...dynamodb }), s3: createS3(PATIENT) };
}
