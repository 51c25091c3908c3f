/** AWS clients of the reader, with the retries and connections that large requests need. */
import type { DynamoDBClient, DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import type { S3Client } from "@aws-sdk/client-s3";

import { createDynamoDB } from "../../shared/aws/clients/dynamodb";
import { createS3 } from "../../shared/aws/clients/s3";
import { MINUTE_MS } from "../../shared/time";

/** Pages and chunks are megabytes, and a table may throttle for a while. */
const LARGE_REQUESTS = {
  maxAttempts: 8,
  // Slows down for as long as a table throttles.
  retryMode: "adaptive",
  requestHandler: {
    connectionTimeout: 2_000,
    requestTimeout: MINUTE_MS,
    socketTimeout: MINUTE_MS,
    throwOnRequestTimeout: true,
  },
} as const;

/** Clients that scan tables and write files into buckets of this account. */
export function exportClients(
  account: string,
  dynamodb: DynamoDBClientConfig = {},
): {
  readonly dynamodb: DynamoDBClient;
  readonly s3: S3Client;
} {
  return { dynamodb: createDynamoDB({ ...LARGE_REQUESTS, ...dynamodb }), s3: createS3(account, LARGE_REQUESTS) };
}
