/** Reads and moves the clock of a running emulator: server/advance.py. For the command line, and for the console. */
import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";
import { askLauncher } from "./control";

const clockSchema = z.object({
  /** Epoch milliseconds, as the emulator and its functions see it. */
  nowMs: z.number(),
  /** How far it is ahead of the machine's. */
  offsetMs: z.number(),
  /** True: it is being moved now. */
  moving: z.boolean(),
  /** Where it is being moved to, epoch milliseconds; null: nowhere, or on and on at a speed. */
  untilMs: z.number().nullable(),
  /** 1: as fast as the machine's. */
  speed: z.number(),
  /** Due instants since the last move began. */
  steps: z.number(),
  /** Why the last move ended early. */
  error: z.string().nullable(),
  /** Invocations since the last move began, by function, and those of them that failed. */
  ran: z.record(z.string(), z.number()),
  failed: z.record(z.string(), z.number()),
});
export type ClockState = z.output<typeof clockSchema>;

/** Invocations of all functions together, by the counts of each. */
export function totalOf(counts: ClockState["ran"]): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** Something stayed busy, so that the clock could not be moved to the end. The message names it. */
export class ClockStuckError extends Error {
  override readonly name = "ClockStuckError";
}

/** Another command has stopped the clock, or moved it back, before it was where this one moves it. */
export class ClockTakenError extends Error {
  override readonly name = "ClockTakenError";
}

const POLL_MS = 200;

export async function readClock(endpoint: string): Promise<ClockState> {
  return clockSchema.parse(await askLauncher(endpoint, "GET", "clock"));
}

/** Begins to move the clock, from one due instant to the next. @throws LauncherRefusedError */
export async function beginAdvance(endpoint: string, untilMs: number): Promise<ClockState> {
  return clockSchema.parse(await askLauncher(endpoint, "POST", "clock/advance", { body: { untilMs } }));
}

/** Lets time pass faster by a factor, from one due instant to the next; 1: real time. @throws LauncherRefusedError */
export async function setClockSpeed(endpoint: string, speed: number): Promise<ClockState> {
  return clockSchema.parse(await askLauncher(endpoint, "POST", "clock/speed", { body: { speed } }));
}

/** Leaves the clock where it is. */
export async function stopClock(endpoint: string): Promise<ClockState> {
  return clockSchema.parse(await askLauncher(endpoint, "POST", "clock/stop"));
}

/** Returns to the machine's time, and to the state before the clock was moved. @throws LauncherRefusedError */
export async function backToNow(endpoint: string): Promise<ClockState> {
  return clockSchema.parse(await askLauncher(endpoint, "POST", "clock/now"));
}

/**
 * Moves the clock and waits until it is there. When the signal is aborted, the clock stays where it is.
 *
 * @throws LauncherRefusedError, ClockStuckError, ClockTakenError
 */
export async function advanceClock(
  endpoint: string,
  untilMs: number,
  { onProgress, signal }: { readonly onProgress?: (clock: ClockState) => void; readonly signal?: AbortSignal } = {},
): Promise<ClockState> {
  let clock = await beginAdvance(endpoint, untilMs);
  while (clock.moving && !isTaken(clock, untilMs)) {
    onProgress?.(clock);
    await pause(POLL_MS);
    clock = signal?.aborted === true ? await stopClock(endpoint) : await readClock(endpoint);
  }
  if (clock.error !== null) throw new ClockStuckError(clock.error);
  if (clock.nowMs < untilMs - 1 && signal?.aborted !== true)
    throw new ClockTakenError(
      `Another command has taken the clock: it is ${new Date(clock.nowMs).toISOString()}, not ${new Date(untilMs).toISOString()}.`,
    );
  return clock;
}

/** Whether the clock is moved at a speed, or to elsewhere. The emulator counts in seconds, with fractions. */
function isTaken({ speed, untilMs: other }: ClockState, untilMs: number): boolean {
  return speed !== 1 || (other !== null && Math.abs(other - untilMs) >= 1);
}
