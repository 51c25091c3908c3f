/**
 * The Slack stand-in: a process on loopback that the local functions post to. Prints its port. `GET /inbox` returns the messages; `PUT /mode`
 * with `up` or `down` simulates an outage.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { slackInbox } from "./inbox";

/** Limits memory. */
const LONGEST_BODY = 1_000_000;

const modeSchema = z.enum(["up", "down"]);
const inbox = slackInbox();

const server = createServer((request, response) => {
  respond(request, response).catch(() => response.destroy());
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address === "object") console.log(address.port);
});
if (process.argv.includes("--until-stdin-closes")) {
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
  } else response.writeHead(404).end();
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
  response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(value));
}
