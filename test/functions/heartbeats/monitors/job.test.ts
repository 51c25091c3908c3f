import { monitorSettingsSchema, type CronMonitor } from "../../../../functions/heartbeats/contract";
import { cronResult } from "../../../../functions/heartbeats/monitors/check-result";
import { dueAfter } from "../../../../functions/heartbeats/monitors/job";
import { jobOfPing, pingKey, reportOf } from "../../../../functions/heartbeats/monitors/record-heartbeat";
import { nextCronDue } from "../../../../functions/shared/calendar/cron";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../../../functions/shared/time";
import fc from "../../../support/fast-check";

function job(fields: object): CronMonitor {
  const [monitor] = monitorSettingsSchema.parse({ cronMonitors: [{ name: "job", ...fields }] }).cronMonitors;
  if (monitor === undefined) throw new Error("no cron monitor");
  return monitor;
}
const at = (iso: string) => Date.parse(iso);
const iso = (time: number | undefined) => (time === undefined ? undefined : new Date(time).toISOString().slice(0, 16));

describe("a nightly job at 02:30 in Berlin", () => {
  const nightly = job({ cron: "30 2 * * ? *", zone: "Europe/Berlin", graceSeconds: 1_800 });

  it("is due at that time of its own clock, when clocks go back and forth too", () => {
    expect(iso(dueAfter(nightly, at("2026-10-23T00:40:00Z")))).toBe("2026-10-24T01:00");
    expect(iso(dueAfter(nightly, at("2026-10-24T00:40:00Z")))).toBe("2026-10-25T01:00"); // in summer time, the first 02:30
    expect(iso(dueAfter(nightly, at("2026-10-25T00:40:00Z")))).toBe("2026-10-26T02:00");
    expect(iso(dueAfter(nightly, at("2026-03-28T01:40:00Z")))).toBe("2026-03-29T01:30"); // 02:30 is skipped: at 03:00
    expect(iso(dueAfter(nightly, at("2026-03-29T01:10:00Z")))).toBe("2026-03-30T01:00");
  });

  it("is up in every night in which it ran, through a year with both changes", () => {
    for (let day = at("2026-01-01T00:00:00Z"); day < at("2027-01-01T00:00:00Z"); day += DAY_MS) {
      const run = nextCronDue("30 2 * * ? *", "Europe/Berlin", day);
      if (run === undefined) throw new Error("never");
      const heartbeatAt = run + 7 * MINUTE_MS;
      const next = nextCronDue("30 2 * * ? *", "Europe/Berlin", heartbeatAt) ?? 0;
      expect(cronResult(nightly, { heartbeatAt }, day, next + 29 * MINUTE_MS).health).toBe("up");
      expect(cronResult(nightly, { heartbeatAt }, day, next + 31 * MINUTE_MS)).toMatchObject({
        health: "down",
        reason: "missing-heartbeat",
      });
    }
  });

  it("may report by a clock that is half a minute ahead", () => {
    expect(iso(dueAfter(nightly, at("2026-11-20T01:29:30Z")))).toBe("2026-11-21T02:00");
  });
});

describe("a job", () => {
  it("is due by the interval and the grace period, or by its cron, which has no end", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 60, max: 90_000 }),
        fc.nat(90_000),
        fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }),
        (everySeconds, graceSeconds, date) => {
          const last = date.getTime();
          expect(dueAfter(job({ everySeconds, graceSeconds }), last)).toBe(
            last + (everySeconds + graceSeconds) * 1_000,
          );
          const due = dueAfter(job({ cron: "0/15 * * * ? *", graceSeconds }), last) ?? 0;
          expect(due - graceSeconds * 1_000 - last).toBeGreaterThan(MINUTE_MS);
          expect(due - graceSeconds * 1_000 - last).toBeLessThanOrEqual(16 * MINUTE_MS);
        },
      ),
    );
  });

  it("whose cron never comes again is never missed", () => {
    const once = job({ cron: "0 2 1 1 ? 2020" });
    expect(dueAfter(once, at("2026-11-21T00:00:00Z"))).toBeUndefined();
    expect(cronResult(once, { heartbeatAt: at("2021-01-01T00:00:00Z") }, 0, at("2026-11-21T00:00:00Z")).health).toBe(
      "up",
    );
  });

  it("is running from its start to its end, whatever that was", () => {
    const hourly = job({ everySeconds: 3_600, graceSeconds: 0, maxRunSeconds: 600 });
    const health = (reports: object, tick: number) => cronResult(hourly, reports, 0, tick).health;
    expect(health({ heartbeatAt: 1 }, HOUR_MS + 2)).toBe("down");
    expect(health({ heartbeatAt: 1, startedAt: HOUR_MS }, HOUR_MS + 600_000)).toBe("up");
    expect(health({ heartbeatAt: 1, startedAt: HOUR_MS }, HOUR_MS + 600_001)).toBe("down");
    expect(health({ startedAt: 1 }, 600_000)).toBe("unknown");
    expect(health({ failedAt: 5 }, 10)).toBe("down");
    expect(health({ failedAt: 5, heartbeatAt: 6 }, 10)).toBe("up");
  });

  it.each([
    [{}, []],
    [{ everySeconds: 60, cron: "0 2 * * ? *" }, []],
    [{ everySeconds: 60, zone: "Europe/Berlin" }, ["zone"]],
    [{ cron: "0 2 * * *" }, ["cron"]],
    [{ cron: "0 2 * * ? *", zone: "Mars/Base" }, ["zone"]],
  ])("is not %j", (fields, path) => {
    const { error } = monitorSettingsSchema.safeParse({ cronMonitors: [{ name: "job", ...fields }] });
    expect(error?.issues.map((issue) => issue.path)).toContainEqual(["cronMonitors", 0, ...path]);
  });
});

describe("a report", () => {
  it.each([
    [undefined, { event: "success" }],
    ["start", { event: "start" }],
    ["fail", { event: "fail", log: "output" }],
    ["0", { event: "success", exitCode: 0, log: "output" }],
    ["137", { event: "fail", exitCode: 137, log: "output" }],
  ])("%p is %j", (event, expected) => {
    expect(reportOf(event, event === undefined ? "" : "output")).toEqual(expected);
  });

  it("is of the highest exit code, too", () => {
    expect(reportOf("255", "")).toEqual({ event: "fail", exitCode: 255 });
  });

  it.each(["256", "-1", "ok", "1e2", "", "0x1", "../start"])("is not %p", (event) => {
    expect(() => reportOf(event, "")).toThrow("is none of start, fail, and 0 to 255");
  });

  it("keeps the end of a log, in whole characters", () => {
    const character = fc.constantFrom("a", "ä", "€", "🦉");
    fc.assert(
      fc.property(
        fc.array(character, { maxLength: 8 }),
        character,
        fc.array(character, { maxLength: 8 }),
        (...parts) => {
          const [start, repeated, end] = parts;
          const text = [...start, repeated.repeat(10_240), ...end].join("");
          const { log = "" } = reportOf("fail", text);
          expect(text.endsWith(log)).toBe(true);
          expect(log).not.toContain("\ufffd");
          expect(Buffer.byteLength(log)).toBeLessThanOrEqual(10_240);
          expect(Buffer.byteLength(log)).toBeGreaterThan(10_240 - 4);
        },
      ),
    );
    expect(reportOf("fail", "🦉").log).toBe("🦉");
  });
});

describe("a ping's key", () => {
  const secret = "0123456789abcdef0123456789abcdef";

  it("names its job, and opens no other", () => {
    const key = pingKey("backup", secret);
    expect(key).toMatch(/^backup\.[\w-]{43}$/);
    expect(jobOfPing(key, secret)).toBe("backup");
    for (const other of [
      key.replace("backup", "restore"),
      pingKey("backup", `${secret}x`),
      `${key}x`,
      key.slice(0, -1),
      "backup",
      "backup.",
      "",
    ])
      expect(() => jobOfPing(other, secret)).toThrow("there is no job with this key");
  });

  it("is not made from a secret that can be guessed", () => {
    expect(() => pingKey("backup", "hunter2")).toThrow("fewer than 32 characters");
  });
});
