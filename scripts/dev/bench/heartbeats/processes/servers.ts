/** A separate process, so that it does not disturb the measurements: the targets' servers, and a stub of S3 and DynamoDB. */
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";

import { MONITORS_KEY, type TargetInput } from "../../../../../functions/heartbeats/contract";
import { createAuthority } from "../../../../../test/support/certificates";
import { GOOD_ROWS_PATH, TARGETS } from "./messages";

/** A page of typical size. Some targets search for its last words. */
const PAGE = `<!doctype html>${"<p>Nothing to see here.</p>".repeat(800)}<p>All is well.</p>`;

const page: RequestListener = (_request, response) => response.end(PAGE);

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1", backlog: 1_024 }, resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** One in five over https, one in four with a searched body. */
async function startTargets(): Promise<readonly TargetInput[]> {
  const authority = await createAuthority("Almanac Bench Authority");
  const certificate = await authority.issue({ hosts: ["127.0.0.1"], daysLeft: 90 });
  const plain = await listen(createServer(page));
  const secure = await listen(createSecureServer(certificate, page));
  return Array.from({ length: TARGETS }, (_, index) => ({
    name: `target-${index}`,
    private: true,
    ...(index % 5 === 0
      ? { url: `https://${secure}/${index}`, certificateAuthority: authority.cert }
      : { url: `http://${plain}/${index}` }),
    ...(index % 4 === 0 ? { bodyContains: "All is well" } : {}),
  }));
}

/** GetObject returns the targets or empty settings; DynamoDB and Lambda return empty successes. */
function awsStub(targets: readonly TargetInput[]): RequestListener {
  const list = JSON.stringify(targets);
  let goodRows = 0;
  return (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      goodRows += Buffer.concat(chunks).toString().split('"ok":{"BOOL":true}').length - 1;
      if (request.url === GOOD_ROWS_PATH) response.end(String(goodRows));
      else if (request.method === "GET")
        response.setHeader("Content-Type", "application/json").end(request.url?.includes(MONITORS_KEY) ? "{}" : list);
      else response.setHeader("Content-Type", "application/x-amz-json-1.0").end('{"UnprocessedItems":{}}');
    });
  };
}

async function main(): Promise<void> {
  const stub = await listen(createServer(awsStub(await startTargets())));
  process.send?.({ awsEndpoint: `http://${stub}` });
}

void main();
