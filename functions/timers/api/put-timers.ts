/** Puts timers: first their rows, found by the dispatcher if this request dies, then the fires of the next ten minutes, then the final rows. */
import { mapConcurrently } from "../../shared/resilience/concurrency";
import { ConflictError, TooManyRequestsError } from "../../shared/handlers/http-errors";
import { fnv1a } from "../../shared/hash";
import { FireRejectedError, type FireQueue } from "../queue/fire-queue";
import {
  exclusiveStart,
  indexKeyOf,
  isUnenqueued,
  movedTimer,
  overdueIndexKey,
  planEnqueue,
  replacing,
  scheduledTimes,
} from "../schedule/fire-times";
import { HORIZON_MS, type Fire, type StoredTimer, type Timer } from "../schedule/timer";
import { cursorOf } from "../storage/shard-cursor";
import { TimerChangedError, type TimerTable } from "../storage/timer-table";
import type { CursorReader } from "./cursors";

const CONCURRENT_WRITES = 25;

/** Other clients that put the same timer at the same time. */
const MAX_CONFLICTS = 5;

export interface PutPorts {
  readonly table: Pick<TimerTable, "get" | "ensureCursor" | "put" | "advance">;
  readonly queue: FireQueue;
  readonly cursors: CursorReader;
}

export interface Put {
  readonly timer: Timer;
  /** The version to replace; null: only creates. Undefined: replaces any version, unless the timer stays the same. */
  readonly replaces?: string | null;
  /** Whether a timer that is replaced stays as it is, paused or not. @default false */
  readonly keepsEnabled?: boolean;
  /** Whether the stored timer is what this PUT asks for: it stays, with its version and its fires. @default never */
  readonly isUnchanged?: (stored: StoredTimer) => boolean;
  /** Whether this PUT changes only the callback of the stored timer: its fires are those of the stored one, none twice and none lost. @default never */
  readonly isMove?: (stored: StoredTimer) => boolean;
}

export type PutOutcome = { readonly stored: StoredTimer } | { readonly error: unknown };

/**
 * Puts timers; each succeeds or fails independently. A row is written before its fires, because a fire without its row is fenced. Until the
 * fires are enqueued the row is overdue, so a request that dies anywhere leaves them to the dispatcher; the same when SQS does not accept
 * them before the deadline.
 *
 * A PUT with the idempotency key of the stored timer, and one that changes nothing, return the stored timer. One that changes only its callback
 * moves it ({@link movedTimer}).
 *
 * Errors: {@link ConflictError} for an idempotency key of another body; {@link TimerChangedError}; {@link TooManyRequestsError}; {@link FireRejectedError} (the row exists, but SQS rejects its messages:
 * a bug); DynamoDB's errors.
 *
 * @param deadline for the fires, epoch milliseconds
 */
export async function putTimers(
  puts: readonly Put[],
  { table, queue, cursors }: PutPorts,
  deadline: number,
): Promise<readonly PutOutcome[]> {
  const written = await mapConcurrently(puts, CONCURRENT_WRITES, async (put): Promise<Written> => {
    try {
      await table.ensureCursor(put.timer.shard, put.timer.putAt);
      return withFires(await writeRow(put, { table, cursors }));
    } catch (error) {
      return { error };
    }
  });
  const fires = written.flatMap((one) => ("error" in one ? [] : one.fires));
  const { unsent, rejected } = fires.length === 0 ? { unsent: [], rejected: [] } : await queue.send(fires, deadline);
  const rejections = new Map(rejected.map((rejection) => [rejection.fire, rejection]));
  const missing = new Set([...unsent, ...rejections.keys()]);
  return mapConcurrently(written, CONCURRENT_WRITES, async (one): Promise<PutOutcome> => {
    if ("error" in one) return one;
    const stored = await saveEnqueued(one, missing, table);
    const [rejection] = one.fires.flatMap((fire) => rejections.get(fire) ?? []);
    return rejection === undefined ? { stored } : { error: new FireRejectedError(rejection) };
  });
}

/** A row, and its fires to enqueue. */
interface Enqueueing {
  readonly stored: StoredTimer;
  readonly fires: readonly Fire[];
}
type Written = Enqueueing | { readonly error: unknown };

/** @throws {@link TimerChangedError} */
async function writeRow(put: Put, { table, cursors }: Omit<PutPorts, "queue">): Promise<StoredTimer> {
  const { timer, replaces, isUnchanged } = put;
  let row = newRow(timer);
  if (typeof replaces === "string") {
    const stored = await table.get(timer);
    if (stored?.version === replaces) {
      if (isUnchanged?.(stored) === true) return stored;
      row = await rowAfter(stored, put, cursors);
    }
  }
  // First as if the timer were new: most are, and the stored one costs no read.
  let expected: string | null | undefined = replaces === undefined ? null : replaces;
  let conflict: TimerChangedError | undefined;
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
    try {
      const indexKey = isUnenqueued(row) ? overdueIndexKey(row) : indexKeyOf(row);
      await table.put(row, indexKey, expected);
      return row;
    } catch (error) {
      if (!(error instanceof TimerChangedError)) throw error;
      const { stored } = error;
      // The response to an earlier attempt of this write was lost.
      if (stored?.version === timer.version) return stored;
      if (stored !== undefined && isRetryOf(stored, timer)) return stored;
      if (replaces !== undefined) throw error;
      if (stored !== undefined && isUnchanged?.(stored) === true) return stored;
      row = stored === undefined ? newRow(timer) : await rowAfter(stored, put, cursors);
      conflict = error;
      expected = error.isCorrupt ? undefined : (stored?.version ?? null);
    }
  }
  throw new TooManyRequestsError("the timer is being changed by other requests; try again", { cause: conflict });
}

/** What a row keeps of a PUT's idempotency key: the key, and a fingerprint of the body. */
export function requestKeyOf(key: string, body: string): string {
  return `${key} ${fnv1a(body).toString(36)}`;
}

/** @throws {@link ConflictError} for the key of a PUT with another body: its answer would say that this one is stored */
function isRetryOf({ requestKey: stored = "" }: Timer, { requestKey }: Timer): boolean {
  if (requestKey === undefined || stored === requestKey) return requestKey !== undefined;
  if (stored.split(" ")[0] !== requestKey.split(" ")[0]) return false;
  throw new ConflictError("the idempotency key is that of a PUT with another body");
}

/** The row that replaces a stored one. */
async function rowAfter(
  stored: StoredTimer,
  { timer, keepsEnabled, isMove }: Put,
  cursors: CursorReader,
): Promise<StoredTimer> {
  const next = keepsEnabled === true ? { ...timer, enabled: stored.enabled } : timer;
  if (isMove?.(stored) !== true) return newRow(replacing(stored, next));
  const cursor = cursorOf(stored, await cursors.get(new Set([stored.shard]), timer.putAt));
  return newRow(movedTimer(stored, next, cursor));
}

/** Overdue when it has fires to enqueue. */
function newRow(timer: Timer): StoredTimer {
  const start = exclusiveStart(timer);
  const { fires, advanced } = planEnqueue(timer, start, horizonOf(timer));
  return fires.length === 0 ? advanced : { ...timer, enqueuedUntil: start };
}

function withFires(stored: StoredTimer): Enqueueing {
  return {
    stored,
    fires: isUnenqueued(stored) ? planEnqueue(stored, stored.enqueuedUntil, horizonOf(stored)).fires : [],
  };
}

function horizonOf({ putAt }: Timer): number {
  return putAt + HORIZON_MS;
}

/** The dispatcher continues with the first missing fire. Later ones that are sent are sent twice, with the same fire id. */
async function saveEnqueued(
  { stored, fires }: Enqueueing,
  missing: ReadonlySet<Fire>,
  table: PutPorts["table"],
): Promise<StoredTimer> {
  if (fires.length === 0) return stored;
  const firstMissing = fires.findIndex((fire) => missing.has(fire));
  const until =
    firstMissing < 0
      ? horizonOf(stored)
      : (scheduledTimes(stored, stored.enqueuedUntil, horizonOf(stored))[firstMissing] ?? 0) - 1;
  const { advanced } = planEnqueue(stored, stored.enqueuedUntil, until);
  try {
    const indexKey = firstMissing < 0 ? indexKeyOf(advanced) : overdueIndexKey(advanced);
    const changed = await table.advance([{ timer: advanced, indexKey, previous: stored.enqueuedUntil }]);
    return changed.length === 0 ? advanced : stored;
  } catch {
    // The row is still overdue: the dispatcher enqueues the fires, perhaps again. Or it has done so, or the timer was replaced.
    return stored;
  }
}
