import { dispatchShards } from "../../../../functions/timers/dispatch/dispatch-shards";
import type { DispatchPorts, DispatchReport } from "../../../../functions/timers/dispatch/dispatcher";
import type { ShardCursor } from "../../../../functions/timers/storage/shard-cursor";
import { virtualClock } from "../../../support/virtual-clock";
import { storedTimer } from "../../../support/timers";

const NOW = Date.parse("2026-11-21T07:00:30Z");
const MINUTE = 60_000;

/** Shards with these lags in minutes. A busy shard has more pages than one run can send, a second each. @param behind a shard's callback */
function setUp(
  lags: Readonly<Record<string, number>>,
  busy: ReadonlySet<string>,
  behind: Readonly<Record<string, ShardCursor["behind"]>> = {},
) {
  const clock = virtualClock(NOW);
  const cursors = new Map(
    Object.entries(lags).map(([shard, lag]): [string, ShardCursor] => {
      const late = behind[shard];
      return [shard, { cursor: NOW - lag * MINUTE, ...(late && { behind: late }) }];
    }),
  );
  const order: string[] = [];
  const ports: DispatchPorts = {
    clock,
    index: {
      cursors: () => Promise.resolve(cursors),
      acquire: (shard) => {
        order.push(shard);
        return Promise.resolve({ cursor: 0, ...cursors.get(shard), acquired: true });
      },
      save: (shard, { cursor }) => {
        cursors.set(shard, cursor);
        return Promise.resolve();
      },
      page: ({ slot, to }) => {
        const [shard = ""] = slot.split("#");
        if (!busy.has(shard) || !slot.endsWith("#once")) return Promise.resolve({ timers: [], corrupt: [] });
        const egg = storedTimer({ kind: "oneshot", schedule: { kind: "once", at: to }, enqueuedUntil: 0 });
        return Promise.resolve({ timers: [egg], corrupt: [], next: { more: true } });
      },
    },
    table: { getMany: () => Promise.resolve({ timers: [], corrupt: [] }), advance: () => Promise.resolve([]) },
    queue: {
      send: async () => {
        await new Promise<void>((sent) => clock.after(1_000, sent));
        return { unsent: [], rejected: [], errors: [] };
      },
    },
  };
  const reports = new Map<string, DispatchReport["outcome"][]>();
  const failures: unknown[] = [];
  const run = () =>
    dispatchShards({ shards: Object.keys(lags), concurrency: 4, deadline: clock.now() + 55_000, owner: "me" }, ports, {
      dispatched: (shard, { outcome }) => reports.set(shard, [...(reports.get(shard) ?? []), outcome]),
      failed: (_, error) => failures.push(error),
    });
  return { run, order, reports, failures, clock };
}

const shards = (count: number) => Array.from({ length: count }, (_, index) => `shard${index}`);

describe("a run over shards", () => {
  it("begins with the oldest cursor", async () => {
    const { run, order } = setUp({ shard0: 1, shard1: 9, shard2: 5, shard3: 2, shard4: 30 }, new Set());
    expect(await run()).toEqual([]);
    expect(order).toEqual(["shard4", "shard1", "shard2", "shard3", "shard0"]);
  });

  it("gives each shard a turn, also when the first four have more than a run can do", async () => {
    const lags = Object.fromEntries(shards(8).map((shard, index) => [shard, 20 - index]));
    const { run, reports, failures, clock } = setUp(lags, new Set(shards(4)));
    expect(await run()).toEqual([]);
    expect(failures).toEqual([]);
    for (const shard of shards(4)) expect(reports.get(shard)).toContain("stopped");
    for (const shard of shards(8).slice(4)) expect(reports.get(shard)).toEqual(["done"]);
    // What is left of the time goes to those with more to do.
    expect(clock.now() - NOW).toBeGreaterThan(45_000);
    expect(clock.now() - NOW).toBeLessThan(55_000);
  });

  it("tells the cursors of shards that got no turn", async () => {
    const lags = Object.fromEntries(shards(60).map((shard, index) => [shard, 100 - index]));
    const oldest = NOW - 200 * MINUTE;
    const { run, order } = setUp(lags, new Set(shards(60)), { shard59: { billing: { cursor: oldest } } });
    const waiting = await run();
    expect(waiting.length).toBeGreaterThan(1);
    expect(Math.min(...waiting)).toBe(oldest);
    expect(new Set(order).size + waiting.length).toBe(60);
  });
});
