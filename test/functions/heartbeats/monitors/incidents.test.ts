import { closeForRemoval } from "../../../../functions/heartbeats/monitors/incidents";
import type { CheckResult } from "../../../../functions/heartbeats/monitors/check-result";
import type { MonitorPolicy } from "../../../../functions/heartbeats/monitors/policy";
import type { MonitorState } from "../../../../functions/heartbeats/monitors/state";
import { applyCheckResult } from "../../../../functions/heartbeats/monitors/state-transition";
import { HOUR_MS, MINUTE_MS } from "../../../../functions/shared/time";
import { sized } from "../../../support/sized";
import fc from "../../../support/fast-check";

const START = Date.parse("2026-11-21T06:55:00Z");
const tickAt = (index: number) => START + index * 5 * MINUTE_MS;
const POLICY: MonitorPolicy = {
  failuresBeforeDown: 1,
  failuresWithin: 1,
  successesBeforeUp: 1,
  maintenance: [],
  intervalMs: 5 * MINUTE_MS,
  remindAfterMs: HOUR_MS,
};
const UP: CheckResult = { health: "up", at: 0, latencyMs: 100 };
const down = (reason = "status", more: Partial<CheckResult> = {}): CheckResult => ({
  health: "down",
  at: 0,
  reason,
  message: `because of ${reason}`,
  ...more,
});

/** The state after these checks, whose notifications no notifier has delivered. */
function after(results: readonly CheckResult[], policy: Partial<MonitorPolicy> = {}): MonitorState {
  let state: MonitorState | undefined;
  for (const [index, result] of results.entries())
    state =
      applyCheckResult(state, result, { tick: tickAt(index), id: "run" }, { ...POLICY, ...policy })?.state ?? state;
  if (state === undefined) throw new Error("no checks");
  return state;
}
const times = <Item>(count: number, item: Item) => Array<Item>(count).fill(item);

describe("an incident", () => {
  it("is down since it began, not since its reason changed", () => {
    const state = after([UP, down("status"), down("refused")]);
    expect(state).toMatchObject({ health: "down", healthSince: tickAt(1), incident: { openedAt: tickAt(1) } });
    expect(state.incident?.changes).toHaveLength(1);
  });

  it("keeps its latest changes", () => {
    const state = after(Array.from({ length: 40 }, (_, index) => down(`reason ${index}`)));
    const changes = state.incident?.changes.map(({ reason }) => reason);
    expect([changes?.length, changes?.[0], changes?.at(-1)]).toEqual([20, "reason 19", "reason 38"]);
  });

  it("has one reminder at a time, however long a notifier is dead", () => {
    const { outbox } = after(times(60, down()));
    expect(outbox.map(({ kind, raisedAt }) => [kind, (raisedAt - START) / HOUR_MS])).toEqual([
      ["opened", 0],
      ["reminder", 4],
    ]);
  });

  it("has each change to tell, with the three before it", () => {
    const { outbox } = after(Array.from({ length: 40 }, (_, index) => down(`reason ${index}`)));
    expect(outbox.map(({ kind }) => kind)).toEqual(["opened", ...times(39, "changed")]);
    expect(outbox[39]?.incident.changes.map(({ reason }) => reason)).toEqual(["reason 36", "reason 37", "reason 38"]);
  });

  it("fits into its item, however long a notifier is dead and whatever a target does", () => {
    const message = "証".repeat(300);
    const results = fc.array(
      fc.constantFrom(UP, ...["status", "refused", "timeout"].map((reason) => down(reason, { message }))),
      { minLength: 150, maxLength: 250 },
    );
    fc.assert(
      fc.property(results, (all) => {
        expect(Buffer.byteLength(JSON.stringify(after(all)))).toBeLessThan(400 * 1024);
      }),
      { numRuns: sized(2, 50) },
    );
  });

  it("is opened by failures since the last one only, so that two never overlap", () => {
    const policy = { failuresBeforeDown: 3, failuresWithin: 5, successesBeforeUp: 2 };
    const story = [UP, down(), down(), down(), UP, UP, down()];
    expect(after(story, policy)).toMatchObject({ health: "up", closedIncidents: 1, incident: undefined });
    expect(after([...story, down(), down()], policy).incident?.openedAt).toBe(tickAt(6));
  });

  it("is not reminded of in maintenance", () => {
    const maintenance = [{ from: new Date(tickAt(6)).toISOString(), to: new Date(tickAt(30)).toISOString() }];
    const recovering = after([...times(6, down()), ...times(20, UP)], { maintenance, successesBeforeUp: 30 });
    expect(recovering.outbox.map(({ kind }) => kind)).toEqual(["opened"]);
  });

  it.each(["certificate", "tls"])("names the certificate that is its reason: %s", (reason) => {
    const fingerprint = { certificateFingerprint: "ab" };
    expect(after([down(reason, fingerprint)]).incident).toMatchObject(fingerprint);
    expect(after([down("status", fingerprint)]).incident).not.toHaveProperty("certificateFingerprint");
  });

  it("of a removed monitor never ends before the last check, though the run is a retry of an earlier one", () => {
    const state = after([UP, UP, down()]);
    const closed = closeForRemoval(state, { tick: tickAt(1), id: "retry" });
    expect(closed?.incident).toMatchObject({ closedAt: tickAt(2) });
    expect(closed?.state).toMatchObject({ healthSince: tickAt(2), health: "unknown" });
    expect(closed?.state.outbox.at(-1)).toMatchObject({ kind: "removed", closedAt: tickAt(2), raisedAt: tickAt(2) });
  });
});

describe("a latency", () => {
  const latencies = (results: readonly CheckResult[], policy: Partial<MonitorPolicy> = {}) =>
    [...after(results, policy).hour.rollup.latencies.values()].reduce((sum, count) => sum + count, 0);

  it("counts of each complete response, degraded ones too", () => {
    expect(latencies([UP])).toBe(1);
    expect(latencies([{ ...UP, health: "degraded", reason: "slow" }])).toBe(1);
    expect(latencies([down("status", { latencyMs: 5 })])).toBe(0);
  });

  it("does not count in maintenance", () => {
    const maintenance = [{ from: new Date(START).toISOString(), to: new Date(START + HOUR_MS).toISOString() }];
    expect(latencies([UP], { maintenance })).toBe(0);
  });
});
