import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text as bodyOf } from "node:stream/consumers";
import { crc32 } from "node:zlib";

import { DynamoDBClient } from "@aws-sdk/client-dynamodb";

import { tableScan } from "../../../../functions/exports/scan/table-scan";

interface Response {
  readonly status?: number;
  readonly body: string;
  readonly checksum?: number;
  /** After a few bytes. */
  readonly stalls?: boolean;
}

let server: Server;
let responses: Response[];
let requests: unknown[];

beforeAll(async () => {
  server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      requests.push(JSON.parse(body));
      const { status = 200, body: text, checksum, stalls } = responses.shift() ?? { body: "{}" };
      const bytes = Buffer.from(text);
      if (stalls === true) {
        response.writeHead(200, { "Content-Length": bytes.length });
        response.write(bytes.subarray(0, 5));
        return;
      }
      response.writeHead(status, { "x-amz-crc32": checksum ?? crc32(bytes), "Content-Length": bytes.length });
      response.end(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});
beforeEach(() => {
  [responses, requests] = [[], []];
});

/** @param idleMs without a byte, until a request is retried */
function scan(idleMs = 60_000): ReturnType<typeof tableScan> {
  const dynamodb = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: "eu-central-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 3,
    requestHandler: { requestTimeout: 60_000, socketTimeout: idleMs, throwOnRequestTimeout: true },
  });
  return tableScan(dynamodb, { TableName: "orders", Segment: 1, TotalSegments: 4 });
}

const PAGE = '{"Items":[{"n":{"N":"12345678901234567890.10"}} , {}],"Count":2}';

describe("a scan", () => {
  it("returns the bytes of a page unchanged", async () => {
    responses = [{ body: PAGE }];
    expect((await scan()(undefined)).toString()).toBe(PAGE);
    expect(requests).toEqual([{ TableName: "orders", Segment: 1, TotalSegments: 4, ReturnConsumedCapacity: "TOTAL" }]);
  });

  it("continues after a key of any types", async () => {
    const page = scan();
    const key = { id: { S: "größe" }, n: { N: "12345678901234567890123" }, b: { B: "AAEC" } };
    await page(JSON.stringify(key));
    expect(requests).toEqual([expect.objectContaining({ ExclusiveStartKey: key })]);
  });

  it("grows its buffer for larger pages, and reuses it", async () => {
    const large = JSON.stringify({ Items: [{ text: { S: "x".repeat(5_000_000) } }] });
    responses = [{ body: PAGE }, { body: large }, { body: PAGE }];
    const page = scan();
    await page(undefined);
    const second = await page(undefined);
    expect(second.toString()).toBe(large);
    const third = await page(undefined);
    expect(third.toString()).toBe(PAGE);
    expect(third.buffer).toBe(second.buffer);
  });

  it("retries a page whose checksum does not match", async () => {
    responses = [{ body: PAGE, checksum: 1 }, { body: PAGE }];
    expect((await scan()(undefined)).toString()).toBe(PAGE);
    expect(requests).toHaveLength(2);
  });

  it("retries a page that stalls in the middle", async () => {
    responses = [{ body: PAGE, stalls: true }, { body: PAGE }];
    expect((await scan(2_000)(undefined)).toString()).toBe(PAGE);
    expect(requests).toHaveLength(2);
  });

  it("limits the items of a page", async () => {
    await scan()(undefined, 7);
    expect(requests).toEqual([expect.objectContaining({ Limit: 7 })]);
  });

  it("retries throttling, but not denied access", async () => {
    const error = (code: string): Response => ({
      status: 400,
      body: JSON.stringify({ __type: `com.amazonaws#${code}`, message: "no" }),
    });
    responses = [error("ProvisionedThroughputExceededException"), { body: PAGE }];
    expect((await scan()(undefined)).toString()).toBe(PAGE);
    responses = [error("AccessDeniedException")];
    await expect(scan()(undefined)).rejects.toMatchObject({ name: "AccessDeniedException", message: "no" });
    expect(requests).toHaveLength(3);
  });

  it("fails when the checksum never matches", async () => {
    responses = Array.from({ length: 3 }, () => ({ body: PAGE, checksum: 1 }));
    await expect(scan()(undefined)).rejects.toThrow("checksum");
  });
});
