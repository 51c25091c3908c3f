/** Puts timers: their rows first, then the fires of the horizon. */
import { mapConcurrently } from "../../shared/concurrency";
import { UnavailableError } from "../../shared/handlers/http-errors";
import { FireRefusedError, type FireQueue } from "../queue/fire-queue";
import { beforeFirst, handOver, overduePlaceOf, placeOf, scheduledTimes } from "../schedule/fire-times";
import { HORIZON_MS, type Fire, type StoredTimer, type Timer } from "../schedule/timer";
import type { TimerTable } from "../storage/timer-table";

const CONCURRENT_WRITES = 25;

export interface PutPorts {
  readonly table: Pick<TimerTable, "ensureCursor" | "put" | "move">;
  readonly queue: FireQueue;
}

/** A timer to put, and what it may replace: a version, nothing (null), whatever is there (undefined). */
export interface Put {
  readonly timer: Timer;
  readonly replaces?: string | null;
}

/** What became of it: the timer as it is stored, or why it is not. */
export type PutOutcome = { readonly stored: StoredTimer } | { readonly error: unknown };

/**
 * Puts timers, each on its own: one's failure is not another's. First the row, since a fire without its row is fenced off; then its
 * fires of the next ten minutes, which no later look of the dispatcher is sure to see. Where the queue does not take them, the row
 * is made overdue, for the dispatcher to hand them over as soon as it comes by.
 *
 * An outcome's error is a {@link TimerChangedError}, an {@link UnavailableError} (put it again: it may be there, without the fires of its first
 * minutes), a {@link FireRefusedError} (it is there, but its messages are none that SQS takes: a fault of whoever made them), or
 * whatever the table's client threw.
 */
export async function putTimers(puts: readonly Put[], { table, queue }: PutPorts): Promise<readonly PutOutcome[]> {
  const written = await mapConcurrently(puts, CONCURRENT_WRITES, async ({ timer, replaces }): Promise<Written> => {
    const { fires, rest } = handOver(timer, beforeFirst(timer), timer.putAt + HORIZON_MS);
    try {
      await table.ensureCursor(timer.shard, timer.putAt);
      await table.put(rest, placeOf(rest), replaces);
      return { timer, fires, rest };
    } catch (error) {
      return { error };
    }
  });
  const fires = written.flatMap((one) => ("error" in one ? [] : one.fires));
  const { unsent, refused } = fires.length === 0 ? { unsent: [], refused: [] } : await queue.send(fires);
  const refusals = new Map(refused.map((refusal) => [refusal.fire, refusal]));
  const missing = new Set([...unsent, ...refusals.keys()]);
  return mapConcurrently(written, CONCURRENT_WRITES, async (one): Promise<PutOutcome> => {
    if ("error" in one) return one;
    const firstMissing = one.fires.findIndex((fire) => missing.has(fire));
    if (firstMissing < 0) return { stored: one.rest };
    const outcome = await leaveToDispatcher(one, firstMissing, table);
    const [refusal] = one.fires.flatMap((fire) => refusals.get(fire) ?? []);
    return refusal === undefined ? outcome : { error: new FireRefusedError(refusal) };
  });
}

/** @throws as {@link putTimers} tells */
export async function putTimer(put: Put, ports: PutPorts): Promise<StoredTimer> {
  const [outcome] = await putTimers([put], ports);
  if (outcome === undefined) throw new Error("nothing became of it");
  if ("error" in outcome) throw outcome.error;
  return outcome.stored;
}

type Written =
  { readonly timer: Timer; readonly fires: readonly Fire[]; readonly rest: StoredTimer } | { readonly error: unknown };

/** Takes back the handing over of the first fire that is missing, and of all after it: those that were sent come twice, by one id. */
async function leaveToDispatcher(
  { timer, rest }: Exclude<Written, { error: unknown }>,
  firstMissing: number,
  table: PutPorts["table"],
): Promise<PutOutcome> {
  const after = beforeFirst(timer);
  const missingAt = scheduledTimes(timer, after, rest.through)[firstMissing] ?? rest.through;
  const { rest: overdue } = handOver(timer, after, missingAt - 1);
  try {
    await table.move(overdue, overduePlaceOf(overdue), rest.through);
    return { stored: overdue };
  } catch (cause) {
    const message = `The first fires of the ${timer.kind} timer "${timer.id}" could not be queued; put it again.`;
    return { error: new UnavailableError(message, { cause }) };
  }
}
