/** The fires of a timer: which are too late, when jitter is longer than the period, and which a move leaves to its old version. */
import { exclusiveStart, fireAt, isTooLate, movedTimer } from "../../../../functions/timers/schedule/fire-times";
import type { StoredTimer } from "../../../../functions/timers/schedule/timer";

const MINUTE = 60_000;
const START = Date.parse("2026-11-21T07:00:00Z");
const timer: StoredTimer = {
  kind: "periodic",
  id: "tea",
  shard: "shard0",
  version: "v1",
  schedule: { kind: "every", periodMs: MINUTE, phaseMs: 0 },
  data: "{}",
  jitterSeconds: 300,
  enabled: true,
  putAt: START - 1,
  enqueuedUntil: START - 1,
  options: { catchUp: "latest" },
};
const fires = Array.from({ length: 60 }, (_, minute) => fireAt(timer, START + minute * MINUTE));

describe("with catchUp latest, of the fires that are due", () => {
  it.each(Array.from({ length: 40 }, (_, minute) => minute))(
    "only the last one is not too late, after %i min",
    (minute) => {
      const now = START + minute * MINUTE;
      const due = fires.filter((fire) => fire.due <= now);
      const last = Math.max(...due.map((fire) => fire.due));
      expect(due.filter((fire) => !isTooLate(timer, fire, now)).map((fire) => fire.due)).toEqual(
        due.length === 0 ? [] : [last],
      );
    },
  );
});

describe("a move", () => {
  it("by an API whose clock is behind gives the new version no fire of before the timer was put", () => {
    const next = { ...timer, version: "v2", putAt: timer.putAt - 5_000, options: { callback: "billing" } };
    const moved = movedTimer(timer, next, START - MINUTE);
    expect(moved.moved).toEqual([{ version: "v1", until: timer.putAt }]);
    expect(exclusiveStart(moved)).toBe(timer.putAt);
  });

  it("keeps the first version, whose fire ids it has, and the latest fifty", () => {
    let moved: StoredTimer = timer;
    for (let move = 1; move <= 60; move += 1) {
      const next = { ...moved, version: `m${move}`, putAt: START + move * MINUTE };
      moved = { ...movedTimer(moved, next, next.putAt), enqueuedUntil: next.putAt };
    }
    const versions = (moved.moved ?? []).map(({ version }) => version);
    expect([versions.length, ...versions.slice(0, 2), ...versions.slice(-1)]).toEqual([51, "v1", "m10", "m59"]);
    expect(fireAt(moved, START).fireId).toBe(fireAt(timer, START).fireId);
  });
});
