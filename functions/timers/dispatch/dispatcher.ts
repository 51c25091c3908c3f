/** Enqueues the due fires of a shard, window by window. The core: time and I/O are ports. See docs/decisions/0009. */
import type { Clock } from "../../shared/clock";
import { groupBy } from "../../shared/group-by";
import type { LeaseRequest } from "../../shared/resilience/lease";
import { DEFAULT_CALLBACK } from "../contract";
import { FireRejectedError, QueueRefusesError, type FireQueue } from "../queue/fire-queue";
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
import { oldestOf, type ShardCursors } from "../storage/shard-cursor";
import type { Advance, TimerTable } from "../storage/timer-table";
import {
  enqueueRecurringUntil,
  loadUntil,
  nextWindow,
  rangeName,
  slotRanges,
  type SlotRange,
  type Window,
} from "./windows";

/** First pages to prefetch: most ranges are small. Bounds memory: a page has at most 1 MB. */
const PREFETCHED_RANGES = 8;

/** Pages whose fires are being sent at the same time: enough to keep sending during a query. */
const PAGES_IN_FLIGHT = 2;

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

export interface Progress {
  /** All fires scheduled up to this time, inclusive, are enqueued. Epoch milliseconds. */
  readonly cursor: number;
  /** In the window after the cursor. */
  readonly position?: Position;
}

export interface Cursor extends Progress {
  /** Callbacks whose queues have not accepted their fires, by name: the cursor is that of all others. @default none */
  readonly behind?: Readonly<Record<string, Progress>>;
}

/** Another run has acquired the shard's lease. */
export class LeaseLostError extends Error {
  override readonly name = "LeaseLostError";
}

/** A shard's cursor and its index. Writes require the lease. */
export interface DispatchTable {
  /** The cursors of those shards that have timers. */
  cursors(shards: readonly string[]): Promise<ShardCursors>;
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
  /** The oldest, when callbacks are behind. Undefined when idle. */
  readonly cursor?: number;
  /** Fires that are too late by the `catchUp` of their timer. */
  readonly dropped: number;
  /** One error per corrupt row and per fire that SQS rejects. They are not retried. */
  readonly skipped: readonly unknown[];
  /** One error per callback. The next run continues before its fires. */
  readonly unsent: readonly FiresNotEnqueuedError[];
}

/** Fires of a callback could not be enqueued, after retries. */
export class FiresNotEnqueuedError extends Error {
  override readonly name = "FiresNotEnqueuedError";

  constructor(
    readonly callback: string,
    fires: readonly Fire[],
    options?: ErrorOptions,
  ) {
    const first = fires[0]?.fireId ?? "";
    super(`${fires.length} fires of the callback "${callback}" could not be enqueued, the first ${first}`, options);
  }
}

/**
 * Enqueues all fires of a shard that are due after its cursor and up to two to three minutes from now. Safe to run concurrently, to kill
 * at any time and to run late: the cursor passes only enqueued fires.
 *
 * A callback whose queue does not accept its fires falls behind the cursor: from then on it has a pass of its own, at its own cursor, until it
 * has caught up. So it delays no other, and loses nothing.
 *
 * @throws {@link LeaseLostError}, and the table's errors; the next run continues from the saved position
 */
export async function dispatchShard(
  { shard, owner, deadline, stopAt = deadline - SHUTDOWN_RESERVE_MS }: DispatchRun,
  ports: DispatchPorts,
): Promise<DispatchReport> {
  const { index, clock } = ports;
  const tally: Tally = { enqueued: 0, dropped: 0, skipped: [], unsent: [] };
  const lease = await index.acquire(shard, { owner, now: clock.now(), until: deadline });
  if (lease === undefined) return { outcome: "idle", ...tally };
  if (!lease.acquired) return { outcome: "busy", ...tally, cursor: oldestOf(lease) };

  const { acquired: _, behind: laggards = {}, ...progress } = lease;
  const behind = new Map(Object.entries(laggards).map(([callback, at]) => [callback, passOf(at, callback)]));
  const main = passOf(progress);
  const saved = { cursor: main.progress.cursor, release: false };
  const save = async (release: boolean): Promise<void> => {
    const late = Object.fromEntries([...behind].map(([callback, pass]) => [callback, pass.progress]));
    const cursor = { ...main.progress, ...(behind.size > 0 && { behind: late }) };
    await index.save(shard, { owner, previous: saved.cursor, cursor, release });
    Object.assign(saved, { cursor: cursor.cursor, release });
  };
  const sendUntil = deadline - SAVE_RESERVE_MS;
  const context: RunContext = { shard, ports, tally, stopAt, sendUntil, behind, save };
  try {
    const retried = [...behind];
    let outcome = await enqueueWindows(main, () => loadUntil(clock.now()), context);
    for (const [callback, pass] of retried) {
      if (outcome === "stopped") break;
      outcome = await enqueueWindows(pass, () => main.progress.cursor, context);
      // In the middle of the main pass's window it has not caught up.
      if (pass.progress.cursor === main.progress.cursor && main.progress.position === undefined)
        behind.delete(callback);
    }
    if (!saved.release) await save(true);
    const late = [...behind.values()].map((pass) => pass.progress.cursor);
    return { outcome, ...tally, cursor: Math.min(main.progress.cursor, ...late) };
  } catch (error) {
    // Releases the lease for the next run. If this fails too, the lease expires.
    if (!(error instanceof LeaseLostError)) await save(true).catch(() => undefined);
    throw error;
  }
}

/** Passes window by window over the fires of one callback, or of all that are not behind. */
interface Pass {
  /** Undefined: all that are not behind. */
  readonly callback: string | undefined;
  /** As far as all its fires are enqueued. */
  progress: Progress;
  /** A queue has not accepted its fires: a callback's own pass ends. */
  isRefused: boolean;
}

function passOf({ cursor, position }: Progress, callback?: string): Pass {
  return { callback, progress: { cursor, ...(position && { position }) }, isRefused: false };
}

interface Tally {
  enqueued: number;
  dropped: number;
  readonly skipped: unknown[];
  readonly unsent: FiresNotEnqueuedError[];
}

interface RunContext {
  readonly shard: string;
  readonly ports: DispatchPorts;
  readonly tally: Tally;
  readonly stopAt: number;
  /** Deadline of sending, epoch milliseconds. */
  readonly sendUntil: number;
  /** Passes of the callbacks that are behind. */
  readonly behind: Map<string, Pass>;
  /** Saves the progress of all passes. */
  readonly save: (release: boolean) => Promise<void>;
}

/** @param end of the last window, epoch milliseconds */
async function enqueueWindows(pass: Pass, end: () => number, context: RunContext): Promise<"done" | "stopped"> {
  const { ports, stopAt, behind, save } = context;
  for (;;) {
    const window = nextWindow(pass.progress.cursor, end());
    if (window === undefined || pass.isRefused) return "done";
    if (ports.clock.now() >= stopAt) return "stopped";
    const outcome = await enqueueWindow(window, pass, context);
    if (outcome !== "complete") return outcome === "stopped" ? "stopped" : "done";
    pass.progress = { cursor: window.until };
    const isLast = nextWindow(window.until, end()) === undefined;
    // Most runs have no more to do.
    await save(isLast && behind.size === 0);
    if (isLast) return "done";
  }
}

interface WindowContext extends RunContext {
  readonly window: Window;
  /** Whether the pass enqueues a timer's fires. */
  readonly includes: (timer: StoredTimer) => boolean;
}

async function enqueueWindow(window: Window, pass: Pass, run: RunContext): Promise<"complete" | "stopped" | "refused"> {
  const { ports, tally, stopAt, behind, save } = run;
  const { clock } = ports;
  const includes = ({ options }: StoredTimer): boolean => {
    const callback = options?.callback ?? DEFAULT_CALLBACK;
    return pass.callback === undefined ? !behind.has(callback) : callback === pass.callback;
  };
  const context: WindowContext = { ...run, window, includes };
  const inFlight: { readonly sent: Promise<Unsent>; readonly end: Position | undefined }[] = [];
  let savedAt = clock.now();
  const awaitOldest = async (): Promise<void> => {
    const oldest = inFlight.shift();
    if (oldest === undefined) return;
    for (const error of await oldest.sent) {
      tally.unsent.push(error);
      if (pass.callback !== undefined) pass.isRefused = true;
      // Its progress is that of the pages before.
      else if (!behind.has(error.callback)) behind.set(error.callback, passOf(pass.progress, error.callback));
    }
    if (!pass.isRefused && oldest.end !== undefined) pass.progress = { cursor: window.after, position: oldest.end };
  };
  const awaitAll = async (): Promise<void> => {
    while (inFlight.length > 0) await awaitOldest();
  };
  for await (const { range, page, end } of pagesOf(pass.progress.position, context)) {
    const sent = range.recurring ? enqueueRecurring(page, context) : enqueueDue(page, range, context);
    // Avoids an unhandled rejection; awaited in awaitOldest.
    sent.catch(() => undefined);
    if (pass.callback === undefined) tally.skipped.push(...page.corrupt);
    inFlight.push({ sent, end });
    if (inFlight.length >= PAGES_IN_FLIGHT) await awaitOldest();
    if (pass.isRefused || clock.now() >= stopAt) {
      await awaitAll();
      return pass.isRefused ? "refused" : "stopped";
    }
    if (clock.now() - savedAt >= SAVE_EVERY_MS) {
      savedAt = clock.now();
      await save(false);
    }
  }
  await awaitAll();
  return pass.isRefused ? "refused" : "complete";
}

/** All pages of a window, from a position on. The next pages are queried while one is processed. */
async function* pagesOf(position: Position | undefined, { shard, window, ports: { index } }: WindowContext) {
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
function enqueueDue(page: Page, range: SlotRange, context: WindowContext): Promise<Unsent> {
  return Promise.resolve()
    .then(() => planDue(page, range, context))
    .then(({ fires, advances }) => sendAndAdvance(fires, advances, context));
}

function planDue({ timers }: Page, range: SlotRange, context: WindowContext) {
  const { window, includes } = context;
  const { clock } = context.ports;
  const fires: Fire[] = [];
  const advances: Advance[] = [];
  for (const timer of timers) {
    if (!includes(timer)) continue;
    const after = Math.max(window.after, timer.enqueuedUntil);
    if (leavesRange(timer, range, window)) {
      // A timer that moves must be visible in its new place before its next fire. One that has ended leaves the index.
      const hasEnded = endOf(timer) <= window.until;
      const until = hasEnded ? window.until : Math.max(enqueueRecurringUntil(window), clock.now() + HORIZON_MS);
      const plan = planEnqueue(timer, after, until);
      fires.push(...plan.fires.filter((fire) => isInTime(timer, fire, context)));
      advances.push(advanceOf(timer, plan.advanced));
    } else
      for (const at of scheduledTimes(timer, after, window.until)) {
        const fire = fireAt(timer, at);
        if (isInTime(timer, fire, context)) fires.push(fire);
      }
  }
  return { fires, advances };
}

async function sendAndAdvance(
  fires: readonly Fire[],
  advances: readonly Advance[],
  context: WindowContext,
): Promise<Unsent> {
  const unsent = await send(fires, context);
  const refused = new Set(unsent.map(({ callback }) => callback));
  // A PUT, a DELETE or another run has already handled those that have changed.
  await context.ports.table.advance(
    advances.filter(({ timer: { options } }) => !refused.has(options?.callback ?? DEFAULT_CALLBACK)),
  );
  return unsent;
}

function advanceOf({ enqueuedUntil }: StoredTimer, advanced: StoredTimer): Advance {
  return { timer: advanced, indexKey: indexKeyOf(advanced), previous: enqueuedUntil };
}

/** One error for each callback whose fires could not be enqueued. */
type Unsent = readonly FiresNotEnqueuedError[];

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
async function enqueueRecurring(page: Page, context: WindowContext): Promise<Unsent> {
  const { window, includes, ports, tally } = context;
  const included = page.timers.filter(includes);
  if (included.length === 0) return [];
  const until = (timer: StoredTimer): number =>
    // The recurring slot has no lower bound, so a late index entry is still found there. An overdue timer that moves to another slot
    // must be visible in that slot before its next fire.
    isRecurring(timer)
      ? enqueueRecurringUntil(window)
      : Math.max(enqueueRecurringUntil(window), ports.clock.now() + HORIZON_MS);
  const { timers, corrupt } = await ports.table.getMany(included);
  tally.skipped.push(...corrupt.map(({ error }) => error));
  const now = ports.clock.now();
  const due = timers.filter(
    (timer) =>
      // The index may have an earlier version, of another callback.
      includes(timer) && !isBeingPut(timer, now) && scheduledTimes(timer, timer.enqueuedUntil, window.until).length > 0,
  );
  const plans = due.map((timer) => ({
    timer,
    ...planEnqueue(timer, timer.enqueuedUntil, until(timer)),
  }));
  const fires = plans.flatMap((plan) => plan.fires.filter((fire) => isInTime(plan.timer, fire, context)));
  const advances = plans.map(({ timer, advanced }) => advanceOf(timer, advanced));
  return sendAndAdvance(fires, advances, context);
}

/** False: too late, after an outage. The callback drops those that become too late in the queue. */
function isInTime(timer: StoredTimer, fire: Fire, { ports, tally }: WindowContext): boolean {
  if (timer.options?.catchUp === undefined || !isTooLate(timer, fire, ports.clock.now())) return true;
  tally.dropped += 1;
  ports.dropped?.(fire);
  return false;
}

async function send(fires: readonly Fire[], { ports: { queue }, tally, sendUntil }: WindowContext): Promise<Unsent> {
  if (fires.length === 0) return [];
  const { unsent, rejected, errors } = await queue.send(fires, sendUntil);
  for (const rejection of rejected) tally.skipped.push(new FireRejectedError(rejection));
  tally.enqueued += fires.length - unsent.length - rejected.length;
  const byCallback = groupBy(unsent, ({ callback = DEFAULT_CALLBACK }) => callback);
  return [...byCallback].map(([callback, fires]) => {
    const refusal = errors.find((error) => error instanceof QueueRefusesError && error.callback === callback);
    return new FiresNotEnqueuedError(callback, fires, { cause: refusal ?? errors[0] });
  });
}
