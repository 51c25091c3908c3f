/** Responses for stored timers, one by one: a row that cannot be read is shown as such, and does not hide the others. */
import { mapConcurrently } from "../../shared/resilience/concurrency";
import { DEFAULT_CALLBACK, type Callbacks } from "../contract";
import type { StoredTimer } from "../schedule/timer";
import type { History, RecordedFire } from "../storage/history";
import { cursorOf, type ShardCursors } from "../storage/shard-cursor";
import type { TimerResponse } from "./api-types";
import type { CursorReader } from "./cursors";
import { timerResponse } from "./timer-response";

export interface Unreadable {
  readonly id: string;
  readonly error: unknown;
}

const CONCURRENT_READS = 25;

export interface StatusPorts {
  readonly cursors: CursorReader;
  readonly history: Pick<History, "read">;
  readonly callbacks: Callbacks;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** In the order of the timers. @param isWanted others are left out @default all */
export async function timerResponses(
  timers: readonly StoredTimer[],
  ports: StatusPorts,
  isWanted: (timer: TimerResponse) => boolean = () => true,
) {
  const now = ports.now();
  const shards = new Set(timers.map(({ shard }) => shard));
  const cursors: ShardCursors = shards.size === 0 ? new Map() : await ports.cursors.get(shards, now);
  const unreadable: Unreadable[] = [];
  const respond = (timer: StoredTimer, lastFire?: RecordedFire): TimerResponse | undefined => {
    try {
      const recorded = isRecorded(timer, ports.callbacks);
      return timerResponse(timer, now, { cursor: cursorOf(timer, cursors), recorded, lastFire });
    } catch (error) {
      unreadable.push({ id: timer.id, error });
      return undefined;
    }
  };
  const wanted = timers.flatMap((timer) => {
    const response = respond(timer);
    return response !== undefined && isWanted(response) ? { timer, response } : [];
  });
  const responses = await mapConcurrently(wanted, CONCURRENT_READS, async ({ timer, response }) => {
    const lastFire = await lastFireOf(timer, ports);
    return lastFire === undefined ? response : respond(timer, lastFire);
  });
  return { timers: responses.flatMap((response) => response ?? []), unreadable };
}

/** @throws {@link CorruptRowError} */
export async function readTimerResponse(timer: StoredTimer, ports: StatusPorts): Promise<TimerResponse | undefined> {
  const { timers, unreadable } = await timerResponses([timer], ports);
  if (unreadable[0] !== undefined) throw unreadable[0].error;
  return timers[0];
}

export function isRecorded({ options = {} }: StoredTimer, callbacks: Callbacks): boolean {
  return options.history ?? callbacks[options.callback ?? DEFAULT_CALLBACK]?.history ?? false;
}

/** Undefined also for a timer whose fires are not recorded: it costs no read. */
export async function lastFireOf(timer: StoredTimer, ports: StatusPorts): Promise<RecordedFire | undefined> {
  if (!isRecorded(timer, ports.callbacks)) return undefined;
  return (await ports.history.read(timer, 1)).fires[0];
}
