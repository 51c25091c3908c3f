import {
  CorruptRowError,
  DISPATCHED_ATTRIBUTES,
  readTimerRow,
  timerRow,
  type Row,
} from "../../../../functions/timers/storage/timer-row";
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
    const all = {
      startAt: 1,
      endAt: 2,
      maxFires: 5,
      finalAt: 3,
      requestKey: "k",
      firesLeft: 0,
      jitterSeconds: 300,
      since: PUT_AT - 2,
      omitted: [PUT_AT - 1],
      enabled: false,
      data: '"ü"',
      options: {
        callback: "billing",
        catchUp: "latest",
        overlap: "skip",
        maxAttempts: 3,
        maxAgeSeconds: 60,
        history: false,
      },
      moved: [
        { version: "v-1", until: PUT_AT - 1 },
        { version: "v0", until: PUT_AT },
      ],
    } as const;
    const seconds = { ...bare, options: { catchUp: 60 } };
    for (const timer of [bare, { ...bare, ...all }, seconds])
      for (const indexKey of [undefined, { slot: "shard0#once", dueMs: 5 }]) {
        const row = timerRow(timer, indexKey);
        expect(readTimerRow(row)).toEqual(timer);
        const dispatched = Object.entries(row).filter(([name]) => DISPATCHED_ATTRIBUTES.includes(name));
        const { requestKey: _, ...others } = timer;
        expect(readTimerRow(Object.fromEntries(dispatched))).toEqual(others);
      }
  });

  it("is overdue in that slot of its shard only", () => {
    const slotOf = (slot: string) => readTimerRow(timerRow(storedTimer(), { slot, dueMs: 5 })).isOverdue;
    expect(["shard0#overdue", "shard1#overdue", "shard0#recurring"].map(slotOf)).toEqual([true, undefined, undefined]);
  });

  it("is in the index only with an index key", () => {
    expect(timerRow(storedTimer(), { slot: "shard0#every#3600", dueMs: 300_000 })).toMatchObject({
      partition: { S: "periodic#1" },
      timer: { S: "periodic#tea" },
      slot: { S: "shard0#every#3600" },
      dueMs: { N: "300000" },
    });
    expect(Object.keys(timerRow(storedTimer(), undefined))).not.toEqual(expect.arrayContaining(["slot"]));
  });

  it("expires 20 days after the due time of a one-shot or its PUT, whichever is later; otherwise never", () => {
    const days = (at: number) => {
      const row = timerRow(storedTimer({ kind: "oneshot", schedule: { kind: "once", at } }), undefined);
      return (Number(row["ttl"]?.N) * 1_000 - PUT_AT) / 86_400_000;
    };
    expect([days(PUT_AT + 86_400_000), days(0)]).toEqual([21, 20]);
    expect(timerRow(storedTimer(), undefined)["ttl"]).toBeUndefined();
    const paused = storedTimer({ kind: "oneshot", schedule: { kind: "once", at: 0 }, enabled: false });
    expect(timerRow(paused, undefined)["ttl"]).toBeUndefined();
  });

  const row = timerRow(storedTimer(), undefined);
  it.each([
    ["another's key", { ...row, timer: { S: "cursor#shard0" } }, 'row "cursor#shard0" is not a timer'],
    ["no key", {}, 'row "?": timer is not a string'],
    ["no data", { ...row, data: { N: "1" } }, 'row "periodic#tea": data is not a string'],
    ["no schedule", { ...row, periodMs: { S: "1" } }, 'row "periodic#tea": cron is not a string'],
    ["no number", { ...row, enqueuedUntil: { N: "soon" } }, 'row "periodic#tea": enqueuedUntil is not a number'],
    ["a string instead of a number", { ...row, putAt: { S: "1" } }, 'row "periodic#tea": putAt is not a number'],
  ])("is rejected when corrupt: %s", (_, corrupt, message) => {
    expect(() => readTimerRow(corrupt)).toThrow(CorruptRowError);
    expect(() => readTimerRow(corrupt)).toThrow(message);
  });
});

describe("a row that was changed by hand", () => {
  const cron = timerRow(
    storedTimer({ schedule: { kind: "cron", expression: "0 9 * * ? *", timeZone: "Europe/Berlin" } }),
    undefined,
  );
  const every = timerRow(storedTimer(), undefined);

  it.each<[string, Row]>([
    ["no cron expression", { ...cron, cron: { S: "0 9 * * *" } }],
    ["an endless cron expression", { ...cron, cron: { S: `0 9 ? * ${"MON,".repeat(10_000)}TUE *` } }],
    ["no time zone", { ...cron, timeZone: { S: "Mars/Base" } }],
    ["a period of 0", { ...every, periodMs: { N: "0" } }],
    ["a phase beyond its period", { ...every, phaseMs: { N: "3600000" } }],
    ["a time that is none", { ...every, startAt: { N: "1e30" } }],
    ["no number", { ...every, putAt: { N: "NaN" } }],
    ["another type", { ...every, data: { N: "7" } }],
    ["a jitter that no date can have", { ...every, jitterSeconds: { N: "7e15" } }],
    ["a negative jitter", { ...every, jitterSeconds: { N: "-1" } }],
    ["an option that is none", { ...every, options: { M: { overlap: { S: "wait" } } } }],
    ["a policy that is none", { ...every, options: { M: { catchUp: { S: "some" } } } }],
  ])("cannot be read, and fails alone: %s", (_, row) => {
    expect(() => readTimerRow(row)).toThrow(CorruptRowError);
  });
});
