import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { crc32 } from "node:zlib";

import { DynamoDBClient } from "@aws-sdk/client-dynamodb";

import { tableScan } from "../../../../functions/exports/scan/table-scan";

interface Answer {
  readonly status?: number;
  readonly body: string;
  readonly checksum?: number;
}

let server: Server;
let answers: Answer[];
let asked: unknown[];

beforeAll(async () => {
  server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      asked.push(JSON.parse(body));
      const { status = 200, body: text, checksum } = answers.shift() ?? { body: "{}" };
      const bytes = Buffer.from(text);
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
  [answers, asked] = [[], []];
});

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function scan(): ReturnType<typeof tableScan> {
  const dynamodb = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: "eu-central-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 3,
  });
  return tableScan(dynamodb, { TableName: "orders", Segment: 1, TotalSegments: 4 });
}

const PAGE = '{"Items":[{"n":{"N":"12345678901234567890.10"}} , {}],"Count":2}';

describe("a scan", () => {
  it("hands pages on byte for byte, as DynamoDB has sent them", async () => {
    answers = [{ body: PAGE }];
    expect((await scan()(undefined)).toString()).toBe(PAGE);
    expect(asked).toEqual([{ TableName: "orders", Segment: 1, TotalSegments: 4, ReturnConsumedCapacity: "TOTAL" }]);
  });

  it("goes on after a key of any types", async () => {
    const page = scan();
    const key = { id: { S: "größe" }, n: { N: "12345678901234567890123" }, b: { B: "AAEC" } };
    await page(JSON.stringify(key));
    expect(asked).toEqual([expect.objectContaining({ ExclusiveStartKey: key })]);
  });

  it("takes pages larger than any before, and gives each the same place", async () => {
    const large = JSON.stringify({ Items: [{ text: { S: "x".repeat(5_000_000) } }] });
    answers = [{ body: PAGE }, { body: large }, { body: PAGE }];
    const page = scan();
    await page(undefined);
    const second = await page(undefined);
    expect(second.toString()).toBe(large);
    const third = await page(undefined);
    expect(third.toString()).toBe(PAGE);
    expect(third.buffer).toBe(second.buffer);
  });

  it("asks again for a page that came otherwise than DynamoDB had sent it", async () => {
    answers = [{ body: PAGE, checksum: 1 }, { body: PAGE }];
    expect((await scan()(undefined)).toString()).toBe(PAGE);
    expect(asked).toHaveLength(2);
  });

  it("asks again when DynamoDB is busy, and not when it refuses", async () => {
    const error = (code: string): Answer => ({
      status: 400,
      body: JSON.stringify({ __type: `com.amazonaws#${code}`, message: "no" }),
    });
    answers = [error("ProvisionedThroughputExceededException"), { body: PAGE }];
    expect((await scan()(undefined)).toString()).toBe(PAGE);
    answers = [error("AccessDeniedException")];
    await expect(scan()(undefined)).rejects.toMatchObject({ name: "AccessDeniedException", message: "no" });
    expect(asked).toHaveLength(3);
  });

  it("gives up a page that is damaged again and again", async () => {
    answers = Array.from({ length: 3 }, () => ({ body: PAGE, checksum: 1 }));
    await expect(scan()(undefined)).rejects.toThrow("damaged");
  });
});
