import type { UnsentFires } from "../../../../functions/timers/queue/fire-queue";
import type { Place } from "../../../../functions/timers/schedule/fire-times";
import { putTimers } from "../../../../functions/timers/api/put-timers";
import type { Fire, StoredTimer, Timer } from "../../../../functions/timers/schedule/timer";
import { TimerChangedError } from "../../../../functions/timers/storage/timer-table";

const NOW = Date.parse("2026-11-21T06:00:00Z");
const MINUTE = 60_000;

/** Every two minutes: five fires in the ten minutes that whoever puts a timer sends. */
function timer(id: string): Timer {
  return {
    kind: "periodic",
    id,
    shard: "shard0",
    version: "v1",
    schedule: { kind: "every", periodMs: 2 * MINUTE, phaseMs: 0 },
    data: "{}",
    enabled: true,
    putAt: NOW,
  };
}

/** A table and a queue that tell what was done, in order. */
function setUp(answer: (fires: readonly Fire[]) => Partial<UnsentFires> = () => ({})) {
  const done: string[] = [];
  const moved: { readonly timer: StoredTimer; readonly place: Place | undefined; readonly before: number }[] = [];
  const table = {
    ensureCursor: (shard: string, at: number) => {
      done.push(`cursor of ${shard} at ${at - NOW}`);
      return Promise.resolve();
    },
    put: ({ id }: StoredTimer, _: Place | undefined, replaces?: string | null) => {
      if (replaces === null) return Promise.reject(new TimerChangedError("it is there"));
      done.push(`row of ${id}`);
      return Promise.resolve();
    },
    move: (timer: StoredTimer, place: Place | undefined, before: number) => {
      moved.push({ timer, place, before });
      return Promise.resolve();
    },
  };
  const queue = {
    send: (fires: readonly Fire[]) => {
      done.push(`${fires.length} fires`);
      return Promise.resolve({ unsent: [], refused: [], errors: [], ...answer(fires) });
    },
  };
  return { ports: { table, queue }, done, moved };
}

describe("putting timers", () => {
  it("makes sure of the cursor, then writes the row, and then sends the fires of ten minutes", async () => {
    const { ports, done } = setUp();
    const [outcome] = await putTimers([{ timer: timer("tea") }], ports);
    expect(done).toEqual(["cursor of shard0 at 0", "row of tea", "5 fires"]);
    expect(outcome).toMatchObject({ stored: { id: "tea", through: NOW + 10 * MINUTE } });
  });

  it("is each one's own affair", async () => {
    const { ports, done } = setUp();
    const outcomes = await putTimers([{ timer: timer("tea"), replaces: null }, { timer: timer("egg") }], ports);
    expect(outcomes).toEqual([
      { error: new TimerChangedError("it is there") },
      { stored: expect.objectContaining({ id: "egg" }) as unknown },
    ]);
    expect(done.at(-1)).toBe("5 fires");
  });

  it("leaves what the queue does not take to the dispatcher, from the first fire that is missing on", async () => {
    const { ports, moved } = setUp((fires) => ({ unsent: fires.slice(2, 3) }));
    const [outcome] = await putTimers([{ timer: timer("tea") }], ports);
    const third = NOW + 6 * MINUTE;
    expect(moved).toEqual([
      {
        timer: expect.objectContaining({ id: "tea", through: third - 1 }) as unknown,
        place: { slot: "shard0#recurring", order: third },
        before: NOW + 10 * MINUTE,
      },
    ]);
    expect(outcome).toEqual({ stored: moved[0]?.timer });
  });

  it("fails where the dispatcher can't be told of it either", async () => {
    const { ports } = setUp((fires) => ({ unsent: fires }));
    const move = () => Promise.reject(new Error("no network"));
    const [outcome] = await putTimers([{ timer: timer("tea") }], { ...ports, table: { ...ports.table, move } });
    expect(outcome).toMatchObject({ error: { name: "UnavailableError", cause: new Error("no network") } });
  });

  it("fails where SQS refuses a fire for what it is, and passes over none: the dispatcher is left to try it", async () => {
    const { ports, moved } = setUp(([first]) => ({
      refused: first ? [{ fire: first, reason: "InvalidMessageContents: not XML" }] : [],
    }));
    const outcomes = await putTimers([{ timer: timer("tea") }, { timer: timer("egg") }], ports);
    expect(outcomes).toMatchObject([
      {
        error: {
          name: "FireRefusedError",
          message: expect.stringMatching(/^periodic#tea#v1#.+: InvalidMessageContents: not XML$/) as unknown,
        },
      },
      { stored: { id: "egg", through: NOW + 10 * MINUTE } },
    ]);
    expect(moved.map(({ timer: { id, through } }) => [id, through])).toEqual([["tea", NOW + 2 * MINUTE - 1]]);
  });
});
