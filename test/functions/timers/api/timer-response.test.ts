import { exclusiveStart, fireAt, planEnqueue, scheduledTimes } from "../../../../functions/timers/schedule/fire-times";
import {
  oneshotBodySchema,
  oneshotTimer,
  periodicBodySchema,
  periodicTimer,
} from "../../../../functions/timers/api/request-schemas";
import type { StoredTimer } from "../../../../functions/timers/schedule/timer";
import { legacyTimerResponse, timerResponse as response } from "../../../../functions/timers/api/timer-response";
import type { RecordedFire } from "../../../../functions/timers/storage/history";
import fc from "../../../support/fast-check";

const PUT = Date.parse("2026-11-21T06:55:30.250Z");
const given = { id: "tea", now: PUT, version: "v1", shard: "shard3" };
const minutes = (count: number) => count * 60_000;
const periodic = (body: object): StoredTimer => ({
  ...periodicTimer(periodicBodySchema.parse(body), given),
  enqueuedUntil: PUT + minutes(10),
});
const oneshot = (body: object): StoredTimer => ({
  ...oneshotTimer(oneshotBodySchema.parse(body), given),
  enqueuedUntil: PUT + minutes(10),
});
const later = (count: number) => PUT + minutes(count);
const timerResponse = (timer: StoredTimer, now: number, cursor: number, lastFire?: RecordedFire) =>
  response(timer, now, { cursor, recorded: true, lastFire });
const lastFire: RecordedFire = {
  fireId: "periodic#tea#v1#2026-11-21T07:05:00.000Z",
  version: "v1",
  due: Date.parse("2026-11-21T07:05:00Z"),
  firedAt: Date.parse("2026-11-21T07:05:00.040Z"),
  durationMs: 3,
  attempts: 2,
  outcome: "succeeded",
};

describe("the response for a timer", () => {
  it("has the legacy fields for an hourly timer", () => {
    const response = legacyTimerResponse(periodic({ minuteOfHour: 5, timerCallbackData: { order: 7 } }));
    expect(JSON.stringify(response)).toBe(
      '{"id":"tea","shardId":"shard3","timeShardId":"05:tea","timerCallbackData":{"order":7}}',
    );
  });

  it("starts with the legacy fields, followed by all others", () => {
    expect(JSON.stringify(timerResponse(periodic({ minuteOfHour: "5" }), later(20), later(22), lastFire))).toBe(
      JSON.stringify({
        id: "tea",
        shardId: "shard3",
        timeShardId: "05:tea",
        timerCallbackData: { id: "tea", type: "hourlyPeriodic" },
        schedule: { minuteOfHour: 5, secondOfMinute: 0 },
        enabled: true,
        callback: "default",
        version: "v1",
        putAt: "2026-11-21T06:55:30.250Z",
        state: "scheduled",
        nextFireAt: "2026-11-21T08:05:00.000Z",
        recorded: true,
        lastFiredAt: "2026-11-21T07:05:00.040Z",
        lastOutcome: "succeeded",
        attempts: 2,
        latenessMs: 40,
      }),
    );
  });

  it.each<[object, object]>([
    [
      { minuteOfHour: 0, secondOfMinute: 30 },
      { minuteOfHour: 0, secondOfMinute: 30 },
    ],
    [
      { every: "60 minutes", startAt: "2026-11-21T07:10:00Z" },
      { minuteOfHour: 10, secondOfMinute: 0 },
    ],
    [{ every: "7 days", startAt: "2026-11-22T17:00:30Z" }, { every: "7 days" }],
    [
      { every: "7 days", startAt: "2026-11-22T17:00:30Z", secondOfMinute: 5 },
      { every: "7 days", secondOfMinute: 5 },
    ],
    [{ every: "90 seconds" }, { every: "90 seconds" }],
    [{ every: "120 seconds" }, { every: "2 minutes" }],
    [{ every: "1 minute" }, { every: "1 minute" }],
    [{ every: "48 hours" }, { every: "2 days" }],
    [
      { cron: "cron(0 9 * * ? *)", timeZone: "Asia/Tokyo" },
      { cron: "0 9 * * ? *", timeZone: "Asia/Tokyo" },
    ],
  ])("has the schedule in the fields of the request: %j", (body, schedule) => {
    expect(timerResponse(periodic(body), PUT, PUT).schedule).toEqual(schedule);
  });

  it("has all other fields of the request", () => {
    const body = {
      cron: "0 9 * * ? *",
      startAt: "2026-12-01T00:00:00Z",
      endAt: "2026-12-31T00:00:00+01:00",
      maxFires: 300,
      jitterSeconds: 20,
      enabled: false,
    };
    expect(timerResponse(periodic(body), PUT, PUT)).toMatchObject({
      startAt: "2026-12-01T00:00:00.000Z",
      endAt: "2026-12-30T23:00:00.000Z",
      firesLeft: 300,
      jitterSeconds: 20,
      enabled: false,
      nextFireAt: null,
    });
  });

  it("has one fire for a one-shot, first pending and then fired", () => {
    const timer = oneshot({ at: "2026-11-21T07:00:00Z" });
    const due = "2026-11-21T07:00:00.000Z";
    expect(timerResponse(timer, PUT, PUT)).toMatchObject({
      schedule: { at: due },
      state: "scheduled",
      nextFireAt: due,
    });
    expect(timerResponse(timer, later(5), PUT)).toMatchObject({ nextFireAt: null, state: "ended" });
    expect(timerResponse(timer, later(5), PUT)).not.toHaveProperty("timeShardId");
  });

  it("has fired immediately for a one-shot in the past", () => {
    expect(timerResponse(oneshot({ at: "2026-11-20T00:00:00Z" }), PUT, 0)).toMatchObject({ nextFireAt: null });
  });

  it.each(["1970-01-01T00:00:00Z", "2026-11-21T06:55:30.249Z", "2026-11-21T06:55:30.250Z"])(
    "is scheduled until the jitter of a one-shot in the past has passed: %s",
    (at) => {
      const timer = oneshot({ at, jitterSeconds: 300 });
      const [{ due } = { due: 0 }] = planEnqueue(timer, exclusiveStart(timer), later(10)).fires;
      expect(due).toBeGreaterThan(PUT);
      expect(timerResponse(timer, due - 1, later(10))).toMatchObject({
        state: "scheduled",
        nextFireAt: new Date(due).toISOString(),
      });
      expect(timerResponse(timer, due, later(10))).toMatchObject({ state: "ended", nextFireAt: null });
    },
  );

  it("is overdue while the fires of its PUT are not enqueued, wherever the cursor is", () => {
    const timer = oneshot({ at: "2026-11-20T00:00:00Z" });
    const unenqueued = { ...timer, enqueuedUntil: Date.parse("2026-11-20T00:00:00Z") - 1 };
    expect(timerResponse(unenqueued, later(1), later(3))).toMatchObject({
      state: "scheduled",
      nextFireAt: new Date(PUT).toISOString(),
    });
  });

  it("has no last fire before this version was delivered: nothing is computed", () => {
    const none = { lastFiredAt: null, lastOutcome: null, attempts: null, latenessMs: null };
    expect(timerResponse(periodic({ minuteOfHour: 5 }), later(20), later(22))).toMatchObject(none);
    const other = { ...lastFire, version: "v0" };
    expect(timerResponse(periodic({ minuteOfHour: 5 }), later(20), later(22), other)).toMatchObject(none);
  });

  it("has the options that are not the default", () => {
    const body = {
      callback: "billing",
      catchUp: "latest",
      overlap: "skip",
      retry: { maxAttempts: 3, maxAgeSeconds: 60 },
      history: false,
    };
    expect(timerResponse(periodic(body), PUT, PUT)).toMatchObject(body);
    const spelled = { callback: "default", catchUp: "all", overlap: "allow", retry: { maxAttempts: 8 } };
    expect(periodic(spelled)).toEqual(periodic({}));
  });

  it("is overdue while the dispatcher is late", () => {
    const timer = periodic({ minuteOfHour: 30 });
    expect(timerResponse(timer, later(50), later(20))).toMatchObject({
      nextFireAt: "2026-11-21T07:30:00.000Z",
    });
    expect(timerResponse(timer, later(50), later(52))).toMatchObject({
      nextFireAt: "2026-11-21T08:30:00.000Z",
    });
  });

  it("has no next fire after the end", () => {
    const timer = periodic({ minuteOfHour: 0, maxFires: 2 });
    expect(timerResponse(timer, later(600), later(602))).toMatchObject({
      maxFires: 2,
      nextFireAt: null,
    });
  });

  it("has the next fire with jitter", () => {
    const bodies = fc.oneof(
      fc.record({ every: fc.constantFrom("1 minute", "90 seconds", "7 minutes", "1 hour", "5 hours") }),
      fc.record({ cron: fc.constantFrom("* * * * ? *", "0/7 * * * ? *", "15 9-17 * * ? *") }),
    );
    const jitter = fc.option(fc.integer({ min: 0, max: 300 }), { nil: undefined });
    fc.assert(
      fc.property(bodies, jitter, fc.integer({ min: 0, max: minutes(1_000) }), (body, jitterSeconds, since) => {
        const timer = periodic({ ...body, ...(jitterSeconds !== undefined && { jitterSeconds }) });
        const now = PUT + since;
        const dues = scheduledTimes(timer, PUT, now + minutes(2_000)).map((at) => fireAt(timer, at).due);
        const { nextFireAt } = timerResponse(timer, now, now + minutes(3));
        expect(nextFireAt).toBe(new Date(Math.min(...dues.filter((due) => due > now))).toISOString());
      }),
    );
  });
});
