import type { SendResult } from "../../../../functions/timers/queue/fire-queue";
import type { IndexKey } from "../../../../functions/timers/schedule/fire-times";
import { putTimers, type Put, type PutPorts } from "../../../../functions/timers/api/put-timers";
import type { Fire, StoredTimer, Timer } from "../../../../functions/timers/schedule/timer";
import { TimerChangedError, type Advance } from "../../../../functions/timers/storage/timer-table";

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

/** A table with a stored timer, and a queue, that record the calls in order. */
function setUp(sendResult: (fires: readonly Fire[]) => Partial<SendResult> = () => ({}), stored?: StoredTimer) {
  const calls: string[] = [];
  const rows: { readonly timer: StoredTimer; readonly indexKey: IndexKey | undefined }[] = [];
  const advanced: Advance[] = [];
  let current = stored;
  const table = {
    ensureCursor: (shard: string, at: number) => {
      calls.push(`cursor of ${shard} at ${at - NOW}`);
      return Promise.resolve();
    },
    put: (timer: StoredTimer, indexKey: IndexKey | undefined, replaces?: string | null) => {
      if (replaces !== undefined && replaces !== (current?.version ?? null))
        return Promise.reject(new TimerChangedError("it exists", current));
      calls.push(`row of ${timer.id} in ${indexKey?.slot ?? "no slot"}`);
      rows.push({ timer, indexKey });
      current = timer;
      return Promise.resolve();
    },
    get: () => Promise.resolve(current),
    advance: (advances: readonly Advance[]): Promise<readonly Advance[]> => {
      for (const { timer, indexKey } of advances) calls.push(`${timer.id} to ${indexKey?.slot ?? "no slot"}`);
      advanced.push(...advances);
      return Promise.resolve([]);
    },
  };
  const queue = {
    send: (fires: readonly Fire[], deadline: number) => {
      calls.push(`${fires.length} fires by ${deadline - NOW}`);
      return Promise.resolve({ unsent: [], rejected: [], errors: [], ...sendResult(fires) });
    },
  };
  const cursors = { get: () => Promise.resolve(new Map([["shard0", { cursor: NOW + 2 * MINUTE }]])) };
  const ports = { table, queue, cursors };
  const put = (puts: readonly (Partial<Put> & Pick<Put, "timer">)[], changed: Partial<PutPorts> = {}) =>
    putTimers(puts, { ...ports, ...changed }, NOW + 5_000);
  return { put, ports, calls, rows, advanced };
}

describe("putting timers", () => {
  it("writes an overdue row, sends the fires of ten minutes, and only then says so in the row", async () => {
    const { put, calls, rows } = setUp();
    const [outcome] = await put([{ timer: timer("tea") }]);
    expect(calls).toEqual([
      "cursor of shard0 at 0",
      "row of tea in shard0#overdue",
      "5 fires by 5000",
      "tea to shard0#every#120",
    ]);
    expect(rows[0]?.timer.enqueuedUntil).toBe(NOW);
    expect(outcome).toMatchObject({ stored: { id: "tea", enqueuedUntil: NOW + 10 * MINUTE } });
  });

  it("writes one row for a timer without fires in the next ten minutes", async () => {
    const { put, calls } = setUp();
    const later = { ...timer("tea"), schedule: { kind: "once" as const, at: NOW + 11 * MINUTE } };
    await put([{ timer: later }]);
    expect(calls).toEqual(["cursor of shard0 at 0", "row of tea in shard0#once"]);
  });

  it("succeeds or fails independently", async () => {
    const { put } = setUp(() => ({}), { ...timer("tea"), version: "v0", enqueuedUntil: NOW });
    const outcomes = await put([{ timer: timer("tea"), replaces: "v9" }, { timer: timer("egg") }]);
    expect(outcomes).toMatchObject([{ error: { name: "TimerChangedError" } }, { stored: { id: "egg" } }]);
  });

  it("leaves unsent fires to the dispatcher, from the first missing one on", async () => {
    const { put, advanced } = setUp((fires) => ({ unsent: fires.slice(2, 3) }));
    const [outcome] = await put([{ timer: timer("tea") }]);
    const third = NOW + 6 * MINUTE;
    expect(advanced).toEqual([
      {
        timer: expect.objectContaining({ id: "tea", enqueuedUntil: third - 1 }) as unknown,
        indexKey: { slot: "shard0#overdue", dueMs: third },
        previous: NOW,
      },
    ]);
    expect(outcome).toEqual({ stored: advanced[0]?.timer });
  });

  it.each([
    ["cannot be written again", () => Promise.reject(new Error("no network"))],
    ["was changed meanwhile", (advances: readonly Advance[]) => Promise.resolve(advances)],
  ])("succeeds when the row %s: it was overdue", async (_, advance) => {
    const { put, ports } = setUp();
    const [outcome] = await put([{ timer: timer("tea") }], { table: { ...ports.table, advance } });
    expect(outcome).toMatchObject({ stored: { id: "tea", enqueuedUntil: NOW } });
  });

  it("fails when SQS rejects a fire, and leaves all fires to the dispatcher", async () => {
    const { put, advanced } = setUp(([first]) => ({
      rejected: first ? [{ fire: first, reason: "InvalidMessageContents: not XML" }] : [],
    }));
    const outcomes = await put([{ timer: timer("tea") }, { timer: timer("egg"), replaces: "v1" }]);
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
      ["egg", NOW + 10 * MINUTE],
    ]);
  });

  describe("over a stored timer", () => {
    const stored: StoredTimer = { ...timer("tea"), version: "v0", requestKey: "key-0", enqueuedUntil: NOW + MINUTE };

    it("replaces it", async () => {
      const { put, rows } = setUp(() => ({}), stored);
      expect(await put([{ timer: timer("tea") }])).toMatchObject([{ stored: { version: "v1" } }]);
      expect(rows).toHaveLength(1);
    });

    it("keeps it, its version and its fires when nothing changes", async () => {
      const { put, rows, calls } = setUp(() => ({}), stored);
      expect(await put([{ timer: timer("tea"), isUnchanged: () => true }])).toEqual([{ stored }]);
      expect([rows, calls]).toEqual([[], ["cursor of shard0 at 0"]]);
    });

    it.each([undefined, null, "v9"])(
      "answers the same again to the same idempotency key: replaces %j",
      async (replaces) => {
        const { put, rows } = setUp(() => ({}), stored);
        const again = { ...timer("tea"), requestKey: "key-0" };
        expect(await put([{ timer: again, ...(replaces !== undefined && { replaces }) }])).toEqual([{ stored }]);
        expect(rows).toEqual([]);
      },
    );

    it("finishes what a PUT that died has begun", async () => {
      const unenqueued = { ...stored, enqueuedUntil: NOW };
      const { put, calls } = setUp(() => ({}), unenqueued);
      await put([{ timer: { ...timer("tea"), requestKey: "key-0" } }]);
      expect(calls).toEqual(["cursor of shard0 at 0", "5 fires by 5000", "tea to shard0#every#120"]);
    });

    it("recognizes its own row, whose response was lost", async () => {
      const { put, ports, calls } = setUp(() => ({}), stored);
      const lost = (...row: Parameters<typeof ports.table.put>) =>
        ports.table.put(...row).then(() => Promise.reject(new TimerChangedError("it exists", row[0])));
      const [outcome] = await put([{ timer: timer("tea"), replaces: "v0" }], {
        table: { ...ports.table, put: lost },
      });
      expect(outcome).toMatchObject({ stored: { version: "v1", enqueuedUntil: NOW + 10 * MINUTE } });
      expect(calls).toContain("5 fires by 5000");
    });

    it("replaces a row that cannot be read", async () => {
      const { put, ports, rows } = setUp();
      const corrupt = (...[row, key, replaces]: Parameters<typeof ports.table.put>) =>
        replaces === undefined
          ? ports.table.put(row, key)
          : Promise.reject(new TimerChangedError("it exists", undefined, { isCorrupt: true }));
      await put([{ timer: timer("tea") }], { table: { ...ports.table, put: corrupt } });
      expect(rows).toHaveLength(1);
    });

    it("replaces only what it has read: another attempt of the same request may have written since", async () => {
      const { put, ports, rows } = setUp(() => ({}), stored);
      const request = { ...timer("tea"), requestKey: "key-1" };
      let attempts = 0;
      const raced = async (...[row, key, replaces]: Parameters<typeof ports.table.put>) => {
        attempts += 1;
        if (attempts === 2) await ports.table.put({ ...row, version: "of the other attempt" }, key);
        return ports.table.put(row, key, replaces);
      };
      const outcomes = await put([{ timer: request }], { table: { ...ports.table, put: raced } });
      expect(outcomes).toMatchObject([{ stored: { version: "of the other attempt" } }]);
      expect(rows).toHaveLength(1);
    });

    it("gives up while other requests change it all the time", async () => {
      const { put, ports } = setUp();
      const changing = () => Promise.reject(new TimerChangedError("it exists", stored));
      const [outcome] = await put([{ timer: timer("tea") }], { table: { ...ports.table, put: changing } });
      expect(outcome).toMatchObject({ error: { status: 429 } });
    });
  });
});
