/** DynamoDB and S3 as far as an export uses them, in a separate process that is not measured. */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { crc32 } from "node:zlib";

import { COUNTED_PATH, itemSizeSchema, keyOf, TLS_VARIABLES, type Counted, type ItemSize } from "../messages";
import { pagesOf, type Page } from "../pages";

interface StoredPage extends Page {
  /** Of the head. */
  readonly checksum: number;
}

const stored = (size: ItemSize): readonly StoredPage[] =>
  pagesOf(size).map((page) => ({ ...page, checksum: crc32(page.head) }));
const pages: Readonly<Record<ItemSize, readonly StoredPage[]>> = { "300b": stored("300b"), "4kb": stored("4kb") };

const NOTHING: Counted = { pages: 0, scanned: 0, tableBytes: 0, items: 0, puts: 0, stored: 0 };
let counted = NOTHING;

function answerScan(body: string, response: ServerResponse): void {
  const [, size = "", count = "", page = ""] = /"(300b|4kb) (\d+) (\d+)"/.exec(body) ?? [];
  const next = Number(page) + 1;
  const ofSize = pages[itemSizeSchema.parse(size)];
  const found = ofSize[Number(page) % ofSize.length];
  if (found === undefined) throw new Error(`no page for ${body}`);
  const { head, checksum, items, tableBytes } = found;
  const more =
    next < Number(count)
      ? `"LastEvaluatedKey":{"id":{"S":"${keyOf({ itemSize: itemSizeSchema.parse(size), pages: Number(count) }, next)}"}},`
      : "";
  const tail = Buffer.from(
    `,${more}"ScannedCount":${items},"ConsumedCapacity":{"TableName":"bench","CapacityUnits":128.5}}`,
  );
  counted = {
    ...counted,
    pages: counted.pages + 1,
    scanned: counted.scanned + head.length + tail.length,
    tableBytes: counted.tableBytes + tableBytes,
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

const answer: RequestListener = (request, response) => {
  if (request.url === COUNTED_PATH) {
    response.end(JSON.stringify(counted));
    counted = NOTHING;
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
};

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function main(): Promise<void> {
  const plain = await listen(createServer(answer));
  const { [TLS_VARIABLES.certificate]: cert = "", [TLS_VARIABLES.key]: key = "" } = process.env;
  const secure = await listen(createSecureServer({ cert, key }, answer));
  process.send?.({ awsEndpoint: `http://${plain}`, tlsEndpoint: `https://${secure}` });
}

void main();
