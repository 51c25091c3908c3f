/** AWS clients of the reader, with the retries and connections that large requests need. */
import type { DynamoDBClient, DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import type { S3Client } from "@aws-sdk/client-s3";

import { createDynamoDB } from "../../shared/aws/clients/dynamodb";
import { createS3 } from "../../shared/aws/clients/s3";
import { isObject } from "../../shared/errors";
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
  return {
    dynamodb: createDynamoDB({ ...LARGE_REQUESTS, ...dynamodb }),
    s3: withUnsignedChunks(createS3(account, LARGE_REQUESTS)),
  };
}

/**
 * The signature of a chunk covers its CRC-32, which S3 checks, and not its SHA-256: that would be computed a second time, because the manifest
 * has the file's, and take a tenth of an export's time.
 */
function withUnsignedChunks(s3: S3Client): S3Client {
  s3.middlewareStack.add(
    (next, { commandName }) =>
      (args) => {
        if (commandName === "UploadPartCommand" && isHttpRequest(args.request))
          args.request.headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD";
        return next(args);
      },
    { step: "build", name: "unsignedChunks" },
  );
  return s3;
}

function isHttpRequest(request: unknown): request is { readonly headers: Record<string, string> } {
  return isObject(request) && "headers" in request && isObject(request.headers);
}
