import { CorruptRowError, readTimerRow, timerRow } from "../../../../functions/timers/storage/timer-row";
import type { Schedule } from "../../../../functions/timers/schedule/schedule";
import { storedTimer } from "../../../support/timers";

const PUT_AT = Date.parse("2026-11-21T06:50:00Z");

describe("the row of a timer", () => {
  it.each<Schedule>([
    { kind: "every", periodMs: 3_600_000, phaseMs: 300_000 },
    { kind: "cron", expression: "0 9 * * ? *", timeZone: "Europe/Berlin" },
    { kind: "once", at: PUT_AT + 1 },
  ])("is read as it was written: $kind", (schedule) => {
    const bare = storedTimer({ kind: schedule.kind === "once" ? "oneshot" : "periodic", id: "tea:2#x", schedule });
    const all = { startAt: 1, endAt: 2, firesLeft: 0, jitterSeconds: 300, enabled: false, data: '"ü"' };
    for (const timer of [bare, { ...bare, ...all }])
      for (const place of [undefined, { slot: "shard0#once", order: 5 }])
        expect(readTimerRow(timerRow(timer, place))).toEqual(timer);
  });

  it("stands in the index only where it has a place", () => {
    expect(timerRow(storedTimer(), { slot: "shard0#every#3600", order: 300_000 })).toMatchObject({
      timer: { S: "periodic#tea" },
      slot: { S: "shard0#every#3600" },
      order: { N: "300000" },
    });
    expect(Object.keys(timerRow(storedTimer(), undefined))).not.toEqual(expect.arrayContaining(["slot"]));
  });

  it("is removed 20 days after a one-shot's time, or after it was put where that was later; else never", () => {
    const days = (at: number) => {
      const row = timerRow(storedTimer({ kind: "oneshot", schedule: { kind: "once", at } }), undefined);
      return (Number(row["ttl"]?.N) * 1_000 - PUT_AT) / 86_400_000;
    };
    expect([days(PUT_AT + 86_400_000), days(0)]).toEqual([21, 20]);
    expect(timerRow(storedTimer(), undefined)["ttl"]).toBeUndefined();
  });

  const row = timerRow(storedTimer(), undefined);
  it.each([
    ["another's key", { ...row, timer: { S: "cursor#shard0" } }, 'the row "cursor#shard0" is no timer\'s'],
    ["no key", {}, 'the row "?" has no text "timer"'],
    ["no data", { ...row, data: { N: "1" } }, 'the row "periodic#tea" has no text "data"'],
    ["no schedule", { ...row, every: { S: "1" } }, 'the row "periodic#tea" has no text "cron"'],
    ["no number", { ...row, through: { N: "soon" } }, 'the row "periodic#tea": through is no number'],
    ["nothing instead of a number", { ...row, putAt: { S: "1" } }, 'the row "periodic#tea" has no number "putAt"'],
  ])("is refused where it is none: %s", (_, corrupt, message) => {
    expect(() => readTimerRow(corrupt)).toThrow(CorruptRowError);
    expect(() => readTimerRow(corrupt)).toThrow(message);
  });
});
