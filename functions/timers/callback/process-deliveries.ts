/** Runs the callback for received fires: waits for the due time, fences, applies the timer's options, retries. The core: time and I/O are ports. */
import { backoffMs } from "../../shared/resilience/backoff";
import { sleep, type Clock } from "../../shared/clock";
import type { Lease, LeaseRequest } from "../../shared/resilience/lease";
import { MINUTE_MS, SECOND_MS } from "../../shared/time";
import { isByRequest, isFireOf, isTooLate } from "../schedule/fire-times";
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
  /** `completed`: the callback has succeeded before. `inProgress`: another delivery has claimed the fire, until then. */
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
  /** Acquires the lease. `held`: by a delivery of this fire or of another one. */
  begin(
    fire: Fire,
    request: LeaseRequest,
  ): Promise<{ readonly outcome: "acquired" } | ({ readonly outcome: "held"; readonly fireId: string } & Lease)>;
  /** Releases the lease. Idempotent. Rejects when it may still be there, until it expires. @returns the lease of another owner */
  end(fire: Fire, owner: string): Promise<Lease | undefined>;
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
      if (timer === undefined || !isFireOf(timer, fire) || !(timer.enabled || isByRequest(fire))) {
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
  const isTooOld = receiveCount > 1 && clock.now() > latestAttempt(fire, options);
  const isSpent = receiveCount > maxAttemptsOf(options) || isTooOld;
  try {
    return await (options.overlap === "skip" ? invokeAlone : invokeOnce)(delivery, isSpent, ports);
  } catch (error) {
    return retryOrGiveUp(delivery, error, options, ports);
  }
}

/**
 * While the lease is there, its message is in the queue, unless the fire has succeeded: another message of the same fire is a duplicate. So a
 * fire goes to the dead letters only once its lease is released: a redrive is no duplicate.
 */
async function invokeAlone(delivery: Delivery, isSpent: boolean, ports: CallbackPorts): Promise<Result> {
  const { running, clock, deadline, observer } = ports;
  const { fire } = delivery;
  const owner = ownerOf(delivery, ports);
  const until = deadline + CLOCK_DIFFERENCE_MS;
  let result: Result;
  try {
    const lease = await running.begin(fire, { owner, now: clock.now(), until });
    if (lease.outcome === "held" && lease.fireId === fire.fireId)
      return await duplicate(delivery, isOwnerOf(delivery, lease) ? lease.until : undefined, ports);
    if (lease.outcome === "held" && !isSpent) {
      observer.skipped(fire);
      return { redeliveries: [], outcome: "skipped" };
    }
    result = await invokeOnce(delivery, isSpent, ports);
  } catch (error) {
    // Also when it could not be acquired: that may have taken effect, or an earlier delivery, which died, may have it.
    const isReleased = await running.end(fire, owner).then(
      (lease) => lease === undefined || !isOwnerOf(delivery, lease),
      () => false,
    );
    if (isReleased) throw error;
    observer.failed(fire, error);
    return { redeliveries: [await redeliverAt(until, delivery, ports)], outcome: "failed" };
  }
  await running.end(fire, owner).catch(() => undefined);
  return result;
}

/** Unique to this delivery: a batch may contain the same fire twice, and SQS may deliver one message to two invocations. */
function ownerOf({ messageId }: Delivery, { owner }: CallbackPorts): string {
  return `${owner}.${messageId}`;
}

/** Whether it belongs to an earlier delivery of the same message. */
function isOwnerOf({ messageId }: Delivery, { owner }: Lease): boolean {
  return owner.endsWith(`.${messageId}`);
}

/** @param until when the attempt in progress has ended, epoch milliseconds; undefined: the message is not needed */
async function duplicate(delivery: Delivery, until: number | undefined, ports: CallbackPorts): Promise<Result> {
  ports.observer.duplicate(delivery.fire);
  return { redeliveries: until === undefined ? [] : [await redeliverAt(until, delivery, ports)] };
}

/**
 * Rejects with the callback's error.
 *
 * @param isSpent all attempts have ended without a response: by a timeout, or for want of memory. It fails, unless the fire has succeeded by
 *   another message, or its callback runs
 */
async function invokeOnce(delivery: Delivery, isSpent: boolean, ports: CallbackPorts): Promise<Result> {
  const { idempotency, clock, deadline, observer } = ports;
  const { fire } = delivery;
  const invoke = async (claimedBy: string | undefined): Promise<void> => {
    if (isSpent) throw new Error("earlier attempts did not end");
    observer.fired(fire, clock.now() - fire.due);
    await ports.invoke(fire, claimedBy);
  };
  const owner = ownerOf(delivery, ports);
  if (idempotency === undefined) {
    await invoke(undefined);
    return { redeliveries: [], outcome: "succeeded" };
  }
  const claim = await idempotency.claim(fire, { owner, now: clock.now(), until: deadline + CLOCK_DIFFERENCE_MS });
  if (claim.outcome !== "claimed")
    return duplicate(delivery, claim.outcome === "inProgress" ? claim.until : undefined, ports);
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

/** Of a retry, epoch milliseconds. A first attempt may be later: after an outage, or a redrive. */
function latestAttempt({ due }: Fire, { maxAgeSeconds = Infinity }: TimerOptions): number {
  return due + maxAgeSeconds * SECOND_MS;
}

/** To the dead-letter queue after the last attempt; a crash in between delivers the fire once more. */
async function retryOrGiveUp(
  delivery: Delivery,
  error: unknown,
  options: TimerOptions,
  ports: CallbackPorts,
): Promise<Result> {
  const { fire, receiveCount } = delivery;
  const retryAt = ports.clock.now() + backoffMs(receiveCount, BACKOFF);
  if (receiveCount < maxAttemptsOf(options) && retryAt <= latestAttempt(fire, options))
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

/** When a lease has expired. @param time epoch milliseconds */
async function redeliverAt(time: number, delivery: Delivery, ports: CallbackPorts): Promise<Delivery> {
  await delayRedelivery(delivery, Math.ceil(Math.max(0, time - ports.clock.now()) / SECOND_MS) + 1, ports);
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
