/** Runs of the dispatcher by example. Its invariants under failures: simulation.test.ts. */
import {
  dispatchShard,
  LeaseLostError,
  type Cursor,
  type DispatchPorts,
  type Page,
} from "../../../../functions/timers/dispatch/dispatcher";
import { QueueRefusesError, type SendResult } from "../../../../functions/timers/queue/fire-queue";
import type { Fire, StoredTimer } from "../../../../functions/timers/schedule/timer";
import type { SlotRange } from "../../../../functions/timers/dispatch/windows";
import type { Advance, TimerRows } from "../../../../functions/timers/storage/timer-table";
import { storedTimer } from "../../../support/timers";
import { virtualClock } from "../../../support/virtual-clock";

const NOW = Date.parse("2026-11-21T07:00:30Z");
const MINUTE = 60_000;
const MINUTE_7_02 = Date.parse("2026-11-21T07:02:00Z");

/** A one-shot due between 07:02 and 07:03, not enqueued by its PUT. */
const egg = (id: string, second = 5) =>
  storedTimer({
    kind: "oneshot",
    id,
    schedule: { kind: "once", at: MINUTE_7_02 + second * 1_000 },
    enqueuedUntil: MINUTE_7_02 - MINUTE,
  });
const seven = storedTimer({
  id: "seven",
  schedule: { kind: "every", periodMs: 7 * MINUTE, phaseMs: (MINUTE_7_02 + 5_000) % (7 * MINUTE) },
  enqueuedUntil: MINUTE_7_02 - MINUTE,
});

interface Saved {
  readonly cursor: Cursor;
  readonly release: boolean;
}

/** A shard with these pages of one-shots and these recurring timers, and a record of what a run did. */
function setUp(
  given: {
    readonly cursor?: Cursor;
    readonly pages?: readonly (readonly StoredTimer[])[];
    readonly recurring?: readonly StoredTimer[];
    readonly sendResult?: (fires: readonly Fire[]) => Partial<SendResult>;
    readonly corrupt?: readonly unknown[];
  } = {},
) {
  const {
    cursor = { cursor: MINUTE_7_02 },
    pages = [[]],
    recurring = [],
    sendResult = () => ({}),
    corrupt = [],
  } = given;
  const clock = virtualClock(NOW);
  const sent: string[] = [];
  const saved: Saved[] = [];
  const queried: string[] = [];
  const advanced: StoredTimer[] = [];
  const pageOf = ({ slot }: SlotRange, number: number): Page => {
    if (slot === "shard0#recurring") return { timers: recurring, corrupt: [] };
    if (slot !== "shard0#once") return { timers: [], corrupt: [] };
    const isLast = number + 1 >= pages.length;
    return { timers: pages[number] ?? [], corrupt, ...(!isLast && { next: { page: number + 1 } }) };
  };
  const ports = {
    clock,
    index: {
      cursors: () => Promise.resolve(new Map([["shard0", cursor]])),
      acquire: () => Promise.resolve({ ...cursor, acquired: true } as (Cursor & { acquired: boolean }) | undefined),
      save: (_: string, { cursor, release }: Saved) => {
        saved.push({ cursor, release });
        return Promise.resolve();
      },
      page: (range: SlotRange, after?: Readonly<Record<string, unknown>>) => {
        const number = Number(after?.["page"] ?? 0);
        queried.push(`${range.slot}${number === 0 ? "" : ` page ${number}`}`);
        return Promise.resolve(pageOf(range, number));
      },
    },
    table: {
      getMany: (): Promise<TimerRows> => Promise.resolve({ timers: recurring, corrupt: [] }),
      advance: (advances: readonly Advance[]): Promise<readonly Advance[]> => {
        advanced.push(...advances.map(({ timer }) => timer));
        return Promise.resolve([]);
      },
    },
    queue: {
      send: (fires: readonly Fire[]) => {
        sent.push(...fires.map(({ id }) => id));
        return Promise.resolve({ unsent: [], rejected: [], errors: [], ...sendResult(fires) });
      },
    },
  } satisfies DispatchPorts;
  const run = (changed: Partial<DispatchPorts> = {}) =>
    dispatchShard({ shard: "shard0", owner: "me", deadline: NOW + 55_000 }, { ...ports, ...changed });
  return { run, ports, clock, sent, saved, queried, advanced };
}

describe("a run over a shard", () => {
  it("enqueues minute by minute until two to three minutes from now, and releases its lease", async () => {
    const { run, saved } = setUp({ cursor: { cursor: NOW - 90_000 } });
    expect(await run()).toEqual({
      outcome: "done",
      enqueued: 0,
      cursor: MINUTE_7_02 + MINUTE,
      dropped: 0,
      skipped: [],
      unsent: [],
    });
    // From the middle of 06:59 on: whole minutes, the last of them 07:03.
    expect(saved.map(({ cursor, release }) => [(cursor.cursor - MINUTE_7_02) / MINUTE, release])).toEqual([
      [-2, false],
      [-1, false],
      [0, false],
      [1, true],
    ]);
  });

  it("reads every page of every range, and advances the cursor when all fires are enqueued", async () => {
    const { run, sent, saved, queried } = setUp({ pages: [[egg("a"), egg("b")], [], [egg("c")]] });
    expect(await run()).toMatchObject({ outcome: "done", enqueued: 3 });
    expect(sent).toEqual(["a", "b", "c"]);
    expect(queried.filter((slot) => slot.startsWith("shard0#once"))).toEqual([
      "shard0#once",
      "shard0#once page 1",
      "shard0#once page 2",
    ]);
    expect(queried).toContain("shard0#every#86400");
    expect(saved).toEqual([{ cursor: { cursor: MINUTE_7_02 + MINUTE }, release: true }]);
  });

  it("continues from the position of an earlier run", async () => {
    const position = { range: `shard0#once@${MINUTE_7_02 + 1}`, after: { page: 1 } };
    const { run, sent, queried } = setUp({
      cursor: { cursor: MINUTE_7_02, position },
      pages: [[egg("a")], [egg("b")]],
      recurring: [seven],
    });
    await run();
    expect(sent).toEqual(["b"]);
    expect(queried.slice(0, 2)).toEqual(["shard0#once page 1", "shard0#every#60"]);
  });

  it("starts the window again when the position is unknown", async () => {
    const cursor = { cursor: MINUTE_7_02, position: { range: "shard0#weekly@0", after: { page: 1 } } };
    const { run, sent } = setUp({ cursor, pages: [[egg("a")], [egg("b")]] });
    await run();
    expect(sent).toEqual(["a", "b"]);
  });

  it("saves its position for the next run near the deadline, and releases the lease", async () => {
    const pages = ["a", "b", "c", "d", "e"].map((id) => [egg(id)]);
    const { run, saved, clock, ports } = setUp({ pages });
    const queue = {
      send: async (fires: readonly Fire[]) => {
        await new Promise<void>((done) => clock.after(30_000, done));
        return ports.queue.send(fires);
      },
    };
    expect(await run({ queue })).toMatchObject({ outcome: "stopped", cursor: MINUTE_7_02 });
    expect(saved.at(-1)).toMatchObject({
      cursor: { cursor: MINUTE_7_02, position: { range: `shard0#once@${MINUTE_7_02 + 1}`, after: { page: 4 } } },
      release: true,
    });
  });

  it("saves its position every five seconds, so that the next run continues a killed one", async () => {
    const { run, saved, clock, ports } = setUp({ pages: [[egg("a")], [egg("b")], [egg("c")], [egg("d")]] });
    const queue = {
      send: async (fires: readonly Fire[]) => {
        await new Promise<void>((done) => clock.after(6_000, done));
        return ports.queue.send(fires);
      },
    };
    await run({ queue });
    const positions = saved.flatMap(({ cursor: { position } }) => position ?? []);
    expect(positions.length).toBeGreaterThan(1);
    expect(positions.map(({ after }) => after)).toEqual(expect.arrayContaining([{ page: 1 }]));
    expect(saved.at(-1)).toEqual({ cursor: { cursor: MINUTE_7_02 + MINUTE }, release: true });
  });

  describe("over a queue that does not accept fires", () => {
    const bill = (id: string) => ({ ...egg(id), options: { callback: "billing" } });
    const NEXT = MINUTE_7_02 + MINUTE;
    const refuses = (callback: string) => (fires: readonly Fire[]) => ({
      unsent: fires.filter((fire) => (fire.callback ?? "default") === callback),
      errors: [new QueueRefusesError("other", "no"), new QueueRefusesError(callback, "KmsAccessDenied")],
    });

    it("goes on with other callbacks, leaves this one behind, and says why", async () => {
      const pages = [
        [egg("a"), bill("b")],
        [bill("c"), egg("d")],
        [bill("e"), egg("f")],
        [egg("g"), bill("h")],
      ];
      const { run, sent, saved } = setUp({ pages, sendResult: refuses("billing") });
      const { unsent, ...report } = await run();
      expect(report).toMatchObject({ outcome: "done", enqueued: 4, cursor: MINUTE_7_02 });
      expect(sent.filter((id) => "adfg".includes(id))).toEqual(["a", "d", "f", "g"]);
      // Two pages are sent at once; the others are not tried.
      expect(sent).not.toContain("h");
      expect(unsent[0]).toMatchObject({
        callback: "billing",
        message:
          '1 fires of the callback "billing" could not be enqueued, the first oneshot#b#v1#2026-11-21T07:02:05.000Z',
        cause: { message: 'the queue of the callback "billing" refuses messages: KmsAccessDenied' },
      });
      expect(saved.at(-1)).toEqual({
        cursor: {
          cursor: NEXT,
          behind: { billing: { cursor: MINUTE_7_02, position: { range: `shard0#once@${MINUTE_7_02 + 1}` } } },
        },
        release: true,
      });
    });

    it("continues with this one's fires alone, where it stopped, until it has caught up", async () => {
      const position = { range: `shard0#once@${MINUTE_7_02 + 1}`, after: { page: 1 } };
      const cursor = { cursor: NEXT, behind: { billing: { cursor: MINUTE_7_02, position } } };
      const { run, sent, saved } = setUp({ cursor, pages: [[bill("a")], [bill("b"), egg("c")]] });
      expect(await run()).toMatchObject({ outcome: "done", enqueued: 1, cursor: NEXT, unsent: [] });
      expect(sent).toEqual(["b"]);
      expect(saved.at(-1)).toEqual({ cursor: { cursor: NEXT }, release: true });
    });

    it("stops this one's own pass when it is refused again, with the place where it was", async () => {
      const cursor = { cursor: NEXT, behind: { billing: { cursor: MINUTE_7_02 } } };
      const pages = [[bill("a")], [bill("b")], [bill("c")], [bill("d")]];
      const sendResult = (fires: readonly Fire[]) => (fires[0]?.id === "a" ? {} : refuses("billing")(fires));
      const { run, sent, saved } = setUp({ cursor, pages, sendResult });
      expect(await run()).toMatchObject({ outcome: "done", enqueued: 1, cursor: MINUTE_7_02 });
      expect(sent).not.toContain("d");
      const { behind } = saved.at(-1)?.cursor ?? {};
      expect(behind?.["billing"]).toEqual({
        cursor: MINUTE_7_02,
        position: { range: `shard0#once@${MINUTE_7_02 + 1}`, after: { page: 1 } },
      });
    });

    it("does not take it back while the others are in the middle of the next window", async () => {
      const position = { range: "shard0#once@0", after: { page: 3 } };
      const cursor = { cursor: NEXT, position, behind: { billing: { cursor: NEXT } } };
      const { run, saved } = setUp({ cursor });
      await run();
      expect(saved).toEqual([{ cursor, release: true }]);
    });

    it("tries each queue that refused at the next run, not in this one", async () => {
      const { run, sent } = setUp({ pages: [[bill("b")]], sendResult: refuses("billing") });
      await run();
      expect(sent).toEqual(["b"]);
    });
  });

  it("skips fires that SQS rejects and corrupt rows, reports them, and continues", async () => {
    const { run, sent } = setUp({
      pages: [[egg("a"), egg("b")]],
      corrupt: ["a row"],
      sendResult: ([first]) => ({ rejected: first ? [{ fire: first, reason: "InvalidMessageContents" }] : [] }),
    });
    const { outcome, enqueued, skipped } = await run();
    expect([outcome, enqueued, sent]).toEqual(["done", 1, ["a", "b"]]);
    expect(skipped).toHaveLength(2);
    expect(skipped).toContain("a row");
    expect(skipped).toContainEqual(expect.objectContaining({ name: "FireRejectedError" }));
  });

  it("enqueues recurring timers until seven minutes past the window, and then advances them", async () => {
    const { run, sent, advanced } = setUp({ recurring: [seven] });
    expect(await run()).toMatchObject({ enqueued: 2 });
    expect(sent).toEqual(["seven", "seven"]);
    expect(advanced).toMatchObject([{ id: "seven", enqueuedUntil: MINUTE_7_02 + 8 * MINUTE }]);
  });

  it("enqueues an overdue timer until ten minutes from now before it returns to the timing wheel, whose windows up to now have passed", async () => {
    const overdue = storedTimer({ putAt: NOW - 3 * 60 * MINUTE, enqueuedUntil: NOW - 3 * 60 * MINUTE });
    const { run, advanced } = setUp({ cursor: { cursor: NOW - 2 * 60 * MINUTE }, recurring: [overdue] });
    await run();
    expect(Math.min(...advanced.map(({ enqueuedUntil }) => enqueuedUntil))).toBe(NOW + 10 * MINUTE);
  });

  it("fails when a timer could not be moved to its next place, and leaves the cursor before it", async () => {
    const ended = storedTimer({
      kind: "oneshot",
      id: "ended",
      schedule: { kind: "once", at: MINUTE_7_02 + 5_000 },
      endAt: MINUTE_7_02 + 6_000,
    });
    const { run, ports, saved } = setUp({ pages: [[ended]] });
    const advance = () => Promise.reject(new Error("no network"));
    await expect(run({ table: { ...ports.table, advance } })).rejects.toThrow("no network");
    expect(saved.map(({ cursor: { cursor } }) => cursor)).toEqual([MINUTE_7_02]);
  });

  it("does not advance them before their fires are enqueued", async () => {
    const bills = { ...seven, id: "bills", options: { callback: "billing" } };
    const sendResult = (fires: readonly Fire[]) => ({ unsent: fires.filter(({ id }) => id === "seven") });
    const { run, advanced } = setUp({ recurring: [seven, bills], sendResult });
    expect((await run()).unsent.map(({ callback }) => callback)).toEqual(["default"]);
    expect(advanced).toMatchObject([{ id: "bills" }]);
  });

  it("tolerates that a timer was put again concurrently", async () => {
    const { run, ports } = setUp({ recurring: [seven] });
    const advance = (advances: readonly Advance[]) => Promise.resolve(advances);
    expect(await run({ table: { ...ports.table, advance } })).toMatchObject({ outcome: "done" });
  });

  it("omits fires that the PUT has enqueued, and removes ended timers from the timing wheel", async () => {
    const put = { ...egg("put"), enqueuedUntil: MINUTE_7_02 + 10 * MINUTE };
    const ended = { ...egg("ended"), endAt: MINUTE_7_02 + 30_000 };
    const { run, sent, advanced } = setUp({ pages: [[put, ended]] });
    await run();
    expect(sent).toEqual(["ended"]);
    expect(advanced).toMatchObject([{ id: "ended", enqueuedUntil: MINUTE_7_02 + MINUTE }]);
  });

  it("leaves a regular cron, which fires at the end of a window, on the timing wheel: a fire costs no write", async () => {
    const cron = storedTimer({
      id: "cron",
      schedule: { kind: "cron", expression: "3 * * * ? *", timeZone: "Europe/Berlin" },
      enqueuedUntil: MINUTE_7_02 - MINUTE,
    });
    const { run, ports, sent, advanced } = setUp();
    const page = ({ slot, from = 0, to }: SlotRange) => {
      const isDue = slot === "shard0#every#3600" && from <= 3 * MINUTE && 3 * MINUTE <= to;
      return Promise.resolve({ timers: isDue ? [cron] : [], corrupt: [] });
    };
    await run({ index: { ...ports.index, page } });
    expect([sent, advanced]).toEqual([["cron"], []]);
  });

  it("does nothing when there are no timers or another run has the lease", async () => {
    const { run, ports, queried } = setUp();
    const idle = { ...ports.index, acquire: () => Promise.resolve(undefined) };
    expect(await run({ index: idle })).toEqual({ outcome: "idle", enqueued: 0, dropped: 0, skipped: [], unsent: [] });
    const busy = { ...ports.index, acquire: () => Promise.resolve({ cursor: 5, acquired: false }) };
    expect(await run({ index: busy })).toEqual({
      outcome: "busy",
      enqueued: 0,
      dropped: 0,
      cursor: 5,
      skipped: [],
      unsent: [],
    });
    expect(queried).toEqual([]);
  });

  it("stops writing once its lease is lost", async () => {
    const { run, ports } = setUp({ pages: [[egg("a")]] });
    const save = jest.fn(() => Promise.reject(new LeaseLostError("lost")));
    await expect(run({ index: { ...ports.index, save } })).rejects.toThrow(LeaseLostError);
    expect(save).toHaveBeenCalledTimes(1);
  });
});
