import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { statusPageServer } from "../../../../scripts/local/pages/status-page";

const OBJECTS: Readonly<Record<string, readonly [contentType: string, content: string]>> = {
  "/page/index.html": ["text/html; charset=utf-8", "<h1>Status</h1>"],
  "/page/badges/site.svg": ["image/svg+xml; charset=utf-8", "<svg/>"],
};

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function listen(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((listening) => {
    server.listen(0, "127.0.0.1", listening);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The pages of a bucket in an S3 that requires signatures. */
async function pagesOf(bucket: string): Promise<string> {
  const endpoint = await listen(
    createServer((request, response) => {
      const [ContentType, content] = OBJECTS[new URL(request.url ?? "", "http://s3").pathname] ?? [];
      if (request.headers.authorization === undefined) response.writeHead(403).end();
      else if (content === undefined) response.writeHead(404).end("<Error><Code>NoSuchKey</Code></Error>");
      else response.writeHead(200, { "Content-Type": ContentType }).end(content);
    }),
  );
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const serve = statusPageServer(bucket, { endpoint, region: "eu-central-1", credentials });
  return listen(
    createServer((request, response) => {
      serve(request.url ?? "/", response).catch(() => response.destroy());
    }),
  );
}

describe("the status page on loopback", () => {
  it.each([
    ["/", "text/html; charset=utf-8", "<h1>Status</h1>"],
    ["/badges/site.svg", "image/svg+xml; charset=utf-8", "<svg/>"],
  ])("has %s with its content type", async (path, contentType, content) => {
    const response = await fetch(`${await pagesOf("page")}${path}`);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, contentType]);
    expect(await response.text()).toBe(content);
  });

  it("has no other files", async () => {
    expect((await fetch(`${await pagesOf("page")}/secret.txt`)).status).toBe(404);
  });

  it("reloads until the page is published", async () => {
    const response = await fetch(`${await pagesOf("empty")}/`);
    expect([response.status, response.headers.get("refresh")]).toEqual([503, "2"]);
    expect(await response.text()).toContain("not published yet");
  });
});
