/** A separate process, so that it does not disturb the measurements: the targets' servers, and a stub of S3 and DynamoDB. */
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";

import { MONITORS_KEY, type TargetInput } from "../../../../../functions/heartbeats/contract";
import { createAuthority } from "../../../../../test/support/certificates";
import { MAX_LATENCY_MS, RESPONSE_MS, ROWS_PATH, TARGETS, type SavedRows } from "./messages";

/** A page of typical size. Some targets search for its last words. */
const PAGE = `<!doctype html>${"<p>Nothing to see here.</p>".repeat(800)}<p>All is well.</p>`;

const page: RequestListener = (_request, response) => {
  setTimeout(() => response.end(PAGE), RESPONSE_MS);
};

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1", backlog: 1_024 }, resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** All over https, one in four with a searched body. A check that takes twice as long as its server is called slow. */
async function startTargets(): Promise<readonly TargetInput[]> {
  const authority = await createAuthority("Almanac Bench Authority");
  const certificate = await authority.issue({ hosts: ["127.0.0.1"], daysLeft: 90 });
  const secure = await listen(createSecureServer(certificate, page));
  return Array.from({ length: TARGETS }, (_, index) => ({
    name: `target-${index}`,
    private: true,
    url: `https://${secure}/${index}`,
    certificateAuthority: authority.cert,
    maxLatencyMs: MAX_LATENCY_MS,
    ...(index % 4 === 0 ? { bodyContains: "All is well" } : {}),
  }));
}

/** GetObject returns the targets or empty settings; DynamoDB and Lambda return empty successes. */
function awsStub(targets: readonly TargetInput[]): RequestListener {
  const list = JSON.stringify(targets);
  const rows: { good: number; slow: number; unmeasured: number; latencies: number[] } = {
    ...{ good: 0, slow: 0, unmeasured: 0 },
    latencies: [],
  };
  const count = (body: string): void => {
    // Telemetry has latencies; states have none.
    for (const [row, latency] of body.matchAll(/"latency":\{"N":"(\d+)"\}.*?"outcome":\{"M":\{.*?\}\}/g)) {
      rows.latencies.push(Number(latency));
      if (row.includes('"ok":{"BOOL":true}')) rows.good += 1;
      if (/"reason":\{"S":"(slow|timeout)"\}/.test(row)) rows.slow += 1;
      if (row.includes('"reason":{"S":"unmeasured"}')) rows.unmeasured += 1;
    }
  };
  return (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      count(Buffer.concat(chunks).toString());
      if (request.url === ROWS_PATH) response.end(JSON.stringify(rows satisfies SavedRows));
      else if (request.method === "GET")
        response.setHeader("Content-Type", "application/json").end(request.url?.includes(MONITORS_KEY) ? "{}" : list);
      else response.setHeader("Content-Type", "application/x-amz-json-1.0").end('{"UnprocessedItems":{}}');
    });
  };
}

async function main(): Promise<void> {
  const targets = await startTargets();
  const stub = await listen(createServer(awsStub(targets)));
  const [{ url, certificateAuthority } = { url: "", certificateAuthority: "" }] = targets;
  process.send?.({ awsEndpoint: `http://${stub}`, target: url, certificateAuthority });
}

void main();
