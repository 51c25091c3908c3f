import type { MaintenanceWindow } from "../../../../functions/heartbeats/contract";
import type { CheckResult } from "../../../../functions/heartbeats/monitors/check-result";
import { percentiles } from "../../../../functions/heartbeats/monitors/histogram";
import { inMaintenance } from "../../../../functions/heartbeats/monitors/maintenance";
import type { MonitorPolicy } from "../../../../functions/heartbeats/monitors/policy";
import { sumOf } from "../../../../functions/heartbeats/monitors/roll-up";
import type { ClosedIncident, MonitorState, PeriodRollup } from "../../../../functions/heartbeats/monitors/state";
import { applyCheckResult, rollupsUntil } from "../../../../functions/heartbeats/monitors/state-transition";
import { HOUR_MS, MINUTE_MS } from "../../../../functions/shared/time";
import fc from "../../../support/fast-check";

const INTERVAL_MS = 5 * MINUTE_MS;
const START = Date.parse("2026-11-21T06:55:00Z");
const tickAt = (index: number) => START + index * INTERVAL_MS;

const policyWith = (changes: Partial<MonitorPolicy> = {}): MonitorPolicy => ({
  failuresBeforeDown: 3,
  failuresWithin: 5,
  successesBeforeUp: 2,
  maintenance: [],
  intervalMs: INTERVAL_MS,
  remindAfterMs: 24 * HOUR_MS,
  ...changes,
});

const UP: CheckResult = { health: "up", at: START, latencyMs: 120 };
const SLOW: CheckResult = { health: "degraded", at: START, latencyMs: 900, reason: "slow", message: "took 900 ms" };
const DOWN: CheckResult = { health: "down", at: START, latencyMs: 80, reason: "status", message: "status 500" };
const BROKEN: CheckResult = { health: "unknown", at: START, reason: "internal", message: "the check broke" };

/** A check result with the number of its tick. */
type Delivery = readonly [index: number, result: CheckResult];

/** What is stored after ticks were delivered in this order. */
function applyAll(deliveries: readonly Delivery[], policy: MonitorPolicy = policyWith()) {
  let state: MonitorState | undefined;
  const hours: PeriodRollup[] = [];
  const incidents: ClosedIncident[] = [];
  const applied: Delivery[] = [];
  const notified: string[] = [];
  for (const [index, result] of deliveries) {
    const transition = applyCheckResult(state, result, { tick: tickAt(index), id: "run" }, policy);
    if (transition === undefined) continue;
    applied.push([index, result]);
    hours.push(...transition.hours);
    if (transition.incident) incidents.push(transition.incident);
    notified.push(...transition.state.outbox.map(({ kind }) => kind));
    state = { ...transition.state, outbox: [] };
  }
  return { state, hours, incidents, applied, notified };
}

const ticks = (...results: readonly CheckResult[]): Delivery[] => results.map((result, index) => [index, result]);
const times = (hours: readonly PeriodRollup[]) => {
  const { up, down, maintenance } = sumOf(hours.map(({ rollup }) => rollup));
  return [up, down, maintenance].map((ms) => ms / MINUTE_MS);
};

describe("a monitor", () => {
  it("is unknown until its first successful check, or enough failures", () => {
    expect(applyAll(ticks(DOWN, DOWN)).state).toMatchObject({ health: "unknown" });
    expect(applyAll(ticks(UP)).state).toMatchObject({ health: "up", healthSince: START });
    expect(applyAll(ticks(DOWN, DOWN, DOWN)).state).toMatchObject({ health: "down", healthSince: START });
  });

  it("has an incident after three failures in a row, from the first of them to the first of two good checks", () => {
    expect(applyAll(ticks(UP, DOWN, DOWN, UP, UP, UP, DOWN, DOWN)).state?.incident).toBeUndefined();
    const { incidents, notified, state } = applyAll(ticks(UP, DOWN, DOWN, DOWN, UP, DOWN, UP, UP));
    const cause = { severity: "down", reason: "status", message: "status 500", changes: [] };
    expect(incidents).toEqual([{ openedAt: tickAt(1), closedAt: tickAt(6), ...cause }]);
    expect(notified).toEqual(["opened", "closed"]);
    expect(state).toMatchObject({ health: "up", healthSince: tickAt(6), closedIncidents: 1 });
  });

  it("has an incident while it flaps: three failures of the last five checks", () => {
    const flapping = Array.from({ length: 12 }, () => [DOWN, DOWN, UP]).flat();
    const { state, notified } = applyAll(ticks(UP, ...flapping));
    expect(notified).toEqual(["opened"]);
    expect(state).toMatchObject({ health: "down", incident: { openedAt: tickAt(1) } });
  });

  it("is degraded without downtime, and a real outage that follows is told, and its end", () => {
    const story = [...Array<CheckResult>(4).fill(SLOW), ...Array<CheckResult>(3).fill(DOWN), SLOW, SLOW, UP, UP];
    const { incidents, notified, state } = applyAll(ticks(UP, ...story, UP));
    expect(notified).toEqual(["opened", "changed", "changed", "closed"]);
    expect(incidents).toMatchObject([
      {
        openedAt: tickAt(1),
        closedAt: tickAt(10),
        changes: [
          { until: tickAt(7), severity: "degraded", message: "took 900 ms" },
          { until: tickAt(9), severity: "down", message: "status 500" },
        ],
      },
    ]);
    expect(state && [state.hour.rollup.degraded / MINUTE_MS, state.health]).toEqual([30, "up"]);
    expect(times(state ? [state.hour] : [])).toEqual([10, 15, 0]);
  });

  it("tells a new reason once it lasts, and not each time that it alternates", () => {
    const refused: CheckResult = { ...DOWN, reason: "refused", message: "the connection was refused" };
    const lasting = ticks(DOWN, DOWN, DOWN, refused, refused, refused, refused);
    expect(applyAll(lasting).notified).toEqual(["opened", "changed"]);
    expect(applyAll(lasting).state?.incident).toMatchObject({ reason: "refused", openedAt: START });
    const alternating = Array.from({ length: 10 }, () => [refused, DOWN]).flat();
    expect(applyAll(ticks(DOWN, DOWN, DOWN, ...alternating)).notified).toEqual(["opened"]);
  });

  it("is notified again while its incident stays open", () => {
    const long = Array.from({ length: 40 }, () => DOWN);
    expect(applyAll(ticks(...long), policyWith({ remindAfterMs: HOUR_MS })).notified).toEqual([
      "opened",
      "reminder",
      "reminder",
      "reminder",
    ]);
  });

  it("has no incident, and is neither up nor down, in maintenance", () => {
    const maintenance = [{ from: "2026-11-21T07:00:00Z", to: "2026-11-21T07:30:00Z" }];
    const { state, notified } = applyAll(
      ticks(UP, ...Array.from({ length: 8 }, () => DOWN), UP),
      policyWith({ maintenance }),
    );
    expect(notified).toEqual([]);
    expect(state && times([state.hour])).toEqual([0, 10, 30]);
    // Nor do latencies count, of checks from 07:00 to 07:25.
    const responding = applyAll(ticks(...Array.from({ length: 10 }, () => UP)), policyWith({ maintenance }));
    const { latencies } = sumOf([...responding.hours, responding.state?.hour].flatMap((hour) => hour?.rollup ?? []));
    expect([...latencies.values()]).toEqual([4]);
  });

  it("is neither up nor down by a broken check, which opens and closes no incident either", () => {
    const { state, hours, notified } = applyAll(ticks(UP, BROKEN, BROKEN, BROKEN, BROKEN, UP));
    expect(notified).toEqual([]);
    expect(state && times([...hours, state.hour])).toEqual([5, 0, 0]);
  });

  it("is not up while the monitor was itself down: time without checks is without data", () => {
    const { state, hours } = applyAll([
      [0, UP],
      [1, UP],
      [100, UP],
      [101, UP],
    ]);
    expect(state && times([...hours, state.hour])).toEqual([15, 0, 0]);
    expect(state && times(rollupsUntil(state, tickAt(200), policyWith()))).toEqual([10, 0, 0]);
  });

  it("has no gap where ticks are a little late or early", () => {
    const jitter = [0, 20_000, -30_000, 5_000, 0];
    let state: MonitorState | undefined;
    jitter.forEach((late, index) => {
      const run = { tick: tickAt(index + 1) + late, id: "run" };
      state = applyCheckResult(state, UP, run, policyWith())?.state ?? state;
    });
    expect(state && times([state.hour])).toEqual([20, 0, 0]);
  });
});

/** Ticks as EventBridge delivers them: some missing, some duplicate, some late (after ticks that were due later). */
const deliveredTicks = fc
  .array(
    fc.record({
      health: fc.constantFrom("up" as const, "up" as const, "down" as const, "degraded" as const, "unknown" as const),
      latencyMs: fc.integer({ min: 1, max: 60_000 }),
      copies: fc.constantFrom(0, 1, 1, 1, 2),
      delay: fc.constantFrom(0, 0, 0, 1, 3),
      gap: fc.constantFrom(1, 1, 1, 1, 2, 30),
    }),
    { maxLength: 120 },
  )
  .map((events) => {
    let index = 0;
    const deliveries = events.flatMap(({ health, latencyMs, copies, delay, gap }) => {
      index += gap;
      const result: CheckResult = { health, at: tickAt(index), latencyMs, reason: "status", message: "status 500" };
      const due = index;
      return Array.from({ length: copies }, (_, copy) => ({
        order: due + delay * copy,
        delivery: [due, result] as const,
      }));
    });
    return deliveries.sort((a, b) => a.order - b.order).map(({ delivery }) => delivery);
  });

const windows = fc.constantFrom<MaintenanceWindow[][]>(
  [],
  [{ weekday: "saturday", from: "07:58", minutes: 63 }],
  [{ from: "2026-11-21T09:00:00Z", to: "2026-11-21T12:34:00Z" }],
);

describe("whether ticks are late, duplicate or missing", () => {
  it("incidents open and close in turn", () => {
    fc.assert(
      fc.property(deliveredTicks, windows, (deliveries, maintenance) => {
        const { incidents, notified, state } = applyAll(
          deliveries,
          policyWith({ maintenance, remindAfterMs: Infinity }),
        );
        const edgesNotified = notified.filter((kind) => kind !== "changed");
        edgesNotified.forEach((kind, index) => {
          expect(kind).toBe(index % 2 === 0 ? "opened" : "closed");
        });
        expect(edgesNotified.length).toBe(2 * incidents.length + (state?.incident ? 1 : 0));
        const edges = incidents.flatMap(({ openedAt, closedAt }) => [openedAt, closedAt]);
        if (state?.incident) edges.push(state.incident.openedAt);
        edges.forEach((edge, index) => {
          if (index > 0) expect(edge).toBeGreaterThan(edges[index - 1] ?? NaN);
        });
      }),
    );
  });

  it("time up, down, in maintenance and without data is all the time that passed, minute by minute", () => {
    fc.assert(
      fc.property(deliveredTicks, windows, (deliveries, maintenance) => {
        const { state, hours, applied } = applyAll(deliveries, policyWith({ maintenance }));
        const expected = { up: 0, degraded: 0, down: 0, maintenance: 0, noData: 0 };
        applied.forEach(([index, { health }], place) => {
          const next = applied[place + 1]?.[0] ?? index;
          for (let minute = 0; minute < (next - index) * 5; minute++) {
            const time = tickAt(index) + minute * MINUTE_MS;
            if (minute >= 5 || health === "unknown") expected.noData++;
            else expected[inMaintenance(time, maintenance) ? "maintenance" : health]++;
          }
        });
        const all = state ? [...hours, state.hour] : [];
        const [up = 0, down = 0, quiet = 0] = times(all);
        const degraded = sumOf(all.map(({ rollup }) => rollup)).degraded / MINUTE_MS;
        const elapsed = state ? (state.lastTick - state.firstTick) / MINUTE_MS : 0;
        const noData = elapsed - up - degraded - down - quiet;
        expect({ up, degraded, down, maintenance: quiet, noData }).toEqual(expected);
        for (const { rollup } of hours)
          expect(rollup.up + rollup.degraded + rollup.down + rollup.maintenance).toBeLessThanOrEqual(HOUR_MS);
      }),
    );
  });

  it("no hour is stored twice, and each tick counts once", () => {
    fc.assert(
      fc.property(deliveredTicks, (deliveries) => {
        const { state, hours, applied } = applyAll(deliveries);
        const starts = [...hours.map(({ start }) => start), ...(state ? [state.hour.start] : [])];
        expect(new Set(starts).size).toBe(starts.length);
        const latencies = applied
          .filter(([, { health }]) => health === "up" || health === "degraded")
          .map(([, { latencyMs = NaN }]) => latencyMs);
        const merged = sumOf(state ? [...hours, state.hour].map(({ rollup }) => rollup) : []).latencies;
        expect([...merged.values()].reduce((sum, count) => sum + count, 0)).toBe(latencies.length);
        const median = latencies.toSorted((a, b) => a - b)[Math.ceil(latencies.length / 2) - 1];
        const [found] = percentiles(merged, [0.5]);
        if (median === undefined) expect(found).toBeNull();
        else expect(Math.abs((found ?? NaN) / median - 1)).toBeLessThanOrEqual(0.02);
      }),
    );
  });
});
