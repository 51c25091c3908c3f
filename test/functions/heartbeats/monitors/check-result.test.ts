import { monitorSettingsSchema } from "../../../../functions/heartbeats/contract";
import { cronResult, scheduleResult } from "../../../../functions/heartbeats/monitors/check-result";
import { runDurationMs } from "../../../../functions/heartbeats/monitors/job";

describe("a cron monitor", () => {
  const [hourly] = monitorSettingsSchema.parse({
    cronMonitors: [{ name: "job", everySeconds: 3_600, graceSeconds: 0, maxRunSeconds: 600 }],
  }).cronMonitors;

  it("is down after its time, and not at it", () => {
    if (hourly === undefined) throw new Error("no cron monitor");
    const health = (job: object, tick: number) => cronResult(hourly, job, 0, tick).health;
    expect([health({ heartbeatAt: 1 }, 3_600_001), health({ heartbeatAt: 1 }, 3_600_002)]).toEqual(["up", "down"]);
    const running = { heartbeatAt: 1, startedAt: 10 };
    expect([health(running, 600_010), health(running, 600_011)]).toEqual(["up", "down"]);
  });
});

describe("a schedule", () => {
  const failure = { reason: "run-failed", message: "it threw", reportedAt: 95_000 } as const;
  const failed = { failedAt: 1, failure, heartbeatAt: 2 };

  it("is down once for a failure that a later run made good, also if it was reported while the checker read", () => {
    expect(scheduleResult(failed, 100_000, 400_000)).toMatchObject({ health: "down", message: "it threw" });
    expect(scheduleResult(failed, 105_000, 400_000).health).toBe("up");
  });

  it("stays down while its last run has failed", () => {
    expect(scheduleResult({ ...failed, heartbeatAt: 0 }, 10_000_000, 10_300_000).health).toBe("down");
  });

  it("is down once its next run is overdue, and not before", () => {
    const job = { heartbeatAt: 2, expectedBefore: 1_000 };
    expect([scheduleResult(job, 0, 1_000).health, scheduleResult(job, 0, 1_001).health]).toEqual(["up", "down"]);
  });
});

describe("the duration of a run", () => {
  it("is what the job says, else the time from its start to its end", () => {
    expect(runDurationMs({ heartbeatAt: 50, runStartedAt: 10, durationMs: 7 })).toBe(7);
    expect(runDurationMs({ heartbeatAt: 50, failedAt: 30, runStartedAt: 10 })).toBe(40);
  });

  it("is unknown when its start is, or is after its end", () => {
    expect(runDurationMs({ heartbeatAt: 50 })).toBeUndefined();
    expect(runDurationMs({ heartbeatAt: 50, runStartedAt: 60 })).toBeUndefined();
    expect(runDurationMs({ heartbeatAt: 50, runStartedAt: 50 })).toBeUndefined();
  });
});
