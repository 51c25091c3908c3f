/** The REST API of timers. */
import * as z from "zod";

import { mapConcurrently } from "../../shared/concurrency";
import { BadRequestError, ConflictError } from "../../shared/handlers/http-errors";
import { describeIssues } from "../../shared/errors";
import { endpoint, failureOf, type Endpoint, type RestAnswer } from "../../shared/handlers/rest-handler";
import type { ApiRouteName } from "../contract";
import type { Cursors } from "./cursors";
import type { BatchAnswer, BatchResult, TimerList } from "./api-types";
import { putTimers, type Put, type PutOutcome, type PutPorts } from "./put-timers";
import {
  idSchema,
  isPlainHourly,
  oneshotBodySchema,
  oneshotTimer,
  periodicBodySchema,
  periodicTimer,
  shardOf,
} from "./request-schemas";
import type { StoredTimer, TimerKind } from "../schedule/timer";
import { TimerChangedError, type TimerTable } from "../storage/timer-table";
import { plainView, viewOf } from "./timer-response";

const MOST_REQUESTS = 25;
const CONCURRENT_DELETES = 10;

const DEFAULT_LIMIT = 100;
const MOST_TIMERS = 1_000;

/** A list ends early, and goes on at its `next`, when so much of other things was looked at... */
const MOST_PAGES = 10;

/** ... or when it has become so long: Lambda's answers have 6 MB. A page of the table has one at most. */
const LONG_ANSWER_BYTES = 3_000_000;

export interface TimerPorts {
  readonly table: Pick<TimerTable, "get" | "delete" | "list" | "rememberShards"> & PutPorts["table"];
  readonly queue: PutPorts["queue"];
  readonly cursors: Cursors;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly newVersion: () => string;
  /** Into how many shards timers are spread that name none. */
  readonly shards: number;
  /** Told of what went wrong for one request of a batch, and is no fault of its caller's. */
  readonly onFailure: (error: unknown) => void;
}

/** The body is not there: answered word for word as the service that timers replace did. */
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
        .refine((limit) => limit >= 1 && limit <= MOST_TIMERS, `is not 1 to ${MOST_TIMERS}`)
        .default(DEFAULT_LIMIT),
      next: z.string().optional(),
    },
    { error: ({ code }) => (code === "unrecognized_keys" ? "has only limit and next" : undefined) },
  ),
});
const batchRequestSchema = z
  .strictObject({ method: z.enum(["PUT", "DELETE"]), path: z.string(), body: z.unknown().optional() })
  .transform(({ path: given, ...request }, context) => {
    const [, kind, id] = /^\/(\w+)\/([^/]+)$/.exec(given) ?? [];
    const known = z.enum(["periodic", "oneshot"]).safeParse(kind).data;
    if (known !== undefined && id !== undefined) return { ...request, kind: known, id };
    context.addIssue({ code: "custom", path: ["path"], message: "is not /periodic/<id> or /oneshot/<id>" });
    return z.NEVER;
  });
const batchSchema = z.object({
  body: z.strictObject(
    {
      requests: z
        .array(batchRequestSchema, "is not a list")
        .min(1, `is not 1 to ${MOST_REQUESTS} requests`)
        .max(MOST_REQUESTS, `is not 1 to ${MOST_REQUESTS} requests`)
        .superRefine(rejectTwins),
    },
    'is not of the form {"requests": [{"method": "PUT", "path": "/periodic/<id>", "body": {...}}]}',
  ),
});
type OneOfBatch = z.output<typeof batchRequestSchema>;

export function timerEndpoints(ports: TimerPorts): Readonly<Record<ApiRouteName, Endpoint>> {
  const { table, cursors, now } = ports;

  const put = (kind: TimerKind) =>
    endpoint(putSchema, async ({ path: { id }, body }) => {
      const prepared = await prepare(kind, id, body, ports);
      const [outcome] = await putTimers([prepared.put], ports);
      return answerOf(prepared, outcome);
    });

  const get = (kind: TimerKind) =>
    endpoint(requestSchema, async ({ path: { id } }) => {
      const timer = await table.get({ kind, id });
      return timer === undefined ? { status: 404, body: id } : { body: (await viewsOf([timer], cursors, now()))[0] };
    });

  const remove = (kind: TimerKind) =>
    endpoint(requestSchema, async ({ path: { id } }) => {
      await table.delete({ kind, id });
      return { body: id };
    });

  const list = (kind: TimerKind) =>
    endpoint(listSchema, async ({ query: { limit, next } }) => {
      const page = await listTimers(kind, limit, next === undefined ? undefined : keyOfToken(next, kind), table);
      const timers = await viewsOf(page.timers, cursors, now());
      const body: TimerList = { timers, ...(page.next !== undefined && { next: tokenOf(page.next, kind) }) };
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
      const body: BatchAnswer = { results: await batch(requests, ports) };
      return { body };
    }),
  };
}

/** A timer that may be put, and what its client is answered then. */
interface Prepared {
  readonly put: Put;
  readonly answer: (stored: StoredTimer) => RestAnswer;
}

/** @throws {@link BadRequestError} */
async function prepare(kind: TimerKind, id: string, body: unknown, ports: TimerPorts): Promise<Prepared> {
  if (body === undefined) throw new MissingBodyError();
  const given = async ({ shardId }: { readonly shardId?: string | undefined }) => ({
    id,
    now: ports.now(),
    version: ports.newVersion(),
    shard: await shardFor(id, shardId, ports),
  });
  const whole = (stored: StoredTimer): RestAnswer => ({ body: viewOf(stored, stored.putAt, stored.through) });
  if (kind === "oneshot") {
    const asked = parsed(oneshotRequestSchema, { body }).body;
    return { put: putOf(oneshotTimer(asked, await given(asked)), asked), answer: whole };
  }
  const asked = parsed(periodicRequestSchema, { body }).body;
  const answer = isPlainHourly(asked) ? (stored: StoredTimer) => ({ body: plainView(stored) }) : whole;
  return { put: putOf(periodicTimer(asked, await given(asked)), asked), answer };
}

function putOf(timer: Put["timer"], { ifVersion }: { readonly ifVersion?: string | null | undefined }): Put {
  return ifVersion === undefined ? { timer } : { timer, replaces: ifVersion };
}

/** @throws {@link BadRequestError} */
function parsed<Output>(schema: z.ZodType<Output>, input: unknown): Output {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw new BadRequestError(describeIssues(result.error), { cause: result.error });
}

/** The shard that was asked for, which must be one that is dispatched: those of today, and of any larger number before. */
async function shardFor(id: string, asked: string | undefined, { table, shards }: TimerPorts): Promise<string> {
  if (asked === undefined) return shardOf(id, shards);
  const number = /^shard(0|[1-9]\d{0,4})$/.exec(asked)?.[1];
  if (number !== undefined && Number(number) < shards) return asked;
  const largest = await table.rememberShards(shards);
  if (number !== undefined && Number(number) < largest) return asked;
  throw new BadRequestError(`body.shardId: is not ${largest === 1 ? "shard0" : `shard0 to shard${largest - 1}`}`);
}

/** @throws whatever became of it, as the client is to be told */
function answerOf({ answer }: Prepared, outcome: PutOutcome | undefined): RestAnswer {
  if (outcome === undefined) throw new Error("nothing became of a timer that was put");
  if ("stored" in outcome) return answer(outcome.stored);
  const { error } = outcome;
  if (error instanceof TimerChangedError) throw new ConflictError(error.message, { cause: error });
  throw error;
}

async function viewsOf(timers: readonly StoredTimer[], cursors: Cursors, now: number) {
  const shards = new Set(timers.map(({ shard }) => shard));
  const handedOver = shards.size === 0 ? new Map<string, number>() : await cursors.of(shards, now);
  return timers.map((timer) => viewOf(timer, now, handedOver.get(timer.shard) ?? 0));
}

interface Page {
  readonly timers: readonly StoredTimer[];
  /** The key of the last row that was looked at, or taken. */
  readonly next?: string;
}

/** Pages of the table have other rows, too, and may have nothing but those. */
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
      const taken = timers.slice(0, limit);
      return { timers: taken, next: `${kind}#${taken.at(-1)?.id ?? ""}` };
    }
    if (page.next === undefined) return { timers };
    bytes += page.timers.reduce((sum, { data }) => sum + Buffer.byteLength(data), 0);
    if (timers.length === limit || pages === MOST_PAGES || bytes >= LONG_ANSWER_BYTES)
      return { timers, next: page.next };
    after = page.next;
  }
}

/** Where a list goes on, so that nobody reads more into it than that. */
function tokenOf(key: string, kind: TimerKind): string {
  return Buffer.from(JSON.stringify([kind, key])).toString("base64url");
}

/** @throws {@link BadRequestError} */
function keyOfToken(token: string, kind: TimerKind): string {
  try {
    const decoded: unknown = JSON.parse(Buffer.from(token, "base64url").toString());
    const [, key] = z.tuple([z.literal(kind), z.string().regex(/^[a-z]+#[\x21-\x7e]{0,300}$/)]).parse(decoded);
    return key;
  } catch (cause) {
    throw new BadRequestError("query.next: is not what this list has answered", { cause });
  }
}

/** Does all of them, each by itself: one's failure is its own. */
async function batch(requests: readonly OneOfBatch[], ports: TimerPorts): Promise<readonly BatchResult[]> {
  const results = new Array<BatchResult>(requests.length);
  const settle = async (index: number, work: () => Promise<RestAnswer> | RestAnswer) => {
    try {
      const { status = 200, body } = await work();
      results[index] = { status, body };
    } catch (error) {
      const { status, body, isOurs } = failureOf(error);
      if (isOurs) ports.onFailure(error);
      results[index] = { status, body };
    }
  };

  const prepared: { readonly index: number; readonly one: Prepared }[] = [];
  await mapConcurrently([...requests.entries()], CONCURRENT_DELETES, ([index, { method, kind, id: given, body }]) =>
    settle(index, async () => {
      const { id } = parsed(requestSchema, { path: { id: given } }).path;
      if (method === "PUT") prepared.push({ index, one: await prepare(kind, id, body, ports) });
      else await ports.table.delete({ kind, id });
      return { body: id };
    }),
  );
  const outcomes = await putTimers(
    prepared.map(({ one }) => one.put),
    ports,
  );
  for (const [nth, { index, one }] of prepared.entries()) await settle(index, () => answerOf(one, outcomes[nth]));
  return results;
}

/** Requests of a batch are done side by side, so two for one timer would come to one or the other. */
function rejectTwins(requests: readonly OneOfBatch[], context: z.RefinementCtx): void {
  const seen = new Set<string>();
  requests.forEach(({ kind, id }, index) => {
    const timer = `${kind}#${id}`;
    if (seen.has(timer)) context.addIssue({ code: "custom", path: [index, "path"], message: "is there twice" });
    seen.add(timer);
  });
}
