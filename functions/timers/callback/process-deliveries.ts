/** Runs the callback for received fires: waits for the due time, fences, applies the timer's options, retries. The core: time and I/O are ports. */
import { backoffMs } from "../../shared/resilience/backoff";
import { sleep, type Clock } from "../../shared/clock";
import type { LeaseRequest } from "../../shared/resilience/lease";
import { MINUTE_MS, SECOND_MS } from "../../shared/time";
import { isByRequest, isTooLate } from "../schedule/fire-times";
import {
  DEFAULT_MAX_ATTEMPTS,
  type Fire,
  type FireOutcome,
  type StoredTimer,
  type TimerOptions,
} from "../schedule/timer";
import type { ObservedFire } from "../storage/history";
import { timerKey } from "../storage/timer-row";
import type { TimerTable } from "../storage/timer-table";
import type { Delivery } from "./delivery";

/** A fire that is earlier goes back into the queue. Up to a second is normal, because delays are whole seconds. */
const MAX_WAIT_MS = 3_000;

/** Between attempts of a failed callback. */
const BACKOFF = { firstMs: 2 * SECOND_MS, longestMs: 10 * MINUTE_MS };

/**
 * Leases and claims last this much longer than the invocation that has them: another one, whose clock may be ahead, must not take them over
 * while it still runs.
 */
const CLOCK_DIFFERENCE_MS = 6 * SECOND_MS;

/** For exactly-once mode. */
export interface IdempotencyStore {
  /** `completed`: the callback has succeeded before. `inProgress`: another owner has claimed the fire, until then. */
  claim(
    fire: Fire,
    request: LeaseRequest,
  ): Promise<
    { readonly outcome: "claimed" | "completed" } | { readonly outcome: "inProgress"; readonly until: number }
  >;
  /** Idempotent. Rejects when another owner has claimed the fire. */
  complete(fire: Fire, owner: string): Promise<void>;
  /** After a failure. */
  release(fire: Fire, owner: string): Promise<void>;
}

/** For timers whose fires do not overlap: a lease for each timer. */
export interface RunningFires {
  /** @returns undefined: the lease is acquired; otherwise the id of the fire that has it */
  begin(fire: Fire, request: LeaseRequest): Promise<string | undefined>;
  /** Best effort: without it, the lease expires. */
  end(fire: Fire, owner: string): Promise<void>;
}

export interface CallbackPorts {
  readonly table: Pick<TimerTable, "getMany">;
  readonly changeVisibility: (delivery: Delivery, seconds: number) => Promise<void>;
  /** Sends a copy to the dead-letter queue. */
  readonly sendToDeadLetters: (delivery: Delivery) => Promise<void>;
  readonly running: RunningFires;
  /** Writes observed fires to the history. Never rejects. */
  readonly record: (fires: readonly ObservedFire[]) => Promise<void>;
  /** Whether fires are recorded unless their timer says otherwise. */
  readonly history: boolean;
  /** Calls the callback. `owner` has claimed the fire, in exactly-once mode. */
  readonly invoke: (fire: Fire, owner: string | undefined) => Promise<void>;
  /** Only in exactly-once mode. */
  readonly idempotency?: IdempotencyStore;
  readonly clock: Clock;
  /** Unique to this invocation. */
  readonly owner: string;
  /** End of this invocation, epoch milliseconds. */
  readonly deadline: number;
  readonly observer: CallbackObserver;
}

/** Called with the outcome of each fire. */
export interface CallbackObserver {
  readonly fired: (fire: Fire, lateMs: number) => void;
  /** The timer is deleted, replaced or disabled. */
  readonly fenced: (fire: Fire) => void;
  /** Completed or in progress elsewhere. */
  readonly duplicate: (fire: Fire) => void;
  /** Too late, by the timer's `catchUp`. */
  readonly dropped: (fire: Fire) => void;
  /** Another fire of the timer runs. */
  readonly skipped: (fire: Fire) => void;
  /** Will be redelivered, unless it goes to the dead-letter queue. */
  readonly failed: (fire: Fire, error: unknown) => void;
}

/** Processes deliveries independently of each other. @returns those to redeliver */
export async function processDeliveries(
  deliveries: readonly Delivery[],
  ports: CallbackPorts,
): Promise<readonly Delivery[]> {
  const { clock } = ports;
  const redeliveries: Delivery[] = [];
  const byTime = new Map<number, Delivery[]>();
  for (const delivery of deliveries) {
    // All late fires form one group.
    const time = Math.max(delivery.fire.due, clock.now());
    byTime.set(time, [...(byTime.get(time) ?? []), delivery]);
  }
  await Promise.all(
    [...byTime].map(async ([time, group]) => {
      const wait = time - clock.now();
      if (wait > MAX_WAIT_MS) {
        redeliveries.push(...group);
        await Promise.all(group.map((delivery) => delayRedelivery(delivery, Math.floor(wait / 1_000), ports)));
        return;
      }
      await sleepUntil(time, clock);
      redeliveries.push(...(await processDue(group, ports)));
    }),
  );
  return redeliveries;
}

/** setTimeout may end up to a millisecond early. */
async function sleepUntil(time: number, clock: Clock): Promise<void> {
  for (let wait = time - clock.now(); wait > 0; wait = time - clock.now()) await sleep(clock, wait);
}

async function processDue(group: readonly Delivery[], ports: CallbackPorts): Promise<readonly Delivery[]> {
  const { table, observer } = ports;
  let live: ReadonlyMap<string, StoredTimer>;
  let unreadable: ReadonlyMap<string, unknown>;
  try {
    const { timers, corrupt } = await table.getMany(group.map(({ fire }) => fire));
    live = new Map(timers.map((timer) => [timerKey(timer.kind, timer.id), timer]));
    unreadable = new Map(corrupt.map(({ kind, id, error }) => [timerKey(kind, id), error]));
  } catch (error) {
    return Promise.all(group.map((delivery) => retryLater(delivery, error, ports)));
  }
  const observed: ObservedFire[] = [];
  const redeliveries = await Promise.all(
    group.map(async (delivery) => {
      const { fire } = delivery;
      // Neither live nor fenced: it goes to the dead-letter queue, unless the row is put again.
      const error = unreadable.get(timerKey(fire.kind, fire.id));
      if (error !== undefined) return (await retryOrGiveUp(delivery, error, {}, ports)).redeliveries;
      const timer = live.get(timerKey(fire.kind, fire.id));
      if (timer?.version !== fire.version || !(timer.enabled || isByRequest(fire))) {
        observer.fenced(fire);
        return [];
      }
      const result = await deliver(delivery, timer, ports);
      if (result.observed !== undefined && (timer.options?.history ?? ports.history)) observed.push(result.observed);
      return result.redeliveries;
    }),
  );
  if (observed.length > 0) await ports.record(observed);
  return redeliveries.flat();
}

interface Result {
  readonly redeliveries: readonly Delivery[];
  /** Undefined: a duplicate. */
  readonly outcome?: FireOutcome;
}

/** One delivery to a live timer. Never rejects. */
async function deliver(
  delivery: Delivery,
  timer: StoredTimer,
  ports: CallbackPorts,
): Promise<Pick<Result, "redeliveries"> & { readonly observed?: ObservedFire }> {
  const { fire, receiveCount: attempts } = delivery;
  const firedAt = ports.clock.now();
  const { redeliveries, outcome } = await attempt(delivery, timer, ports);
  if (outcome === undefined) return { redeliveries };
  const durationMs = Math.max(0, ports.clock.now() - firedAt);
  return { redeliveries, observed: { fire, outcome, firedAt, durationMs, attempts } };
}

async function attempt(delivery: Delivery, timer: StoredTimer, ports: CallbackPorts): Promise<Result> {
  const { observer, clock } = ports;
  const { fire, receiveCount } = delivery;
  const { options = {} } = timer;
  if (isTooLate(timer, fire, clock.now())) {
    observer.dropped(fire);
    return { redeliveries: [], outcome: "dropped" };
  }
  const isSpent = receiveCount > maxAttemptsOf(options);
  try {
    if (options.overlap !== "skip" || isSpent) return await invokeOnce(delivery, isSpent, ports);
    return await invokeAlone(delivery, ports);
  } catch (error) {
    return retryOrGiveUp(delivery, error, options, ports);
  }
}

/** The lease is that of the message, which may acquire it again when it is redelivered after a crash. */
async function invokeAlone(delivery: Delivery, ports: CallbackPorts): Promise<Result> {
  const { running, clock, deadline, observer } = ports;
  const { fire, messageId } = delivery;
  const until = deadline + CLOCK_DIFFERENCE_MS;
  const other = await running
    .begin(fire, { owner: messageId, now: clock.now(), until })
    .catch(async (error: unknown) => {
      // It may have taken effect all the same: a lease that stays would take a redrive of this fire for a duplicate.
      await running.end(fire, messageId);
      throw error;
    });
  if (other === fire.fireId) {
    observer.duplicate(fire);
    return { redeliveries: [] };
  }
  if (other !== undefined) {
    observer.skipped(fire);
    return { redeliveries: [], outcome: "skipped" };
  }
  try {
    return await invokeOnce(delivery, false, ports);
  } finally {
    await running.end(fire, messageId);
  }
}

/**
 * Rejects with the callback's error.
 *
 * @param isSpent all attempts have ended without a response: by a timeout, or for want of memory. It fails, unless the fire has succeeded by
 *   another message, or its callback runs
 */
async function invokeOnce(delivery: Delivery, isSpent: boolean, ports: CallbackPorts): Promise<Result> {
  const { idempotency, clock, deadline, observer } = ports;
  const { fire, messageId } = delivery;
  const invoke = async (claimedBy: string | undefined): Promise<void> => {
    if (isSpent) throw new Error("earlier attempts did not end");
    observer.fired(fire, clock.now() - fire.due);
    await ports.invoke(fire, claimedBy);
  };
  // Unique to this delivery: a batch may contain the same fire twice.
  const owner = `${ports.owner}.${messageId}`;
  if (idempotency === undefined) {
    await invoke(undefined);
    return { redeliveries: [], outcome: "succeeded" };
  }
  const claim = await idempotency.claim(fire, { owner, now: clock.now(), until: deadline + CLOCK_DIFFERENCE_MS });
  if (claim.outcome === "completed") {
    observer.duplicate(fire);
    return { redeliveries: [] };
  }
  if (claim.outcome === "inProgress") {
    observer.duplicate(fire);
    // By then the claim is completed or expired.
    await delayRedelivery(delivery, Math.ceil(Math.max(0, claim.until - clock.now()) / 1_000) + 1, ports);
    return { redeliveries: [delivery] };
  }
  try {
    await invoke(owner);
  } catch (error) {
    await idempotency.release(fire, owner);
    throw error;
  }
  await idempotency.complete(fire, owner);
  return { redeliveries: [], outcome: "succeeded" };
}

function maxAttemptsOf({ maxAttempts = DEFAULT_MAX_ATTEMPTS }: TimerOptions): number {
  return maxAttempts;
}

/** To the dead-letter queue after the last attempt; a crash in between delivers the fire once more. */
async function retryOrGiveUp(
  delivery: Delivery,
  error: unknown,
  options: TimerOptions,
  ports: CallbackPorts,
): Promise<Result> {
  const { fire, receiveCount } = delivery;
  const { maxAgeSeconds = Infinity } = options;
  const retryAt = ports.clock.now() + backoffMs(receiveCount, BACKOFF);
  if (receiveCount < maxAttemptsOf(options) && retryAt <= fire.due + maxAgeSeconds * SECOND_MS)
    return { redeliveries: [await retryLater(delivery, error, ports)], outcome: "failed" };
  try {
    await ports.sendToDeadLetters(delivery);
  } catch {
    return { redeliveries: [await retryLater(delivery, error, ports)], outcome: "failed" };
  }
  ports.observer.failed(fire, error);
  return { redeliveries: [], outcome: "deadLettered" };
}

async function retryLater(delivery: Delivery, error: unknown, ports: CallbackPorts): Promise<Delivery> {
  ports.observer.failed(delivery.fire, error);
  await delayRedelivery(delivery, backoffMs(delivery.receiveCount, BACKOFF) / SECOND_MS, ports);
  return delivery;
}

/** Best effort: without it, the message is redelivered after the queue's visibility timeout. */
async function delayRedelivery(
  delivery: Delivery,
  seconds: number,
  { changeVisibility }: CallbackPorts,
): Promise<void> {
  await changeVisibility(delivery, seconds).catch(() => undefined);
}
