/** Puts timers: first their rows, then the fires of the next ten minutes. */
import { mapConcurrently } from "../../shared/concurrency";
import { UnavailableError } from "../../shared/handlers/http-errors";
import { FireRejectedError, type FireQueue } from "../queue/fire-queue";
import { exclusiveStart, planEnqueue, overdueIndexKey, indexKeyOf, scheduledTimes } from "../schedule/fire-times";
import { HORIZON_MS, type Fire, type StoredTimer, type Timer } from "../schedule/timer";
import type { TimerTable } from "../storage/timer-table";

const CONCURRENT_WRITES = 25;

export interface PutPorts {
  readonly table: Pick<TimerTable, "ensureCursor" | "put" | "advance">;
  readonly queue: FireQueue;
}

/** @property replaces the version to replace; null: only creates; undefined: replaces any version */
export interface Put {
  readonly timer: Timer;
  readonly replaces?: string | null;
}

export type PutOutcome = { readonly stored: StoredTimer } | { readonly error: unknown };

/**
 * Puts timers; each succeeds or fails independently. First the row, because a fire without its row is fenced. Then the fires of the next ten
 * minutes, because the dispatcher may have passed them, or may not see the index entry in time. When SQS does not accept them, the row becomes
 * overdue, and the dispatcher enqueues them in its next run.
 *
 * Errors: {@link TimerChangedError}; {@link UnavailableError} (the row may exist without its first fires: put again);
 * {@link FireRejectedError} (the row exists, but SQS rejects its messages: a bug); the DynamoDB client's errors.
 */
export async function putTimers(puts: readonly Put[], { table, queue }: PutPorts): Promise<readonly PutOutcome[]> {
  const written = await mapConcurrently(puts, CONCURRENT_WRITES, async ({ timer, replaces }): Promise<Written> => {
    const { fires, advanced } = planEnqueue(timer, exclusiveStart(timer), timer.putAt + HORIZON_MS);
    try {
      await table.ensureCursor(timer.shard, timer.putAt);
      await table.put(advanced, indexKeyOf(advanced), replaces);
      return { timer, fires, stored: advanced };
    } catch (error) {
      return { error };
    }
  });
  const fires = written.flatMap((one) => ("error" in one ? [] : one.fires));
  const { unsent, rejected } = fires.length === 0 ? { unsent: [], rejected: [] } : await queue.send(fires);
  const rejections = new Map(rejected.map((rejection) => [rejection.fire, rejection]));
  const missing = new Set([...unsent, ...rejections.keys()]);
  return mapConcurrently(written, CONCURRENT_WRITES, async (one): Promise<PutOutcome> => {
    if ("error" in one) return one;
    const firstMissing = one.fires.findIndex((fire) => missing.has(fire));
    if (firstMissing < 0) return { stored: one.stored };
    const outcome = await deferToDispatcher(one, firstMissing, table);
    const [rejection] = one.fires.flatMap((fire) => rejections.get(fire) ?? []);
    return rejection === undefined ? outcome : { error: new FireRejectedError(rejection) };
  });
}

type Written =
  | { readonly timer: Timer; readonly fires: readonly Fire[]; readonly stored: StoredTimer }
  | { readonly error: unknown };

/** Leaves the first missing fire and all later ones to the dispatcher. Those already sent are sent twice, with the same fire id. */
async function deferToDispatcher(
  { timer, stored }: Exclude<Written, { error: unknown }>,
  firstMissing: number,
  table: PutPorts["table"],
): Promise<PutOutcome> {
  const after = exclusiveStart(timer);
  const missingAt = scheduledTimes(timer, after, stored.enqueuedUntil)[firstMissing] ?? stored.enqueuedUntil;
  const { advanced: overdue } = planEnqueue(timer, after, missingAt - 1);
  try {
    await table.advance(overdue, overdueIndexKey(overdue), stored.enqueuedUntil);
    return { stored: overdue };
  } catch (cause) {
    const message = "The first fires of the timer could not be queued. Put the timer again.";
    return { error: new UnavailableError(message, { cause }) };
  }
}
