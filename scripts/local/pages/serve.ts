/**
 * The local pages as a process of its own, on loopback: the status page at `/`, and the Slack stand-in that the functions of the
 * local environment post to. Prints its port. `GET /inbox`: the messages it accepted; `PUT /mode`: `up` or `down`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import * as z from "zod";
import { localSettings } from "../../emulator/local-settings";
import { refuseForeign } from "../../shared/loopback-guard";
import { slackInbox } from "../slack/inbox";
import { statusPageServer } from "./status-page";

/** Limits memory. */
const LONGEST_BODY = 1_000_000;

const modeSchema = z.enum(["up", "down"]);
const inbox = slackInbox();
const { values: options } = parseArgs({
  options: {
    "until-stdin-closes": { type: "boolean" },
    /** The emulator. */
    endpoint: { type: "string" },
    "status-page-bucket": { type: "string" },
    /** Where they were until now: open tabs go on. Another one when it is in use. */
    port: { type: "string" },
  },
});
const { endpoint, "status-page-bucket": bucket } = options;
const statusPage =
  endpoint === undefined || bucket === undefined ? undefined : statusPageServer(bucket, localSettings(endpoint));

const server = createServer((request, response) => {
  if (refuseForeign(request, response)) return;
  respond(request, response).catch((error: unknown) => {
    console.error(error);
    response.destroy();
  });
});
server.on("listening", () => {
  const address = server.address();
  if (address !== null && typeof address === "object") console.log(address.port);
});
server.once("error", () => server.listen(0, "127.0.0.1"));
server.listen(Number(options.port ?? 0), "127.0.0.1");
if (options["until-stdin-closes"] === true) {
  process.stdin.resume();
  process.stdin.on("close", () => process.exit(0));
}

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  const route = `${request.method ?? ""} ${pathname}`;
  if (route === "GET /inbox") {
    json(response, { messages: inbox.messages(), rejected: inbox.rejected() });
  } else if (route === "PUT /mode") {
    const mode = modeSchema.safeParse((await bodyOf(request)).trim());
    if (mode.success) inbox.setMode(mode.data);
    response.writeHead(mode.success ? 204 : 400).end();
  } else if (route.startsWith("POST /services/")) {
    const body = await bodyOf(request);
    const { status, text, retryAfterSeconds } = inbox.post(pathname.slice("/services".length), body, Date.now());
    await sleep(20); // network latency
    const headers = retryAfterSeconds === undefined ? {} : { "Retry-After": String(retryAfterSeconds) };
    response.writeHead(status, { "Content-Type": "text/plain", ...headers }).end(text);
  } else if (request.method === "GET" && statusPage !== undefined) await statusPage(pathname, response);
  else response.writeHead(404).end();
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) {
    body += String(chunk);
    if (body.length > LONGEST_BODY) throw new RangeError("the body is too long");
  }
  return body;
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(value, null, 2));
}
