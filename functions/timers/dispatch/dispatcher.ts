/** Hands over what falls due in a shard, window by window. The core: time and I/O are ports. See docs/decisions/0009. */
import type { Clock } from "../../shared/clock";
import { mapConcurrently } from "../../shared/concurrency";
import type { LeaseRequest } from "../../shared/lease";
import { FireRefusedError, type FireQueue } from "../queue/fire-queue";
import { fireAt, handOver, isRecurring, placeOf, scheduledTimes } from "../schedule/fire-times";
import { TimerChangedError, type TimerTable } from "../storage/timer-table";
import { HORIZON_MS, type Fire, type StoredTimer } from "../schedule/timer";
import { handedOverUntil, nextWindow, sectionName, sectionsOf, type Section, type Window } from "../schedule/windows";

/** First pages that are asked for ahead: most sections are small. Bounds memory: a page holds 1 MB at most. */
const SECTIONS_AHEAD = 8;

/** Pages whose fires are on their way at one time: enough that the wire never waits for a query. */
const PAGES_IN_FLIGHT = 2;

const CONCURRENT_MOVES = 25;

/** How often the position is saved, milliseconds: what a killed run sends twice. */
const SAVE_EVERY_MS = 5_000;

/** Time kept back from the deadline: for the fires that are on their way, and for saving the position. */
const CLOSING_MS = 5_000;

/** The last key of a page, as the table gave it. */
export type PageKey = Readonly<Record<string, unknown>>;

/** Timers of a section, in due order. May be stale: an index is eventually consistent. */
export interface Page {
  readonly timers: readonly StoredTimer[];
  /** Rows that nobody understands. */
  readonly corrupt: readonly unknown[];
  /** Undefined: that was the last. */
  readonly next?: PageKey;
}

/** How far a window has been worked off: all sections before this one, and this one until a key. */
export interface Position {
  /** {@link sectionName} */
  readonly section: string;
  /** Undefined: nothing of it yet. */
  readonly after?: PageKey;
}

export interface Cursor {
  /** All that is scheduled until then, inclusive, is in the queue. Epoch milliseconds. */
  readonly cursor: number;
  /** In the window after it. */
  readonly position?: Position;
}

/** Somebody else is at work on the shard: this run's lease is over. */
export class LeaseLostError extends Error {
  override readonly name = "LeaseLostError";
}

/** A shard's cursor, and the index that it goes through. Writes are conditional on the lease. */
export interface DispatchTable {
  /** Takes the lease where nobody else has it at that time. `taken` false: somebody has. Undefined: the shard has no timers yet. */
  acquire(shard: string, request: LeaseRequest): Promise<(Cursor & { readonly taken: boolean }) | undefined>;
  /** Moves the cursor on, or saves a position, and gives the lease back where it is over. @throws {@link LeaseLostError} */
  save(
    shard: string,
    saved: { readonly owner: string; readonly before: number; readonly cursor: Cursor; readonly release: boolean },
  ): Promise<void>;
  page(section: Section, after?: PageKey): Promise<Page>;
}

export interface DispatchPorts {
  readonly index: DispatchTable;
  readonly table: Pick<TimerTable, "getMany" | "move">;
  readonly queue: FireQueue;
  readonly clock: Clock;
}

export interface Run {
  readonly shard: string;
  /** Of this run alone. */
  readonly owner: string;
  /** Epoch milliseconds: it ends by itself before then, and nobody else takes its lease until then. */
  readonly deadline: number;
}

/** What a run did. */
export interface DispatchReport {
  /** `idle`: no timers. `busy`: another run had the lease. `stopped`: time was up; the next run goes on. */
  readonly outcome: "idle" | "busy" | "done" | "stopped";
  /** Fires in the queue. */
  readonly scheduled: number;
  /** Where the cursor stands; undefined when idle. */
  readonly cursor?: number;
  /** What could not be handed over for what it is, and was passed over. */
  readonly passedOver: readonly unknown[];
}

/** Fires could not be queued, though tried again and again. The cursor stands before them. */
export class FiresNotQueuedError extends Error {
  override readonly name = "FiresNotQueuedError";
}

/**
 * Works off a shard: everything that is due after its cursor and until two to three minutes from now. Safe to run twice at once, to be
 * killed at any time, and to be late: the cursor passes nothing that is not queued.
 *
 * @throws {@link FiresNotQueuedError}, {@link LeaseLostError}, whatever the table throws; the next run goes on where this one stood
 */
export async function dispatchShard({ shard, owner, deadline }: Run, ports: DispatchPorts): Promise<DispatchReport> {
  const { index, clock } = ports;
  const lease = await index.acquire(shard, { owner, now: clock.now(), until: deadline });
  if (lease === undefined) return { outcome: "idle", scheduled: 0, passedOver: [] };
  if (!lease.taken) return { outcome: "busy", scheduled: 0, cursor: lease.cursor, passedOver: [] };

  const tally: Tally = { scheduled: 0, passedOver: [] };
  let { cursor, position } = lease;
  const save = async (next: Cursor, release: boolean): Promise<void> => {
    await index.save(shard, { owner, before: cursor, cursor: next, release });
  };
  const closing = deadline - CLOSING_MS;
  for (;;) {
    const window = nextWindow(cursor, clock.now());
    if (window === undefined || clock.now() >= closing) {
      await save({ cursor, ...(position && { position }) }, true);
      return { outcome: window === undefined ? "done" : "stopped", ...tally, cursor };
    }
    const from = cursor;
    const stoppedAt = await handOverWindow(shard, window, {
      ports,
      tally,
      closing,
      ...(position && { position }),
      save: (reached, release) => save({ cursor: from, ...(reached && { position: reached }) }, release),
    });
    if (stoppedAt === "stopped") return { outcome: "stopped", ...tally, cursor };
    const last = nextWindow(window.until, clock.now()) === undefined;
    await save({ cursor: window.until }, last);
    cursor = window.until;
    position = undefined;
    if (last) return { outcome: "done", ...tally, cursor };
  }
}

interface Tally {
  scheduled: number;
  readonly passedOver: unknown[];
}

interface WindowWork {
  readonly ports: DispatchPorts;
  readonly tally: Tally;
  readonly closing: number;
  /** Where an earlier run stood. */
  readonly position?: Position;
  readonly save: (reached: Position | undefined, release: boolean) => Promise<void>;
}

async function handOverWindow(shard: string, window: Window, work: WindowWork): Promise<"whole" | "stopped"> {
  const { ports, tally, closing, save } = work;
  const { clock } = ports;
  const inFlight: { readonly sent: Promise<void>; readonly end: Position | undefined }[] = [];
  let reached = work.position;
  let savedAt = clock.now();
  const landOne = async (): Promise<void> => {
    const first = inFlight.shift();
    await first?.sent;
    reached = first?.end ?? reached;
  };
  try {
    for await (const { section, page, end } of pagesOf(shard, window, work)) {
      const sent = section.recurring
        ? handOverRecurring(page, window, ports, tally)
        : handOverDue(page, window, ports, tally);
      // Whoever waits for it hears of its failure; until then nobody does.
      sent.catch(() => undefined);
      tally.passedOver.push(...page.corrupt);
      inFlight.push({ sent, end });
      if (inFlight.length >= PAGES_IN_FLIGHT) await landOne();
      if (clock.now() >= closing) {
        while (inFlight.length > 0) await landOne();
        await save(reached, true);
        return "stopped";
      }
      if (clock.now() - savedAt >= SAVE_EVERY_MS && reached !== undefined) {
        savedAt = clock.now();
        await save(reached, false);
      }
    }
    while (inFlight.length > 0) await landOne();
    return "whole";
  } catch (error) {
    // The next run need not wait for the lease to end. If even this fails, it does.
    if (!(error instanceof LeaseLostError)) await save(reached, true).catch(() => undefined);
    throw error;
  }
}

/** All pages of a window, from a position on. The next ones are asked for while one is worked off. */
async function* pagesOf(shard: string, window: Window, { position, ports: { index } }: WindowWork) {
  const sections = sectionsOf(shard, window);
  // A position that a release with other sections has left is none: what was sent already comes twice.
  const stood = position && sections.findIndex((section) => sectionName(section) === position.section);
  let next = Math.max(0, stood ?? 0);
  const ask = (section: Section, after?: PageKey) => {
    const page = index.page(section, after);
    page.catch(() => undefined); // heard of when its turn comes
    return { section, page };
  };
  const ahead: ReturnType<typeof ask>[] = [];
  const fill = (): void => {
    for (; ahead.length < SECTIONS_AHEAD; next++) {
      const section = sections[next];
      if (section === undefined) return;
      ahead.push(ask(section, next === stood ? position?.after : undefined));
    }
  };
  fill();
  for (let first = ahead.shift(); first !== undefined; first = ahead.shift()) {
    const page = await first.page;
    if (page.next !== undefined) ahead.unshift(ask(first.section, page.next));
    fill();
    const following = page.next === undefined ? sections[sections.indexOf(first.section) + 1] : first.section;
    const end = following && { section: sectionName(following), ...(page.next && { after: page.next }) };
    yield { section: first.section, page, end };
  }
}

/** Timers that stay where they are: the wheel's, and one-shots. */
async function handOverDue({ timers }: Page, window: Window, ports: DispatchPorts, tally: Tally): Promise<void> {
  if (timers.length === 0) return;
  const fires: Fire[] = [];
  const ended: StoredTimer[] = [];
  for (const timer of timers) {
    for (const at of scheduledTimes(timer, Math.max(window.after, timer.through), window.until))
      fires.push(fireAt(timer, at));
    if (timer.endAt !== undefined && timer.endAt <= window.until) ended.push(timer);
  }
  await send(fires, ports.queue, tally);
  // Else it would be read at each turn of the wheel, for ever.
  await moveAll(
    ended.map((timer) => ({ before: timer.through, rest: { ...timer, through: window.until } })),
    ports.table,
  );
}

/**
 * Timers that are handed over ahead and then moved on. Read again, strongly consistent: an entry that has been moved may be seen for some time
 * at its old place.
 */
async function handOverRecurring(page: Page, window: Window, ports: DispatchPorts, tally: Tally): Promise<void> {
  if (page.timers.length === 0) return;
  const until = (timer: StoredTimer): number =>
    // Who stays in this slot can't be missed. Who leaves it, overdue from when it was put, has to be seen at its new place first.
    isRecurring(timer) ? handedOverUntil(window) : Math.max(handedOverUntil(window), ports.clock.now() + HORIZON_MS);
  const due = (await ports.table.getMany(page.timers)).filter(
    (timer) => scheduledTimes(timer, timer.through, window.until).length > 0,
  );
  const parts = due.map((timer) => ({ before: timer.through, ...handOver(timer, timer.through, until(timer)) }));
  await send(
    parts.flatMap(({ fires }) => fires),
    ports.queue,
    tally,
  );
  await moveAll(parts, ports.table);
}

async function moveAll(
  moves: readonly { readonly before: number; readonly rest: StoredTimer }[],
  table: DispatchPorts["table"],
): Promise<void> {
  await mapConcurrently(moves, CONCURRENT_MOVES, async ({ before, rest }) => {
    try {
      await table.move(rest, placeOf(rest), before);
    } catch (error) {
      // Put again, deleted, or handed over by another run: each of them has seen to it.
      if (!(error instanceof TimerChangedError)) throw error;
    }
  });
}

async function send(fires: readonly Fire[], queue: FireQueue, tally: Tally): Promise<void> {
  if (fires.length === 0) return;
  const { unsent, refused, errors } = await queue.send(fires);
  for (const refusal of refused) tally.passedOver.push(new FireRefusedError(refusal));
  tally.scheduled += fires.length - unsent.length - refused.length;
  if (unsent.length > 0)
    throw new FiresNotQueuedError(`${unsent.length} fires could not be queued, the first ${unsent[0]?.fireId ?? ""}`, {
      cause: errors[0],
    });
}
