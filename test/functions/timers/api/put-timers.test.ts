import type { SendResult } from "../../../../functions/timers/queue/fire-queue";
import type { IndexKey } from "../../../../functions/timers/schedule/fire-times";
import { putTimers } from "../../../../functions/timers/api/put-timers";
import type { Fire, StoredTimer, Timer } from "../../../../functions/timers/schedule/timer";
import { TimerChangedError } from "../../../../functions/timers/storage/timer-table";

const NOW = Date.parse("2026-11-21T06:00:00Z");
const MINUTE = 60_000;

/** Every two minutes: five fires in the ten minutes that a PUT enqueues. */
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

/** A table and a queue that record the calls in order. */
function setUp(sendResult: (fires: readonly Fire[]) => Partial<SendResult> = () => ({})) {
  const calls: string[] = [];
  const advanced: {
    readonly timer: StoredTimer;
    readonly indexKey: IndexKey | undefined;
    readonly previous: number;
  }[] = [];
  const table = {
    ensureCursor: (shard: string, at: number) => {
      calls.push(`cursor of ${shard} at ${at - NOW}`);
      return Promise.resolve();
    },
    put: ({ id }: StoredTimer, _: IndexKey | undefined, replaces?: string | null) => {
      if (replaces === null) return Promise.reject(new TimerChangedError("it exists"));
      calls.push(`row of ${id}`);
      return Promise.resolve();
    },
    advance: (timer: StoredTimer, indexKey: IndexKey | undefined, previous: number) => {
      advanced.push({ timer, indexKey, previous });
      return Promise.resolve();
    },
  };
  const queue = {
    send: (fires: readonly Fire[]) => {
      calls.push(`${fires.length} fires`);
      return Promise.resolve({ unsent: [], rejected: [], errors: [], ...sendResult(fires) });
    },
  };
  return { ports: { table, queue }, calls, advanced };
}

describe("putting timers", () => {
  it("ensures the cursor, then writes the row, then sends the fires of ten minutes", async () => {
    const { ports, calls } = setUp();
    const [outcome] = await putTimers([{ timer: timer("tea") }], ports);
    expect(calls).toEqual(["cursor of shard0 at 0", "row of tea", "5 fires"]);
    expect(outcome).toMatchObject({ stored: { id: "tea", enqueuedUntil: NOW + 10 * MINUTE } });
  });

  it("succeeds or fails independently", async () => {
    const { ports, calls } = setUp();
    const outcomes = await putTimers([{ timer: timer("tea"), replaces: null }, { timer: timer("egg") }], ports);
    expect(outcomes).toEqual([
      { error: new TimerChangedError("it exists") },
      { stored: expect.objectContaining({ id: "egg" }) as unknown },
    ]);
    expect(calls.at(-1)).toBe("5 fires");
  });

  it("leaves unsent fires to the dispatcher, from the first missing one on", async () => {
    const { ports, advanced } = setUp((fires) => ({ unsent: fires.slice(2, 3) }));
    const [outcome] = await putTimers([{ timer: timer("tea") }], ports);
    const third = NOW + 6 * MINUTE;
    expect(advanced).toEqual([
      {
        timer: expect.objectContaining({ id: "tea", enqueuedUntil: third - 1 }) as unknown,
        indexKey: { slot: "shard0#recurring", dueMs: third },
        previous: NOW + 10 * MINUTE,
      },
    ]);
    expect(outcome).toEqual({ stored: advanced[0]?.timer });
  });

  it("fails when the row cannot be made overdue either", async () => {
    const { ports } = setUp((fires) => ({ unsent: fires }));
    const advance = () => Promise.reject(new Error("no network"));
    const [outcome] = await putTimers([{ timer: timer("tea") }], { ...ports, table: { ...ports.table, advance } });
    expect(outcome).toMatchObject({ error: { name: "UnavailableError", cause: new Error("no network") } });
  });

  it("fails when SQS rejects a fire, and leaves all fires to the dispatcher", async () => {
    const { ports, advanced } = setUp(([first]) => ({
      rejected: first ? [{ fire: first, reason: "InvalidMessageContents: not XML" }] : [],
    }));
    const outcomes = await putTimers([{ timer: timer("tea") }, { timer: timer("egg") }], ports);
    expect(outcomes).toMatchObject([
      {
        error: {
          name: "FireRejectedError",
          message: expect.stringMatching(/^periodic#tea#v1#.+: InvalidMessageContents: not XML$/) as unknown,
        },
      },
      { stored: { id: "egg", enqueuedUntil: NOW + 10 * MINUTE } },
    ]);
    expect(advanced.map(({ timer: { id, enqueuedUntil } }) => [id, enqueuedUntil])).toEqual([
      ["tea", NOW + 2 * MINUTE - 1],
    ]);
  });
});
