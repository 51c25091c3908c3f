/** Enqueues the due fires of a shard, window by window. The core: time and I/O are ports. See docs/decisions/0009. */
import type { Clock } from "../../shared/clock";
import { mapConcurrently } from "../../shared/resilience/concurrency";
import type { LeaseRequest } from "../../shared/resilience/lease";
import { FireRejectedError, type FireQueue } from "../queue/fire-queue";
import {
  endOf,
  fireAt,
  indexKeyOf,
  isBeingPut,
  isRecurring,
  isTooLate,
  nextScheduledTime,
  planEnqueue,
  scheduledTimes,
} from "../schedule/fire-times";
import { wheelPeriod } from "../schedule/schedule";
import { HORIZON_MS, type Fire, type StoredTimer } from "../schedule/timer";
import { TimerChangedError, type TimerTable } from "../storage/timer-table";
import { enqueueRecurringUntil, nextWindow, rangeName, slotRanges, type SlotRange, type Window } from "./windows";

/** First pages to prefetch: most ranges are small. Bounds memory: a page has at most 1 MB. */
const PREFETCHED_RANGES = 8;

/** Pages whose fires are being sent at the same time: enough to keep sending during a query. */
const PAGES_IN_FLIGHT = 2;

const CONCURRENT_ADVANCES = 64;

/** Interval of saving the position. A killed run repeats this much at most. */
const SAVE_EVERY_MS = 5_000;

/** Reserved before the deadline, for the pages in flight... */
export const SHUTDOWN_RESERVE_MS = 5_000;

/** ... and for the last save. */
const SAVE_RESERVE_MS = 2_000;

/** The table's LastEvaluatedKey. */
export type PageKey = Readonly<Record<string, unknown>>;

/** Timers of a range, in due order. Possibly stale: the index is eventually consistent. */
export interface Page {
  readonly timers: readonly StoredTimer[];
  /** One error per row that cannot be read. */
  readonly corrupt: readonly unknown[];
  /** Undefined on the last page. */
  readonly next?: PageKey;
}

/** Progress in a window: all ranges before this one, and this one up to a key. */
export interface Position {
  /** {@link rangeName} */
  readonly range: string;
  /** Undefined: from the start of the range. */
  readonly after?: PageKey;
}

export interface Cursor {
  /** All fires scheduled up to this time, inclusive, are enqueued. Epoch milliseconds. */
  readonly cursor: number;
  /** In the window after the cursor. */
  readonly position?: Position;
}

/** Another run has acquired the shard's lease. */
export class LeaseLostError extends Error {
  override readonly name = "LeaseLostError";
}

/** A shard's cursor and its index. Writes require the lease. */
export interface DispatchTable {
  /** The cursors of those shards that have timers, epoch milliseconds. */
  cursors(shards: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** `acquired` false: another run has the lease. Undefined: the shard has no timers. */
  acquire(shard: string, request: LeaseRequest): Promise<(Cursor & { readonly acquired: boolean }) | undefined>;
  /** @param saved `previous`: the cursor before; `release`: also releases the lease. @throws {@link LeaseLostError} */
  save(
    shard: string,
    saved: { readonly owner: string; readonly previous: number; readonly cursor: Cursor; readonly release: boolean },
  ): Promise<void>;
  page(range: SlotRange, after?: PageKey): Promise<Page>;
}

export interface DispatchPorts {
  readonly index: DispatchTable;
  readonly table: Pick<TimerTable, "getMany" | "advance">;
  readonly queue: FireQueue;
  readonly clock: Clock;
  /** Called with each fire that is too late. @default nothing */
  readonly dropped?: (fire: Fire) => void;
}

export interface DispatchRun {
  readonly shard: string;
  /** Unique to this run. */
  readonly owner: string;
  /** Epoch milliseconds. The run ends before it; its lease expires at it. */
  readonly deadline: number;
  /** The run ends earlier, so that other shards get their turn. @default shortly before the deadline */
  readonly stopAt?: number;
}

export interface DispatchReport {
  /** `idle`: no timers. `busy`: another run has the lease. `stopped`: the deadline is near; the next run continues. */
  readonly outcome: "idle" | "busy" | "done" | "stopped";
  /** Number of fires. */
  readonly enqueued: number;
  /** Undefined when idle. */
  readonly cursor?: number;
  /** Fires that are too late by the `catchUp` of their timer. */
  readonly dropped: number;
  /** One error per corrupt row and per fire that SQS rejects. They are not retried. */
  readonly skipped: readonly unknown[];
}

/** Fires could not be enqueued, after retries. The cursor stays before them. */
export class FiresNotEnqueuedError extends Error {
  override readonly name = "FiresNotEnqueuedError";
}

/**
 * Enqueues all fires of a shard that are due after its cursor and up to two to three minutes from now. Safe to run concurrently, to kill
 * at any time and to run late: the cursor passes only enqueued fires.
 *
 * @throws {@link FiresNotEnqueuedError}, {@link LeaseLostError}, and the table's errors; the next run continues from the saved position
 */
export async function dispatchShard(
  { shard, owner, deadline, stopAt = deadline - SHUTDOWN_RESERVE_MS }: DispatchRun,
  ports: DispatchPorts,
): Promise<DispatchReport> {
  const { index, clock } = ports;
  const lease = await index.acquire(shard, { owner, now: clock.now(), until: deadline });
  if (lease === undefined) return { outcome: "idle", enqueued: 0, dropped: 0, skipped: [] };
  if (!lease.acquired) return { outcome: "busy", enqueued: 0, dropped: 0, cursor: lease.cursor, skipped: [] };

  const tally: Tally = { enqueued: 0, dropped: 0, skipped: [] };
  let { cursor, position } = lease;
  const save = async (next: Cursor, release: boolean): Promise<void> => {
    await index.save(shard, { owner, previous: cursor, cursor: next, release });
  };
  const sendUntil = deadline - SAVE_RESERVE_MS;
  for (;;) {
    const window = nextWindow(cursor, clock.now());
    if (window === undefined || clock.now() >= stopAt) {
      await save({ cursor, ...(position && { position }) }, true);
      return { outcome: window === undefined ? "done" : "stopped", ...tally, cursor };
    }
    const from = cursor;
    const outcome = await enqueueWindow(shard, window, {
      ports,
      tally,
      stopAt,
      sendUntil,
      ...(position && { position }),
      save: (reached, release) => save({ cursor: from, ...(reached && { position: reached }) }, release),
    });
    if (outcome === "stopped") return { outcome, ...tally, cursor };
    const isLast = nextWindow(window.until, clock.now()) === undefined;
    await save({ cursor: window.until }, isLast);
    cursor = window.until;
    position = undefined;
    if (isLast) return { outcome: "done", ...tally, cursor };
  }
}

interface Tally {
  enqueued: number;
  dropped: number;
  readonly skipped: unknown[];
}

interface WindowContext {
  readonly ports: DispatchPorts;
  readonly tally: Tally;
  readonly stopAt: number;
  /** Deadline of sending, epoch milliseconds. */
  readonly sendUntil: number;
  /** Saved by an earlier run. */
  readonly position?: Position;
  readonly save: (reached: Position | undefined, release: boolean) => Promise<void>;
}

async function enqueueWindow(shard: string, window: Window, context: WindowContext): Promise<"complete" | "stopped"> {
  const { ports, tally, stopAt, save } = context;
  const { clock } = ports;
  const inFlight: { readonly sent: Promise<void>; readonly end: Position | undefined }[] = [];
  let reached = context.position;
  let savedAt = clock.now();
  const awaitOldest = async (): Promise<void> => {
    const oldest = inFlight.shift();
    await oldest?.sent;
    reached = oldest?.end ?? reached;
  };
  try {
    for await (const { range, page, end } of pagesOf(shard, window, context)) {
      const sent = range.recurring ? enqueueRecurring(page, window, context) : enqueueDue(page, range, window, context);
      // Avoids an unhandled rejection; awaited in awaitOldest.
      sent.catch(() => undefined);
      tally.skipped.push(...page.corrupt);
      inFlight.push({ sent, end });
      if (inFlight.length >= PAGES_IN_FLIGHT) await awaitOldest();
      if (clock.now() >= stopAt) {
        while (inFlight.length > 0) await awaitOldest();
        await save(reached, true);
        return "stopped";
      }
      if (clock.now() - savedAt >= SAVE_EVERY_MS && reached !== undefined) {
        savedAt = clock.now();
        await save(reached, false);
      }
    }
    while (inFlight.length > 0) await awaitOldest();
    return "complete";
  } catch (error) {
    // Releases the lease for the next run. If this fails too, the lease expires.
    if (!(error instanceof LeaseLostError)) await save(reached, true).catch(() => undefined);
    throw error;
  }
}

/** All pages of a window, from a position on. The next pages are queried while one is processed. */
async function* pagesOf(shard: string, window: Window, { position, ports: { index } }: WindowContext) {
  const ranges = slotRanges(shard, window);
  // An unknown range was saved by another version of this code: start the window again, which sends some fires twice.
  const resumed = position && ranges.findIndex((range) => rangeName(range) === position.range);
  let next = Math.max(0, resumed ?? 0);
  const query = (range: SlotRange, after?: PageKey) => {
    const page = index.page(range, after);
    page.catch(() => undefined); // avoids an unhandled rejection; awaited below
    return { range, page };
  };
  const ahead: ReturnType<typeof query>[] = [];
  const prefetch = (): void => {
    for (; ahead.length < PREFETCHED_RANGES; next++) {
      const range = ranges[next];
      if (range === undefined) return;
      ahead.push(query(range, next === resumed ? position?.after : undefined));
    }
  };
  prefetch();
  for (let first = ahead.shift(); first !== undefined; first = ahead.shift()) {
    const page = await first.page;
    if (page.next !== undefined) ahead.unshift(query(first.range, page.next));
    prefetch();
    const following = page.next === undefined ? ranges[ranges.indexOf(first.range) + 1] : first.range;
    const end = following && { range: rangeName(following), ...(page.next && { after: page.next }) };
    yield { range: first.range, page, end };
  }
}

/**
 * For one-shots and the timing wheel, whose rows keep their index key. Not async: such a function keeps its page until the fires are sent, and
 * pages are most of what the garbage collector copies.
 */
function enqueueDue(page: Page, range: SlotRange, window: Window, context: WindowContext): Promise<void> {
  return Promise.resolve()
    .then(() => planDue(page, range, window, context))
    .then(({ fires, plans }) => sendAndAdvance(fires, plans, context));
}

function planDue({ timers }: Page, range: SlotRange, window: Window, context: WindowContext) {
  const { clock } = context.ports;
  const fires: Fire[] = [];
  const plans: AdvancePlan[] = [];
  for (const timer of timers) {
    const after = Math.max(window.after, timer.enqueuedUntil);
    if (leavesRange(timer, range, window)) {
      // A timer that moves must be visible in its new place before its next fire. One that has ended leaves the index.
      const hasEnded = endOf(timer) <= window.until;
      const until = hasEnded ? window.until : Math.max(enqueueRecurringUntil(window), clock.now() + HORIZON_MS);
      const plan = planEnqueue(timer, after, until);
      fires.push(...plan.fires.filter((fire) => isInTime(timer, fire, context)));
      plans.push({ previous: timer.enqueuedUntil, advanced: plan.advanced });
    } else
      for (const at of scheduledTimes(timer, after, window.until)) {
        const fire = fireAt(timer, at);
        if (isInTime(timer, fire, context)) fires.push(fire);
      }
  }
  return { fires, plans };
}

async function sendAndAdvance(
  fires: readonly Fire[],
  plans: readonly AdvancePlan[],
  context: WindowContext,
): Promise<void> {
  await send(fires, context);
  await advanceAll(plans, context.ports.table);
}

interface AdvancePlan {
  readonly previous: number;
  readonly advanced: StoredTimer;
}

/**
 * Whether a timer of the timing wheel has ended, or its next fire is not in this range, because the offset of its time zone changes before it.
 * The timing wheel would read it at the wrong times.
 */
function leavesRange(timer: StoredTimer, { from = 0, to }: SlotRange, { until }: Window): boolean {
  const { schedule } = timer;
  if (endOf(timer) <= until) return true;
  if (schedule.kind !== "cron") return false;
  const period = wheelPeriod(schedule);
  const next = nextScheduledTime(timer, until);
  if (period === undefined || next === undefined) return true;
  const phase = next % period;
  return phase < from || phase > to;
}

/** Reads the rows again, strongly consistent: the index may still show an advanced row at its old key. */
async function enqueueRecurring(page: Page, window: Window, context: WindowContext): Promise<void> {
  const { ports, tally } = context;
  if (page.timers.length === 0) return;
  const until = (timer: StoredTimer): number =>
    // The recurring slot has no lower bound, so a late index entry is still found there. An overdue timer that moves to another slot
    // must be visible in that slot before its next fire.
    isRecurring(timer)
      ? enqueueRecurringUntil(window)
      : Math.max(enqueueRecurringUntil(window), ports.clock.now() + HORIZON_MS);
  const { timers, corrupt } = await ports.table.getMany(page.timers);
  tally.skipped.push(...corrupt.map(({ error }) => error));
  const now = ports.clock.now();
  const due = timers.filter(
    (timer) => !isBeingPut(timer, now) && scheduledTimes(timer, timer.enqueuedUntil, window.until).length > 0,
  );
  const plans = due.map((timer) => ({
    timer,
    previous: timer.enqueuedUntil,
    ...planEnqueue(timer, timer.enqueuedUntil, until(timer)),
  }));
  await send(
    plans.flatMap(({ timer, fires }) => fires.filter((fire) => isInTime(timer, fire, context))),
    context,
  );
  await advanceAll(plans, ports.table);
}

/** False: too late, after an outage. The callback drops those that become too late in the queue. */
function isInTime(timer: StoredTimer, fire: Fire, { ports, tally }: WindowContext): boolean {
  if (timer.options?.catchUp === undefined || !isTooLate(timer, fire, ports.clock.now())) return true;
  tally.dropped += 1;
  ports.dropped?.(fire);
  return false;
}

async function advanceAll(advances: readonly AdvancePlan[], table: DispatchPorts["table"]): Promise<void> {
  await mapConcurrently(advances, CONCURRENT_ADVANCES, async ({ previous, advanced }) => {
    try {
      await table.advance(advanced, indexKeyOf(advanced), previous);
    } catch (error) {
      // A PUT, a DELETE or another run has already handled the timer.
      if (!(error instanceof TimerChangedError)) throw error;
    }
  });
}

async function send(fires: readonly Fire[], { ports: { queue }, tally, sendUntil }: WindowContext): Promise<void> {
  if (fires.length === 0) return;
  const { unsent, rejected, errors } = await queue.send(fires, sendUntil);
  for (const rejection of rejected) tally.skipped.push(new FireRejectedError(rejection));
  tally.enqueued += fires.length - unsent.length - rejected.length;
  if (unsent.length > 0)
    throw new FiresNotEnqueuedError(
      `${unsent.length} fires could not be enqueued, the first ${unsent[0]?.fireId ?? ""}`,
      { cause: errors[0] },
    );
}
