/** A stub of the AWS services that checker and publisher call, which counts requests. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { CountingDynamoDB } from "./counting-dynamodb";

export class CountingAws {
  readonly dynamodb = new CountingDynamoDB();
  /** By price class: PUT and LIST, GET. */
  readonly s3 = { writes: 0, reads: 0 };
  /** Payloads of asynchronous invocations. */
  readonly invocations: unknown[] = [];
  private readonly objects = new Map<string, string>();

  constructor(objects: Readonly<Record<string, string>>) {
    for (const [path, content] of Object.entries(objects)) this.objects.set(path, content);
  }

  /** @returns the endpoint */
  async listen(): Promise<string> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        this.answer(request, Buffer.concat(chunks).toString(), response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  private answer({ url = "", method, headers }: IncomingMessage, body: string, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(url, "http://aws");
    const operation = headers["x-amz-target"];
    if (typeof operation === "string") {
      const answer = this.dynamodb.answer(operation, JSON.parse(body));
      response.setHeader("Content-Type", "application/x-amz-json-1.0").end(JSON.stringify(answer));
    } else if (pathname.endsWith("/invocations")) {
      this.invocations.push(JSON.parse(body));
      response.writeHead(202).end();
    } else if (method === "PUT") {
      this.s3.writes += 1;
      this.objects.set(pathname, body);
      response.setHeader("ETag", entityTag(body)).end();
    } else if (searchParams.has("list-type")) {
      this.s3.writes += 1;
      response.setHeader("Content-Type", "application/xml").end(this.list(pathname, searchParams.get("prefix") ?? ""));
    } else {
      this.s3.reads += 1;
      const content = this.objects.get(pathname);
      response.writeHead(content === undefined ? 404 : 200).end(content);
    }
  }

  private list(bucket: string, prefix: string): string {
    const path = `${bucket.replace(/\/$/, "")}/`;
    const objects = [...this.objects].filter(([key]) => key.startsWith(`${path}${prefix}`));
    const contents = objects.map(
      ([key, content]) =>
        `<Contents><Key>${key.slice(path.length)}</Key><ETag>${entityTag(content).replaceAll('"', "&quot;")}</ETag></Contents>`,
    );
    return `<ListBucketResult><IsTruncated>false</IsTruncated>${contents.join("")}</ListBucketResult>`;
  }
}

function entityTag(content: string): string {
  return `"${createHash("md5").update(content).digest("hex")}"`;
}
