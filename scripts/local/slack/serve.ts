/**
 * The Slack stand-in as a process of its own, on loopback: the functions of the local environment post to it. Its first line says
 * on which port. `GET /inbox` tells what it took; `PUT /weather` with `up` or `down` makes it come and go.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { slackInbox } from "./inbox";

/** Nothing is as long as this, and no memory is without end. */
const LONGEST_BODY = 1_000_000;

const weatherSchema = z.enum(["up", "down"]);
const inbox = slackInbox();

const server = createServer((request, response) => {
  answer(request, response).catch(() => response.destroy());
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address === "object") console.log(address.port);
});
if (process.argv.includes("--until-stdin-closes")) {
  process.stdin.resume();
  process.stdin.on("close", () => process.exit(0));
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  const route = `${request.method ?? ""} ${pathname}`;
  if (route === "GET /inbox") {
    json(response, { messages: inbox.messages(), refused: inbox.refused() });
  } else if (route === "PUT /weather") {
    const weather = weatherSchema.safeParse((await bodyOf(request)).trim());
    if (weather.success) inbox.setWeather(weather.data);
    response.writeHead(weather.success ? 204 : 400).end();
  } else if (route.startsWith("POST /services/")) {
    const body = await bodyOf(request);
    const { status, text, retryAfterSeconds } = inbox.post(pathname.slice("/services".length), body, Date.now());
    await sleep(20); // Slack is not next door
    const headers = retryAfterSeconds === undefined ? {} : { "Retry-After": String(retryAfterSeconds) };
    response.writeHead(status, { "Content-Type": "text/plain", ...headers }).end(text);
  } else response.writeHead(404).end();
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) {
    body += String(chunk);
    if (body.length > LONGEST_BODY) throw new RangeError("a body without end");
  }
  return body;
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(value));
}
