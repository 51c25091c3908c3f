/** Scans a table page by page, without parsing the responses. */
import { crc32 } from "node:zlib";

import { ScanCommand, type DynamoDBClient, type ScanCommandInput } from "@aws-sdk/client-dynamodb";

import { isObject } from "../../shared/errors";
import { parseDynamoKey } from "../format/plain-json";

/** Reads the page after a key (DynamoDB JSON), or the first page, with at most `limit` items. The next call overwrites the buffer. */
export type TableScan = (afterKey: string | undefined, limit?: number) => Promise<Buffer>;

/** The checksum does not match. The SDK retries. */
class ChecksumMismatchError extends Error {
  override readonly name = "ChecksumMismatchError";
  readonly $retryable = { throttling: false };
}

/** Response of the SDK's HTTP handler. */
interface RawResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  body: unknown;
}

/** The SDK signs, sends and retries. Its deserializer, which would create an object for each attribute, gets an empty response. */
export function tableScan(dynamodb: DynamoDBClient, input: ScanCommandInput): TableScan {
  let buffer = Buffer.allocUnsafe(2 * 1_048_576);
  const readBody = async ({ headers, body }: RawResponse): Promise<Buffer> => {
    let length = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      if (length + chunk.length > buffer.length) {
        const larger = Buffer.allocUnsafe(2 * (length + chunk.length));
        buffer.copy(larger, 0, 0, length);
        buffer = larger;
      }
      chunk.copy(buffer, length);
      length += chunk.length;
    }
    const page = buffer.subarray(0, length);
    const checksum = headers["x-amz-crc32"];
    if (checksum !== undefined && Number(checksum) !== crc32(page))
      throw new ChecksumMismatchError("the checksum of a page does not match");
    return page;
  };
  return async (afterKey, limit) => {
    let page: Buffer | undefined;
    const command = new ScanCommand({
      ...input,
      ReturnConsumedCapacity: "TOTAL",
      ...(limit !== undefined && { Limit: limit }),
      ...(afterKey !== undefined && { ExclusiveStartKey: parseDynamoKey(afterKey) }),
    });
    command.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        const { response } = result;
        if (!isRawResponse(response) || response.statusCode !== 200) return result;
        page = await readBody(response);
        response.body = EMPTY_RESPONSE;
        return result;
      },
      // Low priority runs closest to the HTTP handler, before the deserializer.
      { step: "deserialize", priority: "low", name: "readRawPage" },
    );
    await dynamodb.send(command);
    if (page === undefined) throw new Error("the SDK did not call the middleware");
    return page;
  };
}

const EMPTY_RESPONSE = Buffer.from("{}");

function isRawResponse(response: unknown): response is RawResponse {
  return isObject(response) && "statusCode" in response && "headers" in response && "body" in response;
}
