/** The routes of the REST API. */
import * as z from "zod";

import { mapConcurrently } from "../../shared/concurrency";
import { BadRequestError, ConflictError } from "../../shared/handlers/http-errors";
import { describeIssues, parseJson } from "../../shared/input";
import { fittingItems } from "../../shared/handlers/response-size";
import { endpoint, errorResponse, type Endpoint, type RestResponse } from "../../shared/handlers/rest-handler";
import type { ApiRouteName } from "../contract";
import type { CursorReader } from "./cursors";
import type { BatchResponse, BatchResult, ListResponse } from "./api-types";
import { putTimers, type Put, type PutOutcome, type PutPorts } from "./put-timers";
import {
  idSchema,
  isLegacyRequest,
  oneshotBodySchema,
  oneshotTimer,
  periodicBodySchema,
  periodicTimer,
  shardOf,
} from "./request-schemas";
import type { StoredTimer, TimerKind } from "../schedule/timer";
import { TimerChangedError, type TimerTable } from "../storage/timer-table";
import { legacyTimerResponse, timerResponse } from "./timer-response";

const MAX_REQUESTS = 25;
const CONCURRENT_DELETES = 10;

const DEFAULT_LIMIT = 100;
const MAX_TIMERS = 1_000;

/** A list response ends early after this many pages of the table, which also contain other rows... */
const MAX_PAGES = 10;

/** ... or at this size of their data: Lambda responses are limited to 6 MB as sent ({@link fittingItems}), pages of the table to 1 MB. */
const LONG_RESPONSE_BYTES = 3_000_000;

export interface TimerPorts {
  readonly table: Pick<TimerTable, "get" | "delete" | "list" | "recordShardCount"> & PutPorts["table"];
  readonly queue: PutPorts["queue"];
  readonly cursors: CursorReader;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly newVersion: () => string;
  /** Configured number of shards. */
  readonly shards: number;
  /** Called with the server error (5xx) of a request in a batch. */
  readonly onFailure: (error: unknown) => void;
}

/** Reproduces the message of the legacy timer service. */
class MissingBodyError extends BadRequestError {
  override readonly name = "MissingBodyError";
  override readonly plain = true;

  constructor() {
    super("invalid request, you are missing the parameter body");
  }
}

const path = z.object({ id: idSchema });
const requestSchema = z.object({ path });
const putSchema = z.object({ path, body: z.unknown() });
const periodicRequestSchema = z.object({ body: periodicBodySchema });
const oneshotRequestSchema = z.object({ body: oneshotBodySchema });
const listSchema = z.object({
  query: z.strictObject(
    {
      limit: z
        .string()
        .regex(/^\d{1,9}$/, "is not a whole number")
        .transform(Number)
        .refine((limit) => limit >= 1 && limit <= MAX_TIMERS, `is not 1 to ${MAX_TIMERS}`)
        .default(DEFAULT_LIMIT),
      next: z.string().optional(),
    },
    { error: ({ code }) => (code === "unrecognized_keys" ? "has only limit and next" : undefined) },
  ),
});
const batchRequestSchema = z
  .strictObject({ method: z.enum(["PUT", "DELETE"]), path: z.string(), body: z.unknown().optional() })
  .transform(({ path, ...request }, context) => {
    const [, name, id] = /^\/(\w+)\/([^/]+)$/.exec(path) ?? [];
    const kind = z.enum(["periodic", "oneshot"]).safeParse(name).data;
    // The body has the path as a URL has it. Decoded here, so that duplicates are found however they are written.
    if (kind !== undefined && id !== undefined) return { ...request, kind, id: decodeOrKeep(id) };
    context.addIssue({ code: "custom", path: ["path"], message: "is not /periodic/<id> or /oneshot/<id>" });
    return z.NEVER;
  });
const batchSchema = z.object({
  body: z.strictObject(
    {
      requests: z
        .array(batchRequestSchema, "is not an array")
        .min(1, `is not 1 to ${MAX_REQUESTS} requests`)
        .max(MAX_REQUESTS, `is not 1 to ${MAX_REQUESTS} requests`)
        .superRefine(rejectDuplicates),
    },
    'is not of the form {"requests": [{"method": "PUT", "path": "/periodic/<id>", "body": {...}}]}',
  ),
});
/** An id that is not percent-encoded text stays as it is: {@link idSchema} rejects its `%`. */
function decodeOrKeep(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}
type ParsedBatchRequest = z.output<typeof batchRequestSchema>;

export function timerRoutes(ports: TimerPorts): Readonly<Record<ApiRouteName, Endpoint>> {
  const { table, cursors, now } = ports;

  const put = (kind: TimerKind) =>
    endpoint(putSchema, async ({ path: { id }, body }) => {
      const prepared = await prepare(kind, id, body, ports);
      const [outcome] = await putTimers([prepared.put], ports);
      return responseOf(prepared, outcome);
    });

  const get = (kind: TimerKind) =>
    endpoint(requestSchema, async ({ path: { id } }) => {
      const timer = await table.get({ kind, id });
      return timer === undefined
        ? { status: 404, body: id }
        : { body: (await timerResponses([timer], cursors, now()))[0] };
    });

  const remove = (kind: TimerKind) =>
    endpoint(requestSchema, async ({ path: { id } }) => {
      await table.delete({ kind, id });
      return { body: id };
    });

  const list = (kind: TimerKind) =>
    endpoint(listSchema, async ({ query: { limit, next } }) => {
      const page = await listTimers(kind, limit, next === undefined ? undefined : keyOfToken(next, kind), table);
      const timers = fittingItems(await timerResponses(page.timers, cursors, now()));
      const nextKey = timers.length < page.timers.length ? `${kind}#${timers.at(-1)?.id ?? ""}` : page.next;
      const body: ListResponse = { timers, ...(nextKey !== undefined && { next: tokenOf(nextKey, kind) }) };
      return { body };
    });

  return {
    "GET /periodic": list("periodic"),
    "PUT /periodic/{id}": put("periodic"),
    "GET /periodic/{id}": get("periodic"),
    "DELETE /periodic/{id}": remove("periodic"),
    "GET /oneshot": list("oneshot"),
    "PUT /oneshot/{id}": put("oneshot"),
    "GET /oneshot/{id}": get("oneshot"),
    "DELETE /oneshot/{id}": remove("oneshot"),
    "POST /batch": endpoint(batchSchema, async ({ body: { requests } }) => {
      const body: BatchResponse = { results: await runBatch(requests, ports) };
      return { body };
    }),
  };
}

/** A valid PUT, and its response. */
interface Prepared {
  readonly put: Put;
  readonly respond: (stored: StoredTimer) => RestResponse;
}

/** @throws {@link BadRequestError} */
async function prepare(kind: TimerKind, id: string, body: unknown, ports: TimerPorts): Promise<Prepared> {
  if (body === undefined) throw new MissingBodyError();
  const context = async ({ shardId }: { readonly shardId?: string | undefined }) => ({
    id,
    now: ports.now(),
    version: ports.newVersion(),
    shard: await shardFor(id, shardId, ports),
  });
  const respondFully = (stored: StoredTimer): RestResponse => ({
    body: timerResponse(stored, stored.putAt, stored.enqueuedUntil),
  });
  if (kind === "oneshot") {
    const input = parsed(oneshotRequestSchema, { body }).body;
    return { put: putOf(oneshotTimer(input, await context(input)), input), respond: respondFully };
  }
  const input = parsed(periodicRequestSchema, { body }).body;
  const respond = isLegacyRequest(input)
    ? (stored: StoredTimer) => ({ body: legacyTimerResponse(stored) })
    : respondFully;
  return { put: putOf(periodicTimer(input, await context(input)), input), respond };
}

function putOf(timer: Put["timer"], { ifVersion }: { readonly ifVersion?: string | null | undefined }): Put {
  return ifVersion === undefined ? { timer } : { timer, replaces: ifVersion };
}

/** @throws {@link BadRequestError} */
function parsed<Output>(schema: z.ZodType<Output>, input: unknown): Output {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw new BadRequestError(describeIssues(result.error, schema));
}

/** The requested shard must be dispatched: a shard of the current number of shards, or of a larger earlier one. */
async function shardFor(id: string, requested: string | undefined, { table, shards }: TimerPorts): Promise<string> {
  if (requested === undefined) return shardOf(id, shards);
  const number = /^shard(0|[1-9]\d{0,4})$/.exec(requested)?.[1];
  if (number !== undefined && Number(number) < shards) return requested;
  const maxShards = await table.recordShardCount(shards);
  if (number !== undefined && Number(number) < maxShards) return requested;
  throw new BadRequestError(`body.shardId: is not ${maxShards === 1 ? "shard0" : `shard0 to shard${maxShards - 1}`}`);
}

/** @throws the error of the outcome, mapped to an HTTP error */
function responseOf({ respond }: Prepared, outcome: PutOutcome | undefined): RestResponse {
  if (outcome === undefined) throw new Error("no outcome");
  if ("stored" in outcome) return respond(outcome.stored);
  const { error } = outcome;
  if (error instanceof TimerChangedError) throw new ConflictError(error.message, { cause: error });
  throw error;
}

async function timerResponses(timers: readonly StoredTimer[], cursors: CursorReader, now: number) {
  const shards = new Set(timers.map(({ shard }) => shard));
  const cursorOf = shards.size === 0 ? new Map<string, number>() : await cursors.get(shards, now);
  return timers.map((timer) => timerResponse(timer, now, cursorOf.get(timer.shard) ?? 0));
}

interface Page {
  readonly timers: readonly StoredTimer[];
  /** The key of the last scanned or returned row. */
  readonly next?: string;
}

/** Pages of the table also contain other rows, or only those. */
async function listTimers(
  kind: TimerKind,
  limit: number,
  after: string | undefined,
  table: Pick<TimerTable, "list">,
): Promise<Page> {
  const timers: StoredTimer[] = [];
  let bytes = 0;
  for (let pages = 1; ; pages++) {
    const page = await table.list(kind, limit, after);
    timers.push(...page.timers);
    if (timers.length > limit) {
      const first = timers.slice(0, limit);
      return { timers: first, next: `${kind}#${first.at(-1)?.id ?? ""}` };
    }
    if (page.next === undefined) return { timers };
    bytes += page.timers.reduce((sum, { data }) => sum + Buffer.byteLength(data), 0);
    if (timers.length === limit || pages === MAX_PAGES || bytes >= LONG_RESPONSE_BYTES)
      return { timers, next: page.next };
    after = page.next;
  }
}

/** An opaque continuation token. */
function tokenOf(key: string, kind: TimerKind): string {
  return Buffer.from(JSON.stringify([kind, key])).toString("base64url");
}

/** @throws {@link BadRequestError} */
function keyOfToken(token: string, kind: TimerKind): string {
  try {
    const decoded: unknown = parseJson(Buffer.from(token, "base64url").toString());
    const [, key] = z.tuple([z.literal(kind), z.string().regex(/^[a-z]+#[\x21-\x7e]{0,300}$/)]).parse(decoded);
    return key;
  } catch (cause) {
    throw new BadRequestError("query.next: is not a token from a response of this list", { cause });
  }
}

/** Each request succeeds or fails independently. */
async function runBatch(requests: readonly ParsedBatchRequest[], ports: TimerPorts): Promise<readonly BatchResult[]> {
  const results = new Array<BatchResult>(requests.length);
  const settle = async (index: number, work: () => Promise<RestResponse> | RestResponse) => {
    try {
      const { status = 200, body } = await work();
      results[index] = { status, body };
    } catch (error) {
      const { status, body } = errorResponse(error);
      if (status >= 500) ports.onFailure(error);
      results[index] = { status, body };
    }
  };

  const prepared: { readonly index: number; readonly one: Prepared }[] = [];
  await mapConcurrently([...requests.entries()], CONCURRENT_DELETES, ([index, { method, kind, id: givenId, body }]) =>
    settle(index, async () => {
      const { id } = parsed(requestSchema, { path: { id: givenId } }).path;
      if (method === "PUT") prepared.push({ index, one: await prepare(kind, id, body, ports) });
      else await ports.table.delete({ kind, id });
      return { body: id };
    }),
  );
  const outcomes = await putTimers(
    prepared.map(({ one }) => one.put),
    ports,
  );
  for (const [nth, { index, one }] of prepared.entries()) await settle(index, () => responseOf(one, outcomes[nth]));
  return results;
}

/** Requests of a batch run concurrently: two for the same timer would have an arbitrary result. */
function rejectDuplicates(requests: readonly ParsedBatchRequest[], context: z.RefinementCtx): void {
  const seen = new Set<string>();
  requests.forEach(({ kind, id }, index) => {
    const timer = `${kind}#${id}`;
    if (seen.has(timer)) context.addIssue({ code: "custom", path: [index, "path"], message: "is a duplicate" });
    seen.add(timer);
  });
}
