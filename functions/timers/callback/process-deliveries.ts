/** What stands between the queue and a user's handler: the time, the fence, and exactly-once. The core: time and I/O are ports. */
import { backoffMs } from "../../shared/backoff";
import { sleep, type Clock } from "../../shared/clock";
import type { LeaseRequest } from "../../shared/lease";
import { MINUTE_MS, SECOND_MS } from "../../shared/time";
import type { TimerTable } from "../storage/timer-table";
import { timerKey } from "../storage/timer-row";
import type { Fire } from "../schedule/timer";

/** A fire that comes earlier than this is given back: a second is usual, since delays are whole ones. */
const MAX_WAIT_MS = 3_000;

/** Of a fire that failed. */
const BACKOFF = { firstMs: 2 * SECOND_MS, longestMs: 10 * MINUTE_MS };

/** A fire as it was delivered. */
export interface Delivery {
  /** Of the message. */
  readonly messageId: string;
  /** Of this delivery of it. */
  readonly receipt: string;
  /** Deliveries so far, this one included. */
  readonly receives: number;
  readonly fire: Fire;
}

/** Who may make a fire happen, in exactly-once mode. */
export interface Claims {
  /**
   * Claims a fire until a time, for a crash not to lose it. `done`: it has happened. `taken`: somebody is at it, until `until`.
   */
  claim(
    fire: Fire,
    request: LeaseRequest,
  ): Promise<{ readonly outcome: "claimed" | "done" } | { readonly outcome: "taken"; readonly until: number }>;
  /** Notes that it has happened. Safe to repeat. */
  done(fire: Fire, owner: string): Promise<void>;
  /** Gives a claim back: it has not happened. */
  release(fire: Fire, owner: string): Promise<void>;
}

export interface CallbackPorts {
  readonly table: Pick<TimerTable, "getMany">;
  /** Hides a message for so many seconds. */
  readonly giveBack: (delivery: Delivery, seconds: number) => Promise<void>;
  /** Makes the fire happen. `owner` holds its claim, in exactly-once mode. */
  readonly happen: (fire: Fire, owner: string | undefined) => Promise<void>;
  /** Only in exactly-once mode. */
  readonly claims?: Claims;
  readonly clock: Clock;
  /** Of this invocation alone. */
  readonly owner: string;
  /** When this invocation ends, epoch milliseconds: so long others keep off its claims. */
  readonly deadline: number;
  readonly report: CallbackReport;
}

/** Is told what becomes of each fire. */
export interface CallbackReport {
  readonly fired: (fire: Fire, lateMs: number) => void;
  /** Its timer is deleted, replaced or disabled. */
  readonly fenced: (fire: Fire) => void;
  /** It has happened before. */
  readonly duplicate: (fire: Fire) => void;
  /** It comes again. */
  readonly failed: (fire: Fire, error: unknown) => void;
}

/** Makes deliveries happen, each for itself, and returns those that are to come again. */
export async function callBack(deliveries: readonly Delivery[], ports: CallbackPorts): Promise<readonly Delivery[]> {
  const { clock } = ports;
  const again: Delivery[] = [];
  const byTime = new Map<number, Delivery[]>();
  for (const delivery of deliveries) {
    // What is late is all due at once.
    const time = Math.max(delivery.fire.due, clock.now());
    byTime.set(time, [...(byTime.get(time) ?? []), delivery]);
  }
  await Promise.all(
    [...byTime].map(async ([time, group]) => {
      const wait = time - clock.now();
      if (wait > MAX_WAIT_MS) {
        again.push(...group);
        await Promise.all(group.map((delivery) => hide(delivery, Math.floor(wait / 1_000), ports)));
        return;
      }
      await sleepUntil(time, clock);
      again.push(...(await happenNow(group, ports)));
    }),
  );
  return again;
}

/** Not a millisecond early: timers of a process may be. */
async function sleepUntil(time: number, clock: Clock): Promise<void> {
  for (let wait = time - clock.now(); wait > 0; wait = time - clock.now()) await sleep(clock, wait);
}

async function happenNow(group: readonly Delivery[], ports: CallbackPorts): Promise<readonly Delivery[]> {
  const { table, report } = ports;
  let live: ReadonlySet<string>;
  try {
    const timers = await table.getMany(group.map(({ fire }) => fire));
    live = new Set(
      timers.filter(({ enabled }) => enabled).map(({ kind, id, version }) => `${version} ${timerKey(kind, id)}`),
    );
  } catch (error) {
    return Promise.all(group.map((delivery) => retryLater(delivery, error, ports)));
  }
  const failed = await Promise.all(
    group.map(async (delivery) => {
      const { fire } = delivery;
      if (!live.has(`${fire.version} ${timerKey(fire.kind, fire.id)}`)) {
        report.fenced(fire);
        return [];
      }
      return happenOnce(delivery, ports);
    }),
  );
  return failed.flat();
}

async function happenOnce(delivery: Delivery, ports: CallbackPorts): Promise<readonly Delivery[]> {
  const { claims, clock, deadline, happen, report } = ports;
  const { fire, messageId } = delivery;
  // Of this delivery alone: the same fire may stand twice in one batch.
  const owner = `${ports.owner}.${messageId}`;
  try {
    if (claims === undefined) {
      report.fired(fire, clock.now() - fire.due);
      await happen(fire, undefined);
      return [];
    }
    const claim = await claims.claim(fire, { owner, now: clock.now(), until: deadline });
    if (claim.outcome === "done") {
      report.duplicate(fire);
      return [];
    }
    if (claim.outcome === "taken") {
      report.duplicate(fire);
      // It is done by then, or free.
      await hide(delivery, Math.ceil(Math.max(0, claim.until - clock.now()) / 1_000) + 1, ports);
      return [delivery];
    }
    report.fired(fire, clock.now() - fire.due);
    try {
      await happen(fire, owner);
    } catch (error) {
      await claims.release(fire, owner);
      throw error;
    }
    await claims.done(fire, owner);
    return [];
  } catch (error) {
    return [await retryLater(delivery, error, ports)];
  }
}

async function retryLater(delivery: Delivery, error: unknown, ports: CallbackPorts): Promise<Delivery> {
  ports.report.failed(delivery.fire, error);
  await hide(delivery, backoffMs(delivery.receives, BACKOFF) / SECOND_MS, ports);
  return delivery;
}

/** As well as may be: without it, the message comes again when the queue's own time is up. */
async function hide(delivery: Delivery, seconds: number, { giveBack }: CallbackPorts): Promise<void> {
  await giveBack(delivery, seconds).catch(() => undefined);
}
