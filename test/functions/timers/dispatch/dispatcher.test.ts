/** The way of a run through its windows, by example. What it promises whatever happens: simulation.test.ts. */
import {
  dispatchShard,
  FiresNotQueuedError,
  LeaseLostError,
  type Cursor,
  type DispatchPorts,
  type Page,
} from "../../../../functions/timers/dispatch/dispatcher";
import type { UnsentFires } from "../../../../functions/timers/queue/fire-queue";
import type { Fire, StoredTimer } from "../../../../functions/timers/schedule/timer";
import type { Section } from "../../../../functions/timers/schedule/windows";
import { TimerChangedError } from "../../../../functions/timers/storage/timer-table";
import { storedTimer } from "../../../support/timers";
import { virtualClock } from "../../../support/virtual-clock";

const NOW = Date.parse("2026-11-21T07:00:30Z");
const MINUTE = 60_000;
const MINUTE_7_02 = Date.parse("2026-11-21T07:02:00Z");

/** One-shots of 07:02 to 07:03, all of whose fires are the dispatcher's. */
const egg = (id: string, second = 5) =>
  storedTimer({
    kind: "oneshot",
    id,
    schedule: { kind: "once", at: MINUTE_7_02 + second * 1_000 },
    through: MINUTE_7_02 - MINUTE,
  });
const seven = storedTimer({
  id: "seven",
  schedule: { kind: "every", periodMs: 7 * MINUTE, phaseMs: (MINUTE_7_02 + 5_000) % (7 * MINUTE) },
  through: MINUTE_7_02 - MINUTE,
});

interface Saved {
  readonly cursor: Cursor;
  readonly release: boolean;
}

/** A shard whose one-shots come in pages of these, whose recurring timers are these; and what a run did there. */
function setUp(
  given: {
    readonly cursor?: Cursor;
    readonly pages?: readonly (readonly StoredTimer[])[];
    readonly recurring?: readonly StoredTimer[];
    readonly answer?: (fires: readonly Fire[]) => Partial<UnsentFires>;
    readonly corrupt?: readonly unknown[];
  } = {},
) {
  const { cursor = { cursor: MINUTE_7_02 }, pages = [[]], recurring = [], answer = () => ({}), corrupt = [] } = given;
  const clock = virtualClock(NOW);
  const sent: string[] = [];
  const saved: Saved[] = [];
  const asked: string[] = [];
  const moved: StoredTimer[] = [];
  const pageOf = ({ slot }: Section, number: number): Page => {
    if (slot === "shard0#recurring") return { timers: recurring, corrupt: [] };
    if (slot !== "shard0#once") return { timers: [], corrupt: [] };
    const isLast = number + 1 >= pages.length;
    return { timers: pages[number] ?? [], corrupt, ...(!isLast && { next: { page: number + 1 } }) };
  };
  const ports = {
    clock,
    index: {
      acquire: () => Promise.resolve({ ...cursor, taken: true } as (Cursor & { taken: boolean }) | undefined),
      save: (_: string, { cursor, release }: Saved) => {
        saved.push({ cursor, release });
        return Promise.resolve();
      },
      page: (section: Section, after?: Readonly<Record<string, unknown>>) => {
        const number = Number(after?.["page"] ?? 0);
        asked.push(`${section.slot}${number === 0 ? "" : ` page ${number}`}`);
        return Promise.resolve(pageOf(section, number));
      },
    },
    table: {
      getMany: () => Promise.resolve(recurring),
      move: (timer: StoredTimer) => {
        moved.push(timer);
        return Promise.resolve();
      },
    },
    queue: {
      send: (fires: readonly Fire[]) => {
        sent.push(...fires.map(({ id }) => id));
        return Promise.resolve({ unsent: [], refused: [], errors: [], ...answer(fires) });
      },
    },
  } satisfies DispatchPorts;
  const run = (changed: Partial<DispatchPorts> = {}) =>
    dispatchShard({ shard: "shard0", owner: "me", deadline: NOW + 55_000 }, { ...ports, ...changed });
  return { run, ports, clock, sent, saved, asked, moved };
}

describe("a run over a shard", () => {
  it("hands over minute by minute until two to three minutes from now, and gives its lease back", async () => {
    const { run, saved } = setUp({ cursor: { cursor: NOW - 90_000 } });
    expect(await run()).toEqual({ outcome: "done", scheduled: 0, cursor: MINUTE_7_02 + MINUTE, passedOver: [] });
    // From the middle of 06:59 on: whole minutes, the last of them 07:03.
    expect(saved.map(({ cursor, release }) => [(cursor.cursor - MINUTE_7_02) / MINUTE, release])).toEqual([
      [-2, false],
      [-1, false],
      [0, false],
      [1, true],
    ]);
  });

  it("reads every page of every section, and moves the cursor when all of them are queued", async () => {
    const { run, sent, saved, asked } = setUp({ pages: [[egg("a"), egg("b")], [], [egg("c")]] });
    expect(await run()).toMatchObject({ outcome: "done", scheduled: 3 });
    expect(sent).toEqual(["a", "b", "c"]);
    expect(asked.filter((slot) => slot.startsWith("shard0#once"))).toEqual([
      "shard0#once",
      "shard0#once page 1",
      "shard0#once page 2",
    ]);
    expect(asked).toContain("shard0#every#86400");
    expect(saved).toEqual([{ cursor: { cursor: MINUTE_7_02 + MINUTE }, release: true }]);
  });

  it("goes on where an earlier run stood in its window", async () => {
    const position = { section: `shard0#once@${MINUTE_7_02 + 1}`, after: { page: 1 } };
    const { run, sent, asked } = setUp({
      cursor: { cursor: MINUTE_7_02, position },
      pages: [[egg("a")], [egg("b")]],
      recurring: [seven],
    });
    await run();
    expect(sent).toEqual(["b"]);
    expect(asked.slice(0, 2)).toEqual(["shard0#once page 1", "shard0#every#60"]);
  });

  it("begins the window anew where it does not know that place", async () => {
    const cursor = { cursor: MINUTE_7_02, position: { section: "shard0#weekly@0", after: { page: 1 } } };
    const { run, sent } = setUp({ cursor, pages: [[egg("a")], [egg("b")]] });
    await run();
    expect(sent).toEqual(["a", "b"]);
  });

  it("keeps its position for the next run when time is up, and gives the lease back", async () => {
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
      cursor: { cursor: MINUTE_7_02, position: { section: `shard0#once@${MINUTE_7_02 + 1}`, after: { page: 4 } } },
      release: true,
    });
  });

  it("saves its position every five seconds, for a run that is killed to be continued", async () => {
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

  it("leaves the cursor before what could not be queued, and says so", async () => {
    const { run, saved } = setUp({
      pages: [[egg("a")]],
      answer: (fires) => ({ unsent: fires, errors: ["no network"] }),
    });
    const failure = run();
    await expect(failure).rejects.toThrow(FiresNotQueuedError);
    await expect(failure).rejects.toThrow("1 fires could not be queued, the first oneshot#a#v1#");
    expect(saved.every(({ cursor: { cursor } }) => cursor === MINUTE_7_02)).toBe(true);
    expect(saved.at(-1)?.release).toBe(true);
  });

  it("passes over what SQS refuses and what nobody understands, tells of it, and goes on", async () => {
    const { run, sent } = setUp({
      pages: [[egg("a"), egg("b")]],
      corrupt: ["a row"],
      answer: ([first]) => ({ refused: first ? [{ fire: first, reason: "InvalidMessageContents" }] : [] }),
    });
    const { outcome, scheduled, passedOver } = await run();
    expect([outcome, scheduled, sent]).toEqual(["done", 1, ["a", "b"]]);
    expect(passedOver).toHaveLength(2);
    expect(passedOver).toContain("a row");
    expect(passedOver).toContainEqual(expect.objectContaining({ name: "FireRefusedError" }));
  });

  it("hands recurring timers over seven minutes past the window, and then moves them on", async () => {
    const { run, sent, moved } = setUp({ recurring: [seven] });
    expect(await run()).toMatchObject({ scheduled: 2 });
    expect(sent).toEqual(["seven", "seven"]);
    expect(moved).toMatchObject([{ id: "seven", through: MINUTE_7_02 + 8 * MINUTE }]);
  });

  it("does not move them on before their fires are queued", async () => {
    const { run, moved } = setUp({ recurring: [seven], answer: (fires) => ({ unsent: fires }) });
    await expect(run()).rejects.toThrow(FiresNotQueuedError);
    expect(moved).toEqual([]);
  });

  it("bears that a timer was put again meanwhile", async () => {
    const { run, ports } = setUp({ recurring: [seven] });
    const move = () => Promise.reject(new TimerChangedError("changed"));
    expect(await run({ table: { ...ports.table, move } })).toMatchObject({ outcome: "done" });
  });

  it("leaves out what whoever put a timer has sent, and takes ended timers out of the wheel", async () => {
    const put = { ...egg("put"), through: MINUTE_7_02 + 10 * MINUTE };
    const ended = { ...egg("ended"), endAt: MINUTE_7_02 + 30_000 };
    const { run, sent, moved } = setUp({ pages: [[put, ended]] });
    await run();
    expect(sent).toEqual(["ended"]);
    expect(moved).toMatchObject([{ id: "ended", through: MINUTE_7_02 + MINUTE }]);
  });

  it("does nothing where there are no timers, or where another run is at work", async () => {
    const { run, ports, asked } = setUp();
    const idle = { ...ports.index, acquire: () => Promise.resolve(undefined) };
    expect(await run({ index: idle })).toEqual({ outcome: "idle", scheduled: 0, passedOver: [] });
    const busy = { ...ports.index, acquire: () => Promise.resolve({ cursor: 5, taken: false }) };
    expect(await run({ index: busy })).toEqual({ outcome: "busy", scheduled: 0, cursor: 5, passedOver: [] });
    expect(asked).toEqual([]);
  });

  it("writes nothing more once its lease is lost", async () => {
    const { run, ports } = setUp({ pages: [[egg("a")]] });
    const save = jest.fn(() => Promise.reject(new LeaseLostError("lost")));
    await expect(run({ index: { ...ports.index, save } })).rejects.toThrow(LeaseLostError);
    expect(save).toHaveBeenCalledTimes(1);
  });
});
