/** What can be done with a stored timer besides PUT, GET and DELETE. */
import * as z from "zod";

import { keyTextSchema } from "../../shared/aws/dynamodb-limits";
import { mapConcurrently } from "../../shared/resilience/concurrency";
import { BadRequestError, TooManyRequestsError, UnavailableError } from "../../shared/handlers/http-errors";
import { errorResponse } from "../../shared/handlers/rest-handler";
import type { Scope } from "../../shared/handlers/scopes";
import { parseJson } from "../../shared/input";
import {
  earliestTime,
  exclusiveStart,
  fireAt,
  fireNow,
  firesLeftAfter,
  firesLeftAt,
  nextScheduledTime,
  replacing,
  startOf,
} from "../schedule/fire-times";
import type { Fire, StoredTimer, Timer } from "../schedule/timer";
import { TimerChangedError, type TimerId } from "../storage/timer-table";
import { DEFAULT_CALLBACK } from "../contract";
import { FireRejectedError } from "../queue/fire-queue";
import type { FireRequest, FireRequests, SentFire } from "../storage/fire-requests";
import type { History } from "../storage/history";
import { cursorOf } from "../storage/shard-cursor";
import type { FiredResponse, FiresResponse, PreviewResponse, VerbInput, VerbResponse } from "./api-types";
import { listTimers, type ListPorts } from "./list-timers";
import { putTimers, type Put, type PutPorts } from "./put-timers";
import { fireResponse, hasEnded, iso } from "./timer-response";

/** Other clients that change the same timer at the same time. */
const MAX_CONFLICTS = 5;

const TIMERS_PER_REQUEST = 100;
const CONCURRENT_CHANGES = 10;

/** The clock of another invocation may be ahead: it must not take over a request that is still sending. */
const CLOCK_DIFFERENCE_MS = 2_000;

const STATE_BEFORE = { pause: "scheduled", resume: "paused" } as const;

/** The longest jitter is five of the shortest periods: a fire can be due after the five that follow it. */
const MAX_REORDERED = 5;

export interface VerbPorts extends ListPorts {
  readonly table: ListPorts["table"] & PutPorts["table"];
  readonly queue: PutPorts["queue"];
  readonly history: Pick<History, "read">;
  readonly fireRequests: FireRequests;
  readonly newVersion: () => string;
  /** Called with the server error (5xx) of one timer of several. */
  readonly onFailure: (error: unknown) => void;
}

type FirePorts = Pick<VerbPorts, "queue" | "now" | "newVersion" | "fireRequests">;

/**
 * Sends a fire of a timer, paused or not: a new one, due now, or one of its current version again. A request that is repeated with its
 * idempotency key sends nothing, and has the same response.
 *
 * @param key undefined: each request is another one
 * @param deadline epoch milliseconds
 * @throws {@link UnavailableError} when SQS did not accept it; {@link BadRequestError} for a fire id of another timer or version; the errors of
 *   {@link FireRequests.begin}
 */
export async function fireTimer(
  timer: StoredTimer,
  { fireId, key }: { readonly fireId?: string | undefined; readonly key?: string | undefined },
  ports: FirePorts,
  deadline: number,
): Promise<FiredResponse> {
  const { fireRequests, now, newVersion } = ports;
  const send = (newKey: string) =>
    sendFire(fireId === undefined ? fireNow(timer, newKey, now()) : fireAgain(timer, fireId, now()), ports, deadline);
  if (key === undefined) return firedResponse(await send(newVersion()));
  const request: FireRequest = { timer, key, fireId };
  const owner = newVersion();
  const sent = await fireRequests.begin(request, { owner, now: now(), until: deadline + CLOCK_DIFFERENCE_MS });
  if (sent !== undefined) return firedResponse(sent);
  let fire: Fire;
  try {
    fire = await send(key);
  } catch (error) {
    await fireRequests.release(request, owner).catch(() => undefined);
    throw error;
  }
  // It is sent. Without this note, a repeated request sends it again, with the same fire id.
  await fireRequests.complete(request, fire).catch(() => undefined);
  return firedResponse(fire);
}

function firedResponse({ fireId, due }: SentFire): FiredResponse {
  return { fireId, dueAt: iso(due) };
}

async function sendFire(fire: Fire, { queue }: Pick<VerbPorts, "queue">, deadline: number): Promise<Fire> {
  const { unsent, rejected, errors } = await queue.send([fire], deadline);
  const [rejection] = rejected;
  if (rejection !== undefined) throw new FireRejectedError(rejection);
  if (unsent.length > 0)
    throw new UnavailableError("The queue does not accept the fire. Try again.", { cause: errors[0] });
  return fire;
}

function fireAgain(timer: StoredTimer, fireId: string, now: number): Fire {
  const byRequest = fireNow(timer, "", now);
  if (fireId.startsWith(byRequest.fireId)) return { ...byRequest, fireId };
  const scheduled = Date.parse(fireId.slice(fireId.lastIndexOf("#") + 1));
  // Versions of before a move have the same fires, of which the dead ones are sent to the callback of now.
  const isOfVersion = scheduled > startOf(timer);
  const isScheduled = isOfVersion && nextScheduledTime(timer, scheduled - 1) === scheduled;
  const again = isScheduled ? fireAt(timer, scheduled) : undefined;
  if (again?.fireId !== fireId) throw new BadRequestError("body.fireId: is not a fire of the timer's current version");
  if (again.due > now) throw new BadRequestError("body.fireId: is not due yet");
  return again;
}

/**
 * Pauses or resumes a timer: a PUT of the same timer with another `enabled`, so that fires of the old version are fenced. A timer that has
 * ended stays as it is: a one-shot that has fired must not fire again once it is resumed.
 *
 * @returns undefined when there is no such timer
 * @throws {@link TooManyRequestsError}; the errors of {@link putTimers}
 */
export function setEnabled(
  key: TimerId,
  enabled: boolean,
  ports: VerbPorts,
  deadline: number,
): Promise<StoredTimer | undefined> {
  const change = async ({ moved: _, ...stored }: StoredTimer): Promise<Change | undefined> => {
    if (stored.enabled === enabled || (!enabled && (await isEnded(stored, ports)))) return undefined;
    return { timer: { ...stored, ...(enabled ? {} : firesLeftAt(stored, ports.now())), enabled } };
  };
  return changeTimer(key, change, ports, deadline);
}

/** Moves a timer of one callback to another, whether or not it is paused or has ended. As {@link setEnabled}. */
function moveTimer(
  key: TimerId,
  { from, to }: { readonly from: string; readonly to: string },
  ports: VerbPorts,
  deadline: number,
): Promise<StoredTimer | undefined> {
  const change = (stored: StoredTimer): Change | undefined => {
    const { callback = DEFAULT_CALLBACK } = stored.options ?? {};
    if (callback !== from) return undefined;
    // The API's default.
    return { timer: { ...stored, options: to === DEFAULT_CALLBACK ? {} : { callback: to } }, isMove: true };
  };
  return changeTimer(key, change, ports, deadline);
}

interface Change {
  readonly timer: StoredTimer;
  readonly isMove?: boolean;
}

/** @param change undefined: the timer stays as it is */
async function changeTimer(
  key: TimerId,
  change: (stored: StoredTimer) => Promise<Change | undefined> | Change | undefined,
  ports: VerbPorts,
  deadline: number,
): Promise<StoredTimer | undefined> {
  let conflict: unknown;
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
    const stored = await ports.table.get(key);
    const changed = stored && (await change(stored));
    if (stored === undefined || changed === undefined) return stored;
    const { requestKey: _, enqueuedUntil: __, isOverdue: ___, ...timer } = changed.timer;
    const put: Put = {
      timer: { ...timer, version: ports.newVersion(), putAt: ports.now() },
      replaces: stored.version,
      ...(changed.isMove === true && { isMove: () => true }),
    };
    const [outcome] = await putTimers([put], ports, deadline);
    if (outcome !== undefined && "stored" in outcome) return outcome.stored;
    if (!(outcome?.error instanceof TimerChangedError)) throw outcome?.error;
    conflict = outcome.error;
  }
  throw new TooManyRequestsError("the timer is being changed by other requests; try again", { cause: conflict });
}

async function isEnded(timer: StoredTimer, { cursors, now }: VerbPorts): Promise<boolean> {
  const cursor = cursorOf(timer, await cursors.get(new Set([timer.shard]), now()));
  return hasEnded(timer, now(), { cursor });
}

/** Pauses, resumes or moves up to a hundred timers with a prefix, each on its own. Those that it has changed already are not found again. */
export async function changeAll(
  kind: TimerId["kind"],
  input: VerbInput,
  ports: VerbPorts,
  scope: Pick<Scope, "includes">,
  deadline: number,
): Promise<VerbResponse> {
  const { verb, prefix, next } = input;
  const filter = verb === "move" ? { callback: input.from } : { state: STATE_BEFORE[verb] };
  const page = await listTimers(kind, { limit: TIMERS_PER_REQUEST, prefix, next, ...filter }, ports, scope);
  const failures = (page.unreadable ?? []).map(({ id, reason }) => ({ id, message: reason }));
  const unreadable = failures.length;
  await mapConcurrently(page.timers, CONCURRENT_CHANGES, async ({ id }) => {
    try {
      if (verb === "move") await moveTimer({ kind, id }, input, ports, deadline);
      else await setEnabled({ kind, id }, verb === "resume", ports, deadline);
    } catch (error) {
      const { status, body } = errorResponse(error);
      if (status >= 500) ports.onFailure(error);
      failures.push({ id, message: z.object({ message: z.string() }).safeParse(body).data?.message ?? "failed" });
    }
  });
  const changed = page.timers.length - (failures.length - unreadable);
  return { changed, failures, ...(page.next !== undefined && { next: page.next }) };
}

/** The next fires of a timer from now on, paused or not. */
export function preview(stored: Timer | StoredTimer, count: number, now: number): PreviewResponse {
  const { moved: _, ...unmoved } = stored;
  const resumed = { ...unmoved, enabled: true, putAt: now };
  const timer = stored.enabled ? stored : "enqueuedUntil" in stored ? replacing(stored, resumed) : resumed;
  const start = Math.max(earliestTime(timer, now), exclusiveStart(timer));
  const due: number[] = [];
  const { firesLeft = Infinity } = "enqueuedUntil" in stored ? firesLeftAfter(stored, start) : stored;
  let at = nextScheduledTime(timer, start);
  for (let fires = 0; at !== undefined && fires < firesLeft && due.length < count + MAX_REORDERED; fires++) {
    const fire = fireAt(timer, at);
    if (fire.due >= now) due.push(fire.due);
    at = nextScheduledTime(timer, at);
  }
  const first = due.sort((a, b) => a - b).slice(0, count);
  return { fires: first.map(iso) };
}

/** @throws {@link BadRequestError} for a token of its own making */
export async function firesOf(
  timer: TimerId,
  { limit, next }: { readonly limit: number; readonly next?: string | undefined },
  { history }: Pick<VerbPorts, "history">,
): Promise<FiresResponse> {
  const page = await history.read(timer, limit, next === undefined ? undefined : sortKeyOf(next));
  return {
    fires: page.fires.map(fireResponse),
    ...(page.next !== undefined && { next: Buffer.from(JSON.stringify(page.next)).toString("base64url") }),
  };
}

function sortKeyOf(token: string): string {
  try {
    return keyTextSchema("sort").parse(parseJson(Buffer.from(token, "base64url").toString()));
  } catch (cause) {
    throw new BadRequestError("query.next: is not a token from a response of this list", { cause });
  }
}
