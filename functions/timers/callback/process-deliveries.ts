/** Runs the callback for received fires: waits for the due time, fences, retries, exactly-once. The core: time and I/O are ports. */
import { backoffMs } from "../../shared/backoff";
import { sleep, type Clock } from "../../shared/clock";
import type { LeaseRequest } from "../../shared/lease";
import { MINUTE_MS, SECOND_MS } from "../../shared/time";
import type { Fire } from "../schedule/timer";
import { timerKey } from "../storage/timer-row";
import type { TimerTable } from "../storage/timer-table";
import type { Delivery } from "./delivery";

/** A fire that is earlier goes back into the queue. Up to a second is normal, because delays are whole seconds. */
const MAX_WAIT_MS = 3_000;

/** Between attempts of a failed callback. */
const BACKOFF = { firstMs: 2 * SECOND_MS, longestMs: 10 * MINUTE_MS };

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

export interface CallbackPorts {
  readonly table: Pick<TimerTable, "getMany">;
  readonly changeVisibility: (delivery: Delivery, seconds: number) => Promise<void>;
  /** Calls the callback. `owner` has claimed the fire, in exactly-once mode. */
  readonly invoke: (fire: Fire, owner: string | undefined) => Promise<void>;
  /** Only in exactly-once mode. */
  readonly idempotency?: IdempotencyStore;
  readonly clock: Clock;
  /** Unique to this invocation. */
  readonly owner: string;
  /** End of this invocation and of its claims, epoch milliseconds. */
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
  /** Will be redelivered. */
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
  let live: ReadonlySet<string>;
  let unreadable: ReadonlyMap<string, unknown>;
  try {
    const { timers, corrupt } = await table.getMany(group.map(({ fire }) => fire));
    live = new Set(
      timers.filter(({ enabled }) => enabled).map(({ kind, id, version }) => `${version} ${timerKey(kind, id)}`),
    );
    unreadable = new Map(corrupt.map(({ kind, id, error }) => [timerKey(kind, id), error]));
  } catch (error) {
    return Promise.all(group.map((delivery) => retryLater(delivery, error, ports)));
  }
  const redeliveries = await Promise.all(
    group.map(async (delivery) => {
      const { fire } = delivery;
      // Neither live nor fenced: it goes to the dead-letter queue, unless the row is put again.
      const error = unreadable.get(timerKey(fire.kind, fire.id));
      if (error !== undefined) return [await retryLater(delivery, error, ports)];
      if (!live.has(`${fire.version} ${timerKey(fire.kind, fire.id)}`)) {
        observer.fenced(fire);
        return [];
      }
      return invokeOnce(delivery, ports);
    }),
  );
  return redeliveries.flat();
}

async function invokeOnce(delivery: Delivery, ports: CallbackPorts): Promise<readonly Delivery[]> {
  const { idempotency, clock, deadline, invoke, observer } = ports;
  const { fire, messageId } = delivery;
  // Unique to this delivery: a batch may contain the same fire twice.
  const owner = `${ports.owner}.${messageId}`;
  try {
    if (idempotency === undefined) {
      observer.fired(fire, clock.now() - fire.due);
      await invoke(fire, undefined);
      return [];
    }
    const claim = await idempotency.claim(fire, { owner, now: clock.now(), until: deadline });
    if (claim.outcome === "completed") {
      observer.duplicate(fire);
      return [];
    }
    if (claim.outcome === "inProgress") {
      observer.duplicate(fire);
      // By then the claim is completed or expired.
      await delayRedelivery(delivery, Math.ceil(Math.max(0, claim.until - clock.now()) / 1_000) + 1, ports);
      return [delivery];
    }
    observer.fired(fire, clock.now() - fire.due);
    try {
      await invoke(fire, owner);
    } catch (error) {
      await idempotency.release(fire, owner);
      throw error;
    }
    await idempotency.complete(fire, owner);
    return [];
  } catch (error) {
    return [await retryLater(delivery, error, ports)];
  }
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
