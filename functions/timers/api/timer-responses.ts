/** Responses for stored timers, one by one: a row that cannot be read is shown as such, and does not hide the others. */
import { ConflictError } from "../../shared/handlers/http-errors";
import type { StoredTimer } from "../schedule/timer";
import { CorruptRowError } from "../storage/timer-row";
import type { TimerResponse } from "./api-types";
import type { CursorReader } from "./cursors";
import { timerResponse } from "./timer-response";

export interface Unreadable {
  readonly id: string;
  readonly error: unknown;
}

export class UnreadableTimerError extends ConflictError {
  constructor({ error }: Unreadable) {
    super(`The stored timer cannot be read (${reasonOf(error)}). Put it again, or delete it.`, { cause: error });
  }
}

export function reasonOf(error: unknown): string {
  return error instanceof CorruptRowError ? error.message : "its timerCallbackData is not JSON";
}

/** In the order of the timers. @param now epoch milliseconds */
export async function timerResponses(timers: readonly StoredTimer[], cursors: CursorReader, now: number) {
  const shards = new Set(timers.map(({ shard }) => shard));
  const cursorOf = shards.size === 0 ? new Map<string, number>() : await cursors.get(shards, now);
  const responses: TimerResponse[] = [];
  const unreadable: Unreadable[] = [];
  for (const timer of timers) {
    try {
      responses.push(timerResponse(timer, now, cursorOf.get(timer.shard) ?? 0));
    } catch (error) {
      unreadable.push({ id: timer.id, error });
    }
  }
  return { timers: responses, unreadable };
}
