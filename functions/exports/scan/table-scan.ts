/** Scans a table page by page and hands the pages on as DynamoDB sent them, byte for byte. */
import { crc32 } from "node:zlib";

import { ScanCommand, type DynamoDBClient, type ScanCommandInput } from "@aws-sdk/client-dynamodb";

import { isObject } from "../../shared/errors";
import { parseDynamoKey } from "../format/plain-json";

/** Reads the page that begins after a key (DynamoDB JSON), or the first. Its bytes are good until the next call. */
export type TableScan = (afterKey: string | undefined) => Promise<Buffer>;

/** A page came otherwise than DynamoDB had sent it. Tried again by the SDK, as whatever the network does. */
class DamagedPageError extends Error {
  override readonly name = "DamagedPageError";
  readonly $retryable = { throttling: false };
}

/** As the SDK's HTTP handler gives it. */
interface RawResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  body: unknown;
}

/**
 * The SDK signs, sends and tries again; only its reading of the answer, which would make an object of each attribute, is given an
 * empty one instead.
 */
export function tableScan(dynamodb: DynamoDBClient, input: ScanCommandInput): TableScan {
  let buffer = Buffer.allocUnsafe(2 * 1_048_576);
  const keep = async ({ headers, body }: RawResponse): Promise<Buffer> => {
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
    if (checksum !== undefined && Number(checksum) !== crc32(page)) throw new DamagedPageError("a page was damaged");
    return page;
  };
  return async (afterKey) => {
    let page: Buffer | undefined;
    const command = new ScanCommand({
      ...input,
      ReturnConsumedCapacity: "TOTAL",
      ...(afterKey !== undefined && { ExclusiveStartKey: parseDynamoKey(afterKey) }),
    });
    command.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        const { response } = result;
        if (!isRawResponse(response) || response.statusCode !== 200) return result;
        page = await keep(response);
        response.body = EMPTY_ANSWER;
        return result;
      },
      // The lowest priority is next to the wire: before the SDK reads the answer.
      { step: "deserialize", priority: "low", name: "keepRawPage" },
    );
    await dynamodb.send(command);
    if (page === undefined) throw new Error("the SDK has not called its middleware");
    return page;
  };
}

const EMPTY_ANSWER = Buffer.from("{}");

function isRawResponse(response: unknown): response is RawResponse {
  return isObject(response) && "statusCode" in response && "headers" in response && "body" in response;
}
