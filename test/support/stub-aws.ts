/** A stub of AWS on loopback with canned responses, for commands that run as their own process. */
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { text as bodyOf } from "node:stream/consumers";
import { homeAt } from "../../scripts/shared/home";
import { identifyProcess } from "../../scripts/shared/processes";

export interface StubRequest {
  /** `GET /bucket/key`, or an action: `AmazonSQS.ReceiveMessage`. */
  readonly operation: string;
  readonly body: string;
}

export interface StubAws {
  readonly endpoint: string;
  readonly close: () => Promise<unknown>;
}

/** As S3 writes it. */
const NOT_FOUND = "<Error><Code>NoSuchKey</Code><Message>none</Message></Error>";

/** @param respond the body of a 200; a number: an error of S3 with that status */
export async function startStubAws(respond: (request: StubRequest) => object | number): Promise<StubAws> {
  const server: Server = createServer((request, response) => {
    bodyOf(request).then(
      (body) => {
        const { pathname } = new URL(request.url ?? "/", "http://stub");
        const target = request.headers["x-amz-target"];
        const operation = typeof target === "string" ? target : `${request.method ?? ""} ${pathname}`;
        const answer = respond({ operation, body });
        const headers = { "Content-Type": "application/json" };
        if (typeof answer === "number") response.writeHead(answer).end(NOT_FOUND);
        else response.writeHead("accepted" in answer ? 202 : 200, headers).end(JSON.stringify(answer));
      },
      () => response.destroy(),
    );
  });
  await new Promise<void>((listening) => {
    server.listen(0, "127.0.0.1", listening);
  });
  const address = server.address();
  if (address === null || typeof address !== "object") throw new Error("the stub has no port");
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((closed) => server.close(closed));
    },
  };
}

/** A home folder as npm start leaves it, with this process in place of the emulator. Its state is at `GET /states/local`. */
export function writeStubHome(folder: string, endpoint: string, features: object): void {
  const home = homeAt(folder);
  mkdirSync(home.stack, { recursive: true });
  const record = {
    endpoint,
    port: Number(new URL(endpoint).port),
    emulator: { description: "stub", process: identifyProcess(process.pid), log: "emulator.log" },
    since: "2026-11-21T07:00:00.000Z",
    deployment: { at: "2026-11-21T07:01:00.000Z", features },
  };
  writeFileSync(home.record, JSON.stringify(record));
  const s3 = { bucket: "states", key: "local", region: "eu-central-1", access_key: "test", secret_key: "test" };
  const provider = { aws: [{ default_tags: [{ tags: { App: "almanac", Environment: "local" } }] }] };
  writeFileSync(join(home.stack, "cdk.tf.json"), JSON.stringify({ terraform: { backend: { s3 } }, provider }));
}
