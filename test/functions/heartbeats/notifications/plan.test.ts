import { planDelivery } from "../../../../functions/heartbeats/notifications/plan";
import { EMPTY_ROLLUP } from "../../../../functions/heartbeats/monitors/roll-up";
import type { AppliedResult } from "../../../../functions/heartbeats/monitors/apply-results";
import type { Incident, MonitorState, Notification } from "../../../../functions/heartbeats/monitors/state";

const incident = (openedAt: number, more: Partial<Incident> = {}): Incident => ({
  openedAt,
  severity: "down",
  message: "no",
  reason: "tls",
  changes: [],
  ...more,
});
const shared = { certificateFingerprint: "ab" };
type Raised = Pick<Notification, "kind" | "incident" | "raisedAt"> & Partial<Notification>;
const STATE: MonitorState = {
  revision: 1,
  runId: "run",
  firstTick: 0,
  lastTick: 0,
  lastCheck: { health: "down", at: 0 },
  health: "down",
  healthSince: 0,
  closedIncidents: 0,
  hour: { start: 0, rollup: EMPTY_ROLLUP },
  outbox: [],
};
const monitor = (key: string, outbox: readonly Raised[], open?: Incident): AppliedResult => ({
  key,
  state: {
    ...STATE,
    outbox: outbox.map((each) => ({ deliveredBy: [], ...each })),
    ...(open && { incident: { ...open, notifiedAt: 0 } }),
  },
});
const plan = (applied: readonly AppliedResult[], digestAbove = 10) =>
  planDelivery(applied, "sns", { monitors: [], digestAbove }, { source: "test" });
const titles = (applied: readonly AppliedResult[], digestAbove?: number) =>
  plan(applied, digestAbove).messages.map(({ title }) => title.replace("[test] ", ""));

describe("messages of one certificate", () => {
  const opened = (key: string, raisedAt: number, more: Partial<Incident> = {}) => {
    const each = incident(raisedAt, { ...shared, ...more });
    return monitor(key, [{ kind: "opened", incident: each, raisedAt }], each);
  };

  it("are one where it is the same in one run", () => {
    expect(titles([opened("a", 1), opened("b", 1)])).toEqual(["DOWN: 2 targets with one certificate"]);
  });

  it("are several where the run or the severity differs, and the later ones say so", () => {
    expect(titles([opened("a", 1), opened("b", 2)])).toEqual(["NOW ALSO DOWN: a", "NOW ALSO DOWN: b"]);
    expect(titles([opened("a", 1), opened("b", 1, { severity: "degraded" })])).toHaveLength(2);
  });

  it("are several where the opening of one was delivered, and that of another was not", () => {
    const closed = (key: string, deliveredBy: readonly string[]) => {
      const each = incident(1, shared);
      return monitor(key, [
        { kind: "opened", incident: each, raisedAt: 1, deliveredBy: [...deliveredBy] },
        { kind: "closed", incident: each, raisedAt: 5, closedAt: 4 },
      ]);
    };
    expect(titles([closed("a", ["sns"]), closed("b", [])])).toEqual(["UP again: a", "WAS DOWN, UP again: b"]);
  });

  it("are several of removed targets, each of which has an end of its own", () => {
    const removed = (key: string) =>
      monitor(key, [{ kind: "removed", incident: incident(1, shared), raisedAt: 5, closedAt: 5 }]);
    expect(titles([removed("a"), removed("b")])).toEqual(["NO LONGER MONITORED: a", "NO LONGER MONITORED: b"]);
  });

  it("say nothing of others when one is over", () => {
    const closed = monitor("a", [{ kind: "closed", incident: incident(1, shared), raisedAt: 5, closedAt: 4 }]);
    const [message] = plan([
      closed,
      { ...opened("b", 1), state: monitor("b", [], incident(1, shared)).state },
    ]).messages;
    expect(message?.title).toBe("[test] UP again: a");
    expect(message?.text).toContain("Not up, same certificate: b");
  });

  it("remind of the oldest incident only", () => {
    const remind = (key: string, openedAt: number) => {
      const each = incident(openedAt, shared);
      return monitor(key, [{ kind: "reminder", incident: each, raisedAt: 9 }], each);
    };
    const { messages, covered } = plan([remind("b", 2), remind("a", 1), remind("c", 3)]);
    expect(messages.flatMap(({ parts }) => parts.map((part) => part.monitor))).toEqual(["a"]);
    expect(covered.map((part) => part.monitor)).toEqual(["b", "c"]);
  });
});

describe("a reminder", () => {
  const reminder = { kind: "reminder", incident: incident(1), raisedAt: 5 } as const;

  it("is covered once its incident has another reason, another begin, or an end", () => {
    expect(plan([monitor("a", [reminder], incident(1))]).messages).toHaveLength(1);
    for (const open of [incident(1, { reason: "status" }), incident(2), undefined])
      expect(plan([monitor("a", [reminder], open)])).toMatchObject({ messages: [], covered: [{ monitor: "a" }] });
  });
});

describe("messages about one incident", () => {
  const first = incident(1);
  const changed = incident(1, { reason: "status", changes: [{ until: 5, severity: "down", message: "no" }] });

  it("have an id of their own for each change and each reminder", () => {
    const ids = [5, 65_000].map((raisedAt) =>
      (["changed", "reminder"] as const).map(
        (kind) => plan([monitor("a", [{ kind, incident: changed, raisedAt }], changed)]).messages[0]?.id,
      ),
    );
    expect(new Set(ids.flat()).size).toBe(4);
  });

  it("that a notifier has missed are one, which says what was and what is", () => {
    const opened = { kind: "opened", incident: first, raisedAt: 1 } as const;
    const closed = { kind: "closed", incident: first, raisedAt: 9, closedAt: 8 } as const;
    expect(titles([monitor("a", [opened, closed])])).toEqual(["WAS DOWN, UP again: a"]);
    expect(titles([monitor("a", [{ ...opened, deliveredBy: ["sns"] }, closed])])).toEqual(["UP again: a"]);
  });
});

describe("a digest", () => {
  const down = (key: string, more: Partial<Incident> = {}) =>
    monitor(key, [{ kind: "opened", incident: incident(1, more), raisedAt: 1 }], incident(1, more));

  it("is of more messages than the limit, and targets with one certificate are one message", () => {
    expect(titles([down("a"), down("b")], 2)).toEqual(["DOWN: a", "DOWN: b"]);
    expect(titles([down("a"), down("b"), down("c")], 2)).toEqual(["3 DOWN"]);
    expect(titles([down("a", shared), down("b", shared), down("c", shared)], 2)).toHaveLength(1);
    expect(titles([down("a", shared), down("b", shared), down("c", shared)], 2)[0]).toContain("one certificate");
  });

  it("names a monitor once, with how often", () => {
    const times = [1_000, 3_000, 5_000].map((openedAt) => ({
      incident: incident(openedAt),
      raisedAt: openedAt + 1_000,
    }));
    const over = times.map((each) => ({ ...each, kind: "closed" as const, closedAt: each.raisedAt }));
    const { messages } = plan([monitor("a", over), monitor("b", over.slice(0, 1))], 2);
    expect(messages.map(({ title, text }) => [title, text])).toEqual([
      ["[test] 4 UP again", "UP again: a (3 times), b"],
    ]);
  });
});
