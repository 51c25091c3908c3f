/** What a preview promises is what a PUT sends, and what an audit then expects: near changes of the clock, with limits and jitter. */
import * as z from "zod";
import type { TimerPorts } from "../../../../functions/timers/api/routes";
import type { ApiRouteName } from "../../../../functions/timers/contract";
import fc from "../../../support/fast-check";
import { callRoute, fakeTimers } from "../../../support/fake-timers";
import { sized } from "../../../support/sized";

const MINUTE = 60_000;
/** A PUT sends the fires of ten minutes. */
const HORIZON = 10 * MINUTE;
const LONGEST_JITTER = 5 * MINUTE;

const iso = (time: number): string => new Date(time).toISOString();

const times = fc
  .tuple(
    fc.constantFrom(
      ...["2026-03-29T01:00Z", "2026-10-25T01:00Z", "2026-04-04T15:00Z", "2026-10-03T15:30Z"],
      ...["2026-04-23T22:00Z", "2026-10-29T21:00Z", "2026-12-31T23:59:59.999Z", "2028-02-29T00:00Z"],
    ),
    fc.integer({ min: -70 * MINUTE, max: 70 * MINUTE }),
  )
  .map(([change, offset]) => Date.parse(change) + offset);

const seconds = fc.integer({ min: 0, max: 59 });
const schedules = fc.oneof(
  fc.record({
    cron: fc.constantFrom("* * * * ? *", "*/5 * * * ? *", "30 2 * * ? *", "0 0,3 * * ? *", "15,45 1-3 ? * SUN *"),
    timeZone: fc.constantFrom("UTC", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kathmandu"),
  }),
  fc.record({ every: fc.constantFrom("1 minute", "61 seconds", "7 minutes", "1 hour", "7 days") }),
  fc.record({ every: fc.constantFrom("1 minute", "1 hour"), secondOfMinute: seconds }),
  fc.record({ minuteOfHour: seconds, secondOfMinute: seconds }),
);
const limits = fc.record(
  {
    startAt: fc.integer({ min: -20 * MINUTE, max: 8 * MINUTE }),
    endAt: fc.integer({ min: MINUTE, max: 20 * MINUTE }),
    maxFires: fc.constantFrom(1, 3, 100, 101),
    jitterSeconds: fc.constantFrom(1, 300),
    catchUp: fc.constantFrom("latest", 60),
    overlap: fc.constant("skip"),
  },
  { requiredKeys: [] },
);

const firesSchema = z.object({ fires: z.array(z.string()) });
const auditSchema = z.object({ missing: z.array(z.string()) });

describe("a preview", () => {
  it("is what a PUT sends, and what an audit misses", async () => {
    const property = fc.asyncProperty(
      times,
      schedules,
      limits,
      async (start, schedule, { startAt, endAt, ...others }) => {
        let now = start;
        let versions = 0;
        const fake = fakeTimers();
        const ports: TimerPorts = {
          ...fake,
          cursors: { get: () => Promise.resolve(new Map([["shard0", { cursor: now + 2 * MINUTE }]])) },
          now: () => now,
          newVersion: () => `v${++versions}`,
          shards: 1,
          onFailure: () => undefined,
        };
        const body = {
          ...{ ...schedule, ...others },
          ...(startAt !== undefined && { startAt: iso(start + startAt) }),
          ...(endAt !== undefined && { endAt: iso(start + endAt) }),
        };
        const call = async (route: ApiRouteName, verb?: string): Promise<unknown> => {
          const path = { id: "tea", ...(verb !== undefined && { verb }) };
          const { text } = await callRoute(ports, route, {
            path,
            ...(!route.startsWith("GET") && { body, text: JSON.stringify(body) }),
            ...(verb === "preview" && { query: { count: "100" } }),
          });
          return JSON.parse(text);
        };
        const before = await call("POST /periodic/{id}/{verb}", "preview");
        await call("PUT /periodic/{id}");
        // Later ones may be scheduled after the horizon, or be moved beyond it.
        const until = iso(start + HORIZON - (others.jitterSeconds === undefined ? 0 : LONGEST_JITTER));
        const early = (fires: readonly string[]) => fires.filter((due) => due <= until).sort();
        const sent = early(fake.sent.map(({ due }) => iso(due)));
        // It would never fire.
        if (fake.rows.size === 0) return;
        expect(early(firesSchema.parse(before).fires)).toEqual(sent);
        expect(early(firesSchema.parse(await call("GET /periodic/{id}/{verb}", "preview")).fires)).toEqual(sent);
        now = start + HORIZON + 2 * MINUTE;
        const { missing } = auditSchema.parse(await call("GET /periodic/{id}/{verb}", "audit"));
        expect(early(missing)).toEqual(sent);
      },
    );
    await fc.assert(property, { numRuns: sized(100, 5_000) });
  });
});
