/** The console's HTTP server, on loopback. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import * as z from "zod";
import { MINUTE_MS } from "../../../functions/shared/time";
import { errorCode, errorName } from "../../../functions/shared/errors";
import { ownValue } from "../../../functions/shared/own-value";
import { visibleLines } from "../../../functions/shared/text";
import { describeError } from "../../shared/terminal/errors";
import { parseJson } from "../../shared/fields";
import { ACTIONS, type ActionName, type Values } from "../actions/actions";
import type { ActionResult, ErrorView, Query } from "../contract";
import type { PageFile } from "./bundle-page";
import { Outcomes } from "./outcomes";
import { isBearer, refusedByConsole, SECURITY_HEADERS, Sessions } from "./guard";

/** Answers JSON. */
export type View = (query: Query) => Promise<unknown>;

/** @param values by name, as the viewer has entered them */
export type Act = (name: ActionName, values: Values) => Promise<ActionResult>;

export interface ConsoleOptions {
  /** By path. */
  readonly page: Readonly<Record<string, PageFile>>;
  /** By name: `timers` is `GET /api/timers`. */
  readonly views: Readonly<Record<string, View>>;
  /** `POST /api/actions/timers.fire`. @default the console only reads */
  readonly act?: Act;
  /** The key to issue tokens, for `almanac open console`. @default none are issued */
  readonly key?: string;
  /** @default the first of {@link DEFAULT_PORT} and any free one */
  readonly port?: number;
  /** A connection on which nothing is read or written for so long is closed. @default {@link IDLE_MS} */
  readonly idleMs?: number;
}

export interface RunningConsole {
  readonly port: number;
  /** `http://127.0.0.1:4570/#token=...`: good for one visit. */
  readonly issueAddress: () => string;
  readonly close: () => Promise<void>;
}

/** The same at each start where it is free, so that bookmarks work. */
export const DEFAULT_PORT = 4_570;

/** Limits memory: of a token, and of an action. A message of a pipeline has at most 200 KiB, in which any character may be escaped. */
const LONGEST_TOKEN = 1_000;
const LONGEST_ACTION = 1_000_000;

/** Limit what readers that do not read keep in memory. An action answers within a minute, a view of a large account later. */
const IDLE_MS = 5 * MINUTE_MS;
const MOST_CONNECTIONS = 200;

/** The request is refused or wrong. The message is for the viewer. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  constructor(
    readonly status: 400 | 401 | 403 | 404 | 405 | 413 | 415,
    message: string,
  ) {
    super(message);
  }
}

export async function startConsole(options: ConsoleOptions): Promise<RunningConsole> {
  const sessions = new Sessions();
  const outcomes = new Outcomes<ActionResult>();
  const server = createServer((request, response) => {
    respond(request, response, { ...options, sessions, outcomes, port: portOf(server) }).catch((error: unknown) => {
      answer(response, ...failureOf(error));
    });
  });
  server.timeout = options.idleMs ?? IDLE_MS;
  server.maxConnections = MOST_CONNECTIONS;
  await listen(server, options.port);
  return {
    port: portOf(server),
    issueAddress: () => addressOf(portOf(server), sessions.issue()),
    close: () => {
      server.closeAllConnections();
      return new Promise((closed) => {
        server.close(() => {
          closed();
        });
      });
    },
  };
}

/** The token is in the fragment, which no browser sends and no log has. */
function addressOf(port: number, token: string): string {
  return `http://127.0.0.1:${port}/#token=${token}`;
}

interface Serving extends ConsoleOptions {
  readonly sessions: Sessions;
  readonly outcomes: Outcomes<ActionResult>;
  readonly port: number;
}

async function respond(request: IncomingMessage, response: ServerResponse, serving: Serving): Promise<void> {
  const refused = refusedByConsole(request, serving.port);
  if (refused !== undefined) throw new RequestError(403, `Refused: ${refused}.`);
  const { pathname, searchParams } = addressed(request);
  if (!pathname.startsWith("/api/")) {
    sendPage(request, response, ownValue(serving.page, pathname) ?? pageAt(pathname, serving));
    return;
  }
  const path = pathname.slice("/api/".length);
  if (request.method === "GET") {
    requireSession(request, serving);
    const view = ownValue(serving.views, path);
    if (view === undefined) throw new RequestError(404, "There is no such view.");
    answer(response, 200, await view(Object.fromEntries(searchParams)));
  } else if (request.method === "POST") answer(response, 200, await post(path, request, serving));
  else throw new RequestError(405, "Only GET and POST.");
}

/** Not with a base: it would take `//name/path` for the address of another host. */
function addressed({ url = "/" }: IncomingMessage): URL {
  const address = `http://console${url}`;
  if (!url.startsWith("/") || !URL.canParse(address)) throw new RequestError(400, "The request names no path.");
  return new URL(address);
}

/** Every address of the console is the same page: its script shows the view that the address names, whose last part may be `order.17`. */
function pageAt(pathname: string, { page }: Serving): PageFile | undefined {
  return /^\/[^/]*\.\w+$/.test(pathname) ? undefined : page["/"];
}

function sendPage(request: IncomingMessage, response: ServerResponse, file: PageFile | undefined): void {
  if (request.method !== "GET") throw new RequestError(405, "Only GET.");
  if (file === undefined) throw new RequestError(404, "There is no such page.");
  response.writeHead(200, { ...SECURITY_HEADERS, "Content-Type": file.type }).end(file.content);
}

const exchangeSchema = z.strictObject({ token: z.string().max(200) });

async function post(path: string, request: IncomingMessage, serving: Serving): Promise<unknown> {
  const { sessions, key, port } = serving;
  const { authorization } = request.headers;
  if (path === "token") {
    if (key === undefined || !isBearer(authorization, key)) throw new RequestError(401, "The key is wrong.");
    return { address: addressOf(port, sessions.issue()) };
  }
  // Pages of other origins cannot send this type without a preflight, which has no answer.
  if (request.headers["content-type"] !== "application/json")
    throw new RequestError(415, "The Content-Type is not application/json.");
  if (path.startsWith("actions/")) return actUpon(path.slice("actions/".length), request, serving);
  if (path !== "session") throw new RequestError(404, "Only a token, a session and actions can be posted.");
  const exchange = exchangeSchema.safeParse(parseJson(await bodyOf(request, LONGEST_TOKEN))).data;
  const session = exchange && sessions.exchange(exchange.token);
  if (session === undefined) throw new RequestError(401, "This address was used before. Print a new one.");
  return { session };
}

const valuesSchema = z.record(z.string(), z.string());

async function actUpon(name: string, request: IncomingMessage, serving: Serving): Promise<ActionResult> {
  requireSession(request, serving);
  if (request.headers.origin === undefined) throw new RequestError(403, "Refused: an action needs an Origin header.");
  if (!isAction(name)) throw new RequestError(404, `There is no action "${name}".`);
  if (serving.act === undefined)
    throw new RequestError(403, "The console only reads here. Start it with --write, or run the command.");
  const values = valuesSchema.safeParse(parseJson(await bodyOf(request, LONGEST_ACTION))).data;
  if (values === undefined) throw new RequestError(400, "The body is not an object of texts.");
  const { act, outcomes } = serving;
  return outcomes.once(request.headers["idempotency-key"], JSON.stringify([name, values]), () => act(name, values));
}

function isAction(name: string): name is ActionName {
  return Object.hasOwn(ACTIONS, name);
}

function requireSession({ headers }: IncomingMessage, { sessions }: Serving): void {
  if (!sessions.has(headers.authorization))
    throw new RequestError(401, "This browser has no session here. Open the address that the console printed.");
}

/** Errors whose cause is the request or the viewer's permissions. */
const STATUSES: Readonly<Record<string, number>> = {
  AccessDenied: 403,
  AccessDeniedException: 403,
  UnauthorizedOperation: 403,
  NotInEnvironmentError: 404,
  NotFoundError: 404,
  // A view has only names to be wrong: of what is not there, or no longer.
  UsageError: 404,
  IdempotencyKeyError: 400,
};

function failureOf(error: unknown): [status: number, body: ErrorView] {
  if (error instanceof RequestError) return [error.status, { message: error.message }];
  return [STATUSES[errorName(error)] ?? 502, { message: describeError(error) }];
}

/** Markup stays text in the page. What reorders its neighbours or is not shown becomes a character here, for all views. */
function answer(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response
    .writeHead(status, { ...SECURITY_HEADERS, "Content-Type": "application/json" })
    .end(
      JSON.stringify(body ?? null, (_, value: unknown) => (typeof value === "string" ? visibleLines(value) : value)),
    );
}

async function bodyOf(request: IncomingMessage, longest: number): Promise<string> {
  let body = "";
  let length = 0;
  for await (const chunk of request.setEncoding("utf8")) {
    const text = String(chunk);
    length += text.length;
    // What is too long is not kept, but received: a closed connection would lose the answer.
    if (length <= longest) body += text;
  }
  if (length > longest) throw new RequestError(413, "The body is too long.");
  return body;
}

/** On the default port, or on any when it cannot be had: Windows reserves ports, too. */
async function listen(server: Server, port: number | undefined): Promise<void> {
  try {
    await listenOn(server, port ?? DEFAULT_PORT);
  } catch (error) {
    if (port !== undefined || !["EADDRINUSE", "EACCES"].includes(errorCode(error) ?? "")) throw error;
    await listenOn(server, 0);
  }
}

function listenOn(server: Server, port: number): Promise<void> {
  return new Promise((listening, failed) => {
    server.once("error", failed);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", failed);
      listening();
    });
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address !== "object") throw new Error("the server is not listening");
  return address.port;
}
