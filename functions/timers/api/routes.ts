/** The routes of the REST API. */
import * as z from "zod";

import { mapConcurrently } from "../../shared/resilience/concurrency";
import { BadRequestError, ConflictError } from "../../shared/handlers/http-errors";
import { jsonParts } from "../../shared/json-text";
import { endpoint, errorResponse, type Endpoint, type RestResponse } from "../../shared/handlers/rest-handler";
import type { Scope } from "../../shared/handlers/scopes";
import { describeIssues } from "../../shared/input";
import { SECOND_MS } from "../../shared/time";
import { DEFAULT_CALLBACK, type ApiRouteName } from "../contract";
import { readAudit } from "./audit";
import type { AuditResponse, BatchResponse, BatchResult, PreviewResponse } from "./api-types";
import { listTimers } from "./list-timers";
import { putTimers, requestKeyOf, type Put, type PutOutcome } from "./put-timers";
import {
  isLegacyRequest,
  isMovedTimer,
  isSameTimer,
  oneshotTimer,
  periodicTimer,
  shardOf,
  type OneshotBody,
  type PeriodicBody,
} from "./request-schemas";
import {
  auditSchema,
  batchRequestSchema,
  batchSchema,
  deleteSchema,
  emptySchema,
  fireSchema,
  firesSchema,
  getSchema,
  listSchema,
  oneshotRequestSchema,
  pathSchema,
  periodicRequestSchema,
  previewSchema,
  putSchema,
  readSchema,
  verbSchema,
  verbsSchema,
} from "./route-schemas";
import { exclusiveStart, nextScheduledTime } from "../schedule/fire-times";
import type { StoredTimer, Timer, TimerKind } from "../schedule/timer";
import { TimerChangedError, type TimerId, type TimerTable } from "../storage/timer-table";
import { withoutReadOnlyFields, withRawData } from "./bodies";
import { legacyTimerResponse, timerResponse } from "./timer-response";
import { isRecorded, lastFireOf, readTimerResponse } from "./timer-responses";
import { changeAll, firesOf, fireTimer, preview, setEnabled, type VerbPorts } from "./verbs";

const CONCURRENT_DELETES = 10;

/**
 * For sending the fires of a PUT. Less than a client waits, and it leaves time for the table: API Gateway ends requests after 29 seconds.
 * Fires that SQS does not accept by then are the dispatcher's.
 */
const SEND_TIMEOUT_MS = 5_000;
const RESPONSE_RESERVE_MS = 6_000;

export interface TimerPorts extends VerbPorts {
  readonly table: Pick<TimerTable, "delete"> & VerbPorts["table"];
}

/** Reproduces the message of the legacy timer service. */
class MissingBodyError extends BadRequestError {
  override readonly name = "MissingBodyError";
  override readonly plain = true;

  constructor() {
    super("invalid request, you are missing the parameter body");
  }
}

type ParsedBatch = z.output<typeof batchSchema>;

export function timerRoutes(ports: TimerPorts): Readonly<Record<ApiRouteName, Endpoint>> {
  const { table } = ports;

  const put = (kind: TimerKind) =>
    endpoint(putSchema, async ({ path: { id }, headers: { "idempotency-key": requestKey }, body, text, deadline }) => {
      const prepared = await prepare({ kind, id, body, text, requestKey }, ports);
      await recordShard(prepared.put.timer, ports);
      const [outcome] = await putTimers([prepared.put], ports, sendUntil(deadline, ports));
      return responseOf(prepared, outcome);
    });

  const get = (kind: TimerKind) =>
    endpoint(getSchema, async ({ path: { id } }) => {
      const timer = await table.get({ kind, id });
      if (timer === undefined) return { status: 404, body: id };
      return { body: await readTimerResponse(timer, ports) };
    });

  const remove = (kind: TimerKind) =>
    endpoint(deleteSchema, async ({ path: { id }, query: { ifVersion } }) => {
      await deleteTimer({ kind, id }, ifVersion, ports);
      return { body: id };
    });

  const read = (kind: TimerKind) =>
    endpoint(readSchema, async ({ path: { id, verb }, query }) => {
      if (verb === "fires") return { body: await firesOf({ kind, id }, parsed(firesSchema, { query }).query, ports) };
      const respond = verb === "preview" ? previewOf({ query }, ports) : auditOf({ query }, ports);
      const timer = await table.get({ kind, id });
      return timer === undefined ? { status: 404, body: id } : { body: await respond(timer) };
    });

  const act = (kind: TimerKind) => endpoint(verbSchema, (request) => runVerb(kind, request, ports));

  const actOnAll = (kind: TimerKind) =>
    endpoint(verbsSchema, async ({ body, deadline }, scope) => {
      if (body.verb === "move") {
        rejectUnknownCallback(body.to, ports, "to");
        if (body.from === body.to) throw new BadRequestError("body.to: is not another callback than body.from");
      }
      return { body: await changeAll(kind, body, ports, scope, sendUntil(deadline, ports)) };
    });

  const list = (kind: TimerKind) =>
    endpoint(listSchema, async ({ query }, scope) => ({ body: await listTimers(kind, query, ports, scope) }));

  return {
    "GET /periodic": list("periodic"),
    "POST /periodic": actOnAll("periodic"),
    "PUT /periodic/{id}": put("periodic"),
    "GET /periodic/{id}": get("periodic"),
    "DELETE /periodic/{id}": remove("periodic"),
    "GET /periodic/{id}/{verb}": read("periodic"),
    "POST /periodic/{id}/{verb}": act("periodic"),
    "GET /oneshot": list("oneshot"),
    "POST /oneshot": actOnAll("oneshot"),
    "PUT /oneshot/{id}": put("oneshot"),
    "GET /oneshot/{id}": get("oneshot"),
    "DELETE /oneshot/{id}": remove("oneshot"),
    "GET /oneshot/{id}/{verb}": read("oneshot"),
    "POST /oneshot/{id}/{verb}": act("oneshot"),
    "POST /batch": endpoint(batchSchema, async (batch, scope) => {
      const body: BatchResponse = { results: await runBatch(batch, ports, scope) };
      return { body };
    }),
  };
}

/** @throws {@link BadRequestError} */
function previewOf(request: unknown, { now }: TimerPorts): (timer: Timer | StoredTimer) => PreviewResponse {
  const { count } = parsed(previewSchema, request).query;
  return (timer) => preview(timer, count, now());
}

/** @throws {@link BadRequestError} */
function auditOf(request: unknown, { now, history }: TimerPorts): (timer: StoredTimer) => Promise<AuditResponse> {
  const { sinceSeconds, lateSeconds } = parsed(auditSchema, request).query;
  const since = now() - sinceSeconds * SECOND_MS;
  return (timer) => readAudit(timer, { since, lateMs: lateSeconds * SECOND_MS, now: now() }, history);
}

/** @throws {@link ConflictError} when the timer has another version */
async function deleteTimer(key: TimerId, ifVersion: string | undefined, { table }: TimerPorts): Promise<void> {
  try {
    await table.delete(key, ifVersion);
  } catch (error) {
    throw conflictOf(error);
  }
}

/** 404 with the id for a timer that does not exist, except for the preview of a body. */
async function runVerb(
  kind: TimerKind,
  request: z.output<typeof verbSchema>,
  ports: TimerPorts,
): Promise<RestResponse> {
  const {
    path: { id, verb },
    headers,
    body,
    text,
    query,
    deadline,
  } = request;
  if (verb === "preview") {
    const respond = previewOf({ query }, ports);
    const { put } = await prepare({ kind, id, body, text }, ports);
    return { body: respond(put.timer) };
  }
  const until = sendUntil(deadline, ports);
  if (verb === "fire") {
    const { fireId } = parsed(fireSchema, { query, body }).body;
    const timer = await ports.table.get({ kind, id });
    if (timer === undefined) return { status: 404, body: id };
    rejectMissingCallback(timer, ports);
    return { body: await fireTimer(timer, { fireId, key: headers["idempotency-key"] }, ports, until) };
  }
  parsed(emptySchema, { query, body });
  const stored = await setEnabled({ kind, id }, verb === "resume", ports, until);
  if (stored === undefined) return { status: 404, body: id };
  return { body: await readTimerResponse(stored, ports) };
}

/** Until when the fires of a PUT are sent, epoch milliseconds. */
function sendUntil(deadline: number, { now }: TimerPorts): number {
  return Math.min(now() + SEND_TIMEOUT_MS, deadline - RESPONSE_RESERVE_MS);
}

/** One PUT, before it is parsed. */
interface PutRequest {
  readonly kind: TimerKind;
  readonly id: string;
  readonly body: unknown;
  /** The body's JSON. */
  readonly text: string;
  readonly requestKey?: string | undefined;
}

/** A valid PUT, and its response. */
interface Prepared {
  readonly put: Put;
  readonly respond: (stored: StoredTimer) => Promise<RestResponse> | RestResponse;
}

/** @throws {@link BadRequestError} */
async function prepare({ kind, id, body, text, requestKey }: PutRequest, ports: TimerPorts): Promise<Prepared> {
  if (body === undefined) throw new MissingBodyError();
  const content = withRawData(withoutReadOnlyFields(body, id), text);
  const context = ({ shardId }: { readonly shardId?: string | undefined }) => ({
    id,
    now: ports.now(),
    version: ports.newVersion(),
    shard: shardId === undefined ? shardOf(id, ports.shards) : `shard${shardNumber(shardId)}`,
    ...(requestKey !== undefined && { requestKey: requestKeyOf(requestKey, text) }),
  });
  const respondFully = async (stored: StoredTimer, { version }: Timer): Promise<RestResponse> => {
    // A new version has not fired.
    const lastFire = stored.version === version ? undefined : await lastFireOf(stored, ports);
    const status = { cursor: stored.enqueuedUntil, recorded: isRecorded(stored, ports.callbacks), lastFire };
    return { body: timerResponse(stored, ports.now(), status) };
  };
  if (kind === "oneshot") {
    const input = parsed(oneshotRequestSchema, { body: content }).body;
    rejectUnknownCallback(input.callback, ports);
    const put = putOf(oneshotTimer(input, context(input)), input);
    return { put, respond: (stored) => respondFully(stored, put.timer) };
  }
  const input = parsed(periodicRequestSchema, { body: content }).body;
  rejectUnknownCallback(input.callback, ports);
  const put = putOf(periodicTimer(input, context(input)), input);
  await rejectNeverFiring(put, ports);
  const respond = isLegacyRequest(input)
    ? (stored: StoredTimer) => ({ body: legacyTimerResponse(stored) })
    : (stored: StoredTimer) => respondFully(stored, put.timer);
  return { put, respond };
}

/** @throws {@link BadRequestError} */
function rejectUnknownCallback(callback: string | undefined, { callbacks }: TimerPorts, field = "callback"): void {
  if (callback !== undefined && !Object.hasOwn(callbacks, callback))
    throw new BadRequestError(`body.${field}: is not one of ${Object.keys(callbacks).join(", ")}`);
}

/** No retry would send a fire to a callback that is not configured any more. @throws {@link ConflictError} */
function rejectMissingCallback({ options }: StoredTimer, { callbacks }: TimerPorts): void {
  const { callback = DEFAULT_CALLBACK } = options ?? {};
  if (!Object.hasOwn(callbacks, callback))
    throw new ConflictError(
      `the timer's callback "${callback}" is not configured any more: move the timer to another one`,
    );
}

/** A timer that has ended may be put again, unchanged or with another callback. */
async function rejectNeverFiring({ timer, isUnchanged, isMove }: Put, { table }: TimerPorts): Promise<void> {
  if (nextScheduledTime(timer, exclusiveStart(timer)) !== undefined) return;
  const stored = await table.get(timer);
  if (stored !== undefined && (isUnchanged?.(stored) === true || isMove?.(stored) === true)) return;
  const field = timer.endAt === undefined ? timer.schedule.kind : "endAt";
  throw new BadRequestError(`body.${field}: the timer would never fire`);
}

function putOf(timer: Put["timer"], body: PeriodicBody | OneshotBody): Put {
  return {
    timer,
    isUnchanged: (stored) => isSameTimer(timer, body, stored),
    isMove: (stored) => isMovedTimer(timer, body, stored),
    keepsEnabled: body.enabled === undefined,
    ...(body.ifVersion !== undefined && { replaces: body.ifVersion }),
  };
}

/** @throws {@link BadRequestError} */
function parsed<Output>(schema: z.ZodType<Output>, input: unknown): Output {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw new BadRequestError(describeIssues(result.error, schema));
}

/** @throws {@link BadRequestError} */
function shardNumber(shard: string): number {
  const [, digits] = /^shard(0|[1-9]\d{0,2})$/.exec(shard) ?? [];
  if (digits === undefined) throw new BadRequestError("body.shardId: is not shard0 to shard999");
  return Number(digits);
}

/** A requested shard is dispatched from the next minute on, also when it is beyond the configured number. */
async function recordShard({ shard }: Timer, { table, shards }: TimerPorts): Promise<void> {
  const number = shardNumber(shard);
  if (number >= shards) await table.recordShardCount(number + 1);
}

/** @throws the error of the outcome, mapped to an HTTP error */
async function responseOf({ respond }: Prepared, outcome: PutOutcome | undefined): Promise<RestResponse> {
  if (outcome === undefined) throw new Error("no outcome");
  if ("stored" in outcome) return respond(outcome.stored);
  throw conflictOf(outcome.error);
}

function conflictOf(error: unknown): unknown {
  return error instanceof TimerChangedError ? new ConflictError(error.message, { cause: error }) : error;
}

/** Each request succeeds or fails independently. */
async function runBatch(
  { body: { requests }, text, headers: { "idempotency-key": sharedKey }, deadline }: ParsedBatch,
  ports: TimerPorts,
  scope: Scope,
): Promise<readonly BatchResult[]> {
  const texts = jsonParts(jsonParts(text)?.get("requests") ?? "");
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

  rejectDuplicates(requests);
  const puts: { readonly index: number; readonly one: Prepared }[] = [];
  await mapConcurrently([...requests.entries()], CONCURRENT_DELETES, ([index, unparsed]) =>
    settle(index, async () => {
      const { method, kind, id: givenId, body, ifVersion, idempotencyKey = sharedKey } = parsedRequest(unparsed, index);
      const { id } = parsed(pathSchema, { path: { id: givenId } }).path;
      scope.check(id);
      const bodyText = jsonParts(texts?.get(String(index)) ?? "")?.get("body") ?? "";
      if (method === "DELETE") await deleteTimer({ kind, id }, ifVersion, ports);
      else {
        const one = await prepare({ kind, id, body, text: bodyText, requestKey: idempotencyKey }, ports);
        await recordShard(one.put.timer, ports);
        puts.push({ index, one });
      }
      return { body: id };
    }),
  );
  const outcomes = await putTimers(
    puts.map(({ one }) => one.put),
    ports,
    sendUntil(deadline, ports),
  );
  for (const [nth, { index, one }] of puts.entries()) await settle(index, () => responseOf(one, outcomes[nth]));
  return results;
}

/** @throws {@link BadRequestError} */
function parsedRequest(request: unknown, index: number) {
  const name = `body.requests.${index}`;
  const { [name]: one } = parsed(z.object({ [name]: batchRequestSchema }), { [name]: request });
  if (one === undefined) throw new Error("no request");
  return one;
}

/** Requests of a batch run concurrently: two for the same timer would have an arbitrary result. @throws {@link BadRequestError} */
function rejectDuplicates(requests: readonly unknown[]): void {
  const seen = new Set<string>();
  for (const [index, request] of requests.entries()) {
    const { kind, id } = batchRequestSchema.safeParse(request).data ?? {};
    const timer = `${kind ?? ""}#${id ?? ""}`;
    if (id !== undefined && seen.has(timer)) throw new BadRequestError(`body.requests.${index}.path: is a duplicate`);
    seen.add(timer);
  }
}
