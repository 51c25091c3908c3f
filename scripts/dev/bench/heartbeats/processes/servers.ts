/** A separate process, so that it does not disturb the measurements: the targets' servers, and a stub of S3 and DynamoDB. */
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";

import { MONITORS_KEY, type TargetInput } from "../../../../../functions/heartbeats/contract";
import { lagOfEvents, startLagMeter } from "../../../../../functions/heartbeats/probe/event-loop-lag";
import { createAuthority } from "../../../../../test/support/certificates";
import { MAX_LATENCY_MS, RESPONSE_MS, ROWS_PATH, TARGETS, type Exchange, type SavedRows } from "./messages";

/** A page of typical size. Some targets search for its last words. */
const PAGE = `<!doctype html>${"<p>Nothing to see here.</p>".repeat(800)}<p>All is well.</p>`;

/** What the servers know of the last connection for each path. */
const exchanges = new Map<string, Exchange>();

/** The latest connection from each port. */
const connections = new Map<number | undefined, ReturnType<typeof connectionLag>>();

const readLag = startLagMeter().read;
const elapsed = () => performance.now();

/** Since when connections may wait to be accepted. Node accepts one in each iteration of its event loop. */
let queuedSince: number | undefined;
let accepted = 0;

function connectionLag() {
  const at = elapsed();
  queuedSince ??= at - readLag();
  accepted += 1;
  const seen = accepted;
  // After the next look for connections: none of them waits then.
  setImmediate(() =>
    setImmediate(() => {
      if (accepted === seen) queuedSince = undefined;
    }),
  );
  const lag = lagOfEvents(readLag, elapsed);
  lag.total = at - queuedSince;
  return { lag, at };
}

const page: RequestListener = ({ socket, url = "" }, response) => {
  const { lag, at } = connections.get(socket.remotePort) ?? connectionLag();
  lag.onEvent();
  const due = elapsed() + RESPONSE_MS;
  setTimeout(() => {
    response.end(PAGE);
    lag.total += elapsed() - due;
  }, RESPONSE_MS);
  response.on("finish", () => {
    exchanges.set(url, { serverMs: elapsed() - at, serverLagMs: lag.total });
  });
};

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1", backlog: 1_024 }, resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** All over https, one in four with a searched body. A check that takes twice as long as its server is called slow. */
async function startTargets(): Promise<readonly TargetInput[]> {
  const authority = await createAuthority("Almanac Bench Authority");
  const certificate = await authority.issue({ hosts: ["127.0.0.1"], daysLeft: 90 });
  const server = createSecureServer(certificate, page);
  server.on("connection", ({ remotePort }: Socket) => connections.set(remotePort, connectionLag()));
  server.on("secureConnection", ({ remotePort }) => connections.get(remotePort)?.lag.onEvent());
  const secure = await listen(server);
  return Array.from({ length: TARGETS }, (_, index) => ({
    name: `target-${index}`,
    private: true,
    url: `https://${secure}/target-${index}`,
    certificateAuthority: authority.cert,
    maxLatencyMs: MAX_LATENCY_MS,
    ...(index % 4 === 0 ? { bodyContains: "All is well" } : {}),
  }));
}

/** Telemetry has latencies; states have none. */
const ROWS = /"target":\{"S":"([^"]+)"\},"latency":\{"N":"(\d+)"\}.*?"outcome":\{"M":\{.*?\}\}/g;

/** GetObject returns the targets or empty settings; DynamoDB and Lambda return empty successes. */
function awsStub(targets: readonly TargetInput[]): RequestListener {
  const list = JSON.stringify(targets);
  const rows: SavedRows = { good: 0, slow: [], late: 0, unmeasured: 0, latencies: [] };
  const countSlow = (target: string, latencyMs: number, reason: string): void => {
    const { serverMs, serverLagMs } = exchanges.get(`/${target}`) ?? { serverMs: 0, serverLagMs: 0 };
    if (RESPONSE_MS + serverLagMs > MAX_LATENCY_MS) rows.late += 1;
    else rows.slow.push({ target, latencyMs, reason, serverMs, serverLagMs });
  };
  const count = (body: string): void => {
    for (const [row, target = "", latency] of body.matchAll(ROWS)) {
      rows.latencies.push(Number(latency));
      if (row.includes('"ok":{"BOOL":true}')) rows.good += 1;
      const [, reason] = /"reason":\{"S":"(slow|timeout)"\}/.exec(row) ?? [];
      if (reason !== undefined) countSlow(target, Number(latency), reason);
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
