/** DynamoDB and S3 as far as an export uses them, in a separate process that is not measured. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { crc32 } from "node:zlib";

import { COUNTED_PATH, keyOf, type Counted, type ItemSize } from "./messages";

const PAGE_BYTES = 1_048_576;
/** Tables repeat this many pages: too many for the CPU cache. */
const DISTINCT_PAGES = 16;

interface Page {
  /** The response up to the end of the items. */
  readonly head: Buffer;
  readonly checksum: number;
  readonly items: number;
}

/** Seeded, uniform in [0, 1): mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const WORDS =
  'delivery returned customer invoice pending shipment Zürich größe “quoted” \\ naïve order "box" today'.split(" ");

function itemOf(size: ItemSize, random: () => number): Readonly<Record<string, unknown>> {
  const number = (limit: number): string => String(Math.floor(random() * limit));
  const words = (count: number): string =>
    Array.from({ length: count }, () => WORDS[Math.floor(random() * WORDS.length)]).join(" ");
  const log = {
    transaction_id: { S: Array.from({ length: 4 }, () => number(2 ** 32).padStart(10, "0")).join("-") },
    access_timestamp: { N: `17${number(1e8).padStart(8, "0")}` },
    user_id: { S: `user-${number(1e5)}` },
    path: { S: `/products/${number(1e4)}/reviews` },
    duration: { N: `${number(1e3)}.${number(1e6)}` },
    signed_in: { BOOL: random() < 0.5 },
    referrer: { NULL: true },
    tags: { SS: ["web", "beta"] },
  };
  if (size === "300b") return log;
  const line = (): unknown => ({
    M: {
      sku: { S: `sku-${number(1e6)}` },
      quantity: { N: number(9) },
      price: { N: `${number(1e3)}.99` },
      note: { S: words(8) },
    },
  });
  return {
    ...log,
    lines: { L: Array.from({ length: 12 }, line) },
    text: { S: words(180) },
    image: { B: Buffer.from(words(50)).toString("base64") },
  };
}

function pageOf(size: ItemSize, seed: number): Page {
  const random = randomFrom(seed);
  const items: string[] = [];
  for (let bytes = 0; bytes < PAGE_BYTES;) {
    const item = JSON.stringify(itemOf(size, random));
    bytes += item.length;
    items.push(item);
  }
  const head = Buffer.from(`{"Count":${items.length},"Items":[${items.join(",")}]`);
  return { head, checksum: crc32(head), items: items.length };
}

const pagesOf = (size: ItemSize): readonly Page[] =>
  Array.from({ length: DISTINCT_PAGES }, (_, seed) => pageOf(size, seed));
const pages: Readonly<Record<ItemSize, readonly Page[]>> = { "300b": pagesOf("300b"), "4kb": pagesOf("4kb") };

let counted: Counted = { pages: 0, scanned: 0, items: 0, puts: 0, stored: 0 };

function answerScan(body: string, response: ServerResponse): void {
  const [, size = "", count = "", page = ""] = /"(300b|4kb) (\d+) (\d+)"/.exec(body) ?? [];
  const next = Number(page) + 1;
  const found = pages[size as ItemSize][Number(page) % DISTINCT_PAGES];
  if (found === undefined) throw new Error(`no page for ${body}`);
  const { head, checksum, items } = found;
  const more =
    next < Number(count)
      ? `"LastEvaluatedKey":{"id":{"S":"${keyOf({ itemSize: size as ItemSize, pages: Number(count) }, next)}"}},`
      : "";
  const tail = Buffer.from(
    `,${more}"ScannedCount":${items},"ConsumedCapacity":{"TableName":"bench","CapacityUnits":128.5}}`,
  );
  counted = {
    ...counted,
    pages: counted.pages + 1,
    scanned: counted.scanned + head.length + tail.length,
    items: counted.items + items,
  };
  response.writeHead(200, {
    "Content-Type": "application/x-amz-json-1.0",
    "Content-Length": head.length + tail.length,
    "x-amz-crc32": crc32(tail, checksum),
  });
  response.write(head);
  response.end(tail);
}

/** Counts a body's bytes; passes its text only when it is short. */
function read(request: IncomingMessage, done: (bytes: number, body: string) => void): void {
  let bytes = 0;
  let body = "";
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes < 10_000) body += chunk.toString();
  });
  request.on("end", () => {
    done(bytes, body);
  });
}

const server = createServer((request, response) => {
  if (request.url === COUNTED_PATH) {
    response.end(JSON.stringify(counted));
    counted = { pages: 0, scanned: 0, items: 0, puts: 0, stored: 0 };
    return;
  }
  read(request, (bytes, body) => {
    if (request.headers["x-amz-target"] !== undefined) {
      answerScan(body, response);
      return;
    }
    counted = { ...counted, puts: counted.puts + 1, stored: counted.stored + (request.method === "PUT" ? bytes : 0) };
    response.setHeader("ETag", '"0123456789abcdef0123456789abcdef"');
    if (request.method === "PUT") response.end();
    else if (request.url?.includes("uploads"))
      response.end("<InitiateMultipartUploadResult><UploadId>bench</UploadId></InitiateMultipartUploadResult>");
    else response.end("<CompleteMultipartUploadResult><ETag>bench-1</ETag></CompleteMultipartUploadResult>");
  });
});

server.listen(0, "127.0.0.1", () => {
  process.send?.({ awsEndpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
