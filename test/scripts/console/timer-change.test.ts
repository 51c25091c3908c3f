import { callOf } from "../../../scripts/console/actions/actions";
import { changeOf } from "../../../scripts/console/readers/timer-change";
import { putInputOf, type PutOptions } from "../../../scripts/features/timers/put-options";
import { timerResponse } from "../../../functions/timers/api/timer-response";
import {
  oneshotBodySchema,
  oneshotTimer,
  periodicBodySchema,
  periodicTimer,
} from "../../../functions/timers/api/request-schemas";
import { nextDue } from "../../../functions/timers/schedule/schedule";
import type { StoredTimer, Timer } from "../../../functions/timers/schedule/timer";
import { visibleLines } from "../../../functions/shared/text";
import { DAY_MS, SECOND_MS } from "../../../functions/shared/time";
import fc from "../../support/fast-check";

const NOW = Date.parse("2026-11-21T06:56:07.123Z");
const context = { id: "tea", version: "v1", shard: "shard1" };

const soon = fc.integer({ min: -100_000, max: 1_000_000 }).map((ms) => new Date(NOW + ms).toISOString());
const common = {
  timerCallbackData: fc.option(fc.jsonValue(), { nil: undefined }),
  callback: fc.constantFrom(undefined, "billing"),
  catchUp: fc.constantFrom(undefined, "all" as const, "latest" as const, 90),
  overlap: fc.constantFrom(undefined, "skip" as const),
  retry: fc.constantFrom(undefined, { maxAttempts: 3 }, { maxAgeSeconds: 600 }),
  history: fc.constantFrom(undefined, true, false),
  jitterSeconds: fc.constantFrom(undefined, 20),
};
const periodic = fc
  .tuple(
    fc.record(common),
    fc.oneof(
      fc.record({
        every: fc.constantFrom("15 minutes", "90 seconds", "1 hour", "7 days"),
        startAt: fc.option(soon, { nil: undefined }),
      }),
      fc.record({
        cron: fc.constantFrom("0 9 ? * MON-FRI *", "*/5 * * * ? *"),
        timeZone: fc.constantFrom(undefined, "Europe/Berlin"),
      }),
      fc.record({ minuteOfHour: fc.integer({ min: 0, max: 59 }), secondOfMinute: fc.integer({ min: 0, max: 59 }) }),
    ),
    fc.record({
      maxFires: fc.constantFrom(undefined, 7),
      endAt: fc.constantFrom(undefined, new Date(NOW + 30 * DAY_MS).toISOString()),
    }),
  )
  .map(([one, two, three]) => ({ ...one, ...two, ...three }));

const putBefore = NOW - 12_345 * SECOND_MS;
const stored = (timer: Timer): StoredTimer => ({ ...timer, enqueuedUntil: timer.putAt });
const responseOf = (timer: StoredTimer) => timerResponse(timer, NOW, { cursor: 0, recorded: false });

/** The timer that the command of an unchanged form puts. The console shows no character that is not visible. */
function putAgain(timer: StoredTimer): Timer {
  const values = Object.fromEntries(
    Object.entries(changeOf(timer, responseOf(timer).schedule, NOW)).map(([name, value]) => [
      name,
      visibleLines(value),
    ]),
  );
  const { options = {}, positional } = callOf(timer.kind === "oneshot" ? "timers.changeOnce" : "timers.change", values);
  expect(positional).toEqual(["tea"]);
  const given = Object.entries(options).filter(([, value]) => value !== "" && value !== false);
  expect(Object.fromEntries(given)).toMatchObject({ "--if-version": "v1", "--shard": "shard1" });
  const put = Object.fromEntries(
    given.map(([name, value]) => {
      const key = name.replace(/^--(no-)?/, "").replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
      return [key, name === "--no-history" ? false : value];
    }),
  ) as PutOptions;
  const input = putInputOf(put);
  return input.kind === "oneshot"
    ? oneshotTimer(oneshotBodySchema.parse(input.timer), { ...context, now: NOW })
    : periodicTimer(periodicBodySchema.parse(input.timer), { ...context, now: NOW });
}

it("of a timer that recurs begins with what it is: rhythm, limits, policies and data stay", () => {
  fc.assert(
    fc.property(periodic, (input) => {
      const timer = stored(periodicTimer(periodicBodySchema.parse(input), { ...context, now: putBefore }));
      const again = putAgain(timer);
      expect([again.kind, again.shard, again.schedule, again.endAt, again.maxFires, again.jitterSeconds]).toEqual([
        ...[timer.kind, timer.shard, timer.schedule, timer.endAt, timer.maxFires, timer.jitterSeconds],
      ]);
      expect([again.options, again.data]).toEqual([timer.options, timer.data]);
      const next = nextDue(timer.schedule, Math.max(NOW, (timer.startAt ?? 0) - 1));
      expect(nextDue(again.schedule, Math.max(NOW, (again.startAt ?? 0) - 1))).toBe(next);
    }),
  );
});

it.each([
  ["a soft hyphen", "M\u00adll"],
  ["a bidirectional control", "a\u202eb"],
  ["a mark of byte order", "\ufeffa"],
  ["a tag character", "\u{e0041}"],
  ["escapes", 'a\u200b "b" \\ \u0007 \r\n\t'],
  ["a joined emoji", "👩\u200d👧"],
])("of a timer has data of the same value, also with %s", (_, value) => {
  for (const data of [
    JSON.stringify({ [value]: [value] }),
    JSON.stringify([value], undefined, 2).replaceAll("\n", "\r\n"),
  ]) {
    const timer = periodicTimer(periodicBodySchema.parse({ every: "1 hour" }), { ...context, now: putBefore });
    expect(JSON.parse(putAgain(stored({ ...timer, data })).data)).toEqual(JSON.parse(data));
  }
});

it("of a timer that fires once begins with what it is", () => {
  fc.assert(
    fc.property(fc.record({ ...common, at: soon }), (input) => {
      const timer = stored(oneshotTimer(oneshotBodySchema.parse(input), { ...context, now: putBefore }));
      expect(putAgain(timer)).toEqual({ ...timer, putAt: NOW, enqueuedUntil: undefined });
    }),
  );
});
