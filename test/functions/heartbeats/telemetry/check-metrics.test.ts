import type { ProbeResult } from "../../../../functions/heartbeats/probe/check-target";
import { reportCheckMetrics } from "../../../../functions/heartbeats/telemetry/check-metrics";
import { createLogger } from "../../../../functions/shared/telemetry/logger";
import { createMetrics } from "../../../../functions/shared/telemetry/metrics";
import { setupHandler } from "../../../support/lambda";

const at = Date.parse("2026-11-21T06:55:00Z");
const good: ProbeResult = { target: "good", at, latencyMs: 12, outcome: { ok: true, status: 200 } };
const bad: ProbeResult = {
  target: "bad",
  at,
  latencyMs: 34,
  outcome: { ok: false, reason: "refused", message: "the connection was refused (ECONNREFUSED)" },
};
const broken: ProbeResult = {
  target: "broken",
  at,
  latencyMs: 56,
  outcome: { ok: false, reason: "internal", message: "the check broke: oops" },
  fault: new TypeError("oops"),
};

describe("the metrics of a run", () => {
  const output = setupHandler("heartbeats");

  const reported = (observations: readonly ProbeResult[]) => {
    const metrics = createMetrics("heartbeats", "test");
    reportCheckMetrics(observations, 78.4, { logger: createLogger("heartbeats", "test"), metrics });
    metrics.flush();
    return output.lines();
  };

  it("logs failed targets and faults of the checker, and counts each", () => {
    expect(reported([good, bad, broken])).toEqual([
      expect.objectContaining({
        level: "WARN",
        message: "check failed",
        target: "bad",
        reason: "refused",
        detail: "the connection was refused (ECONNREFUSED)",
      }),
      expect.objectContaining({
        level: "ERROR",
        message: "check broke",
        target: "broken",
        error: expect.objectContaining({ name: "TypeError", message: "oops" }) as unknown,
      }),
      expect.objectContaining({
        level: "INFO",
        message: "run finished",
        checks: 3,
        failed: 1,
        broken: 1,
        durationMs: 78,
      }),
      expect.objectContaining({ checks: 3, failedChecks: 1, brokenChecks: 1, latency: [12, 34] }),
    ]);
  });

  it("logs once that many checks were not measured, and counts each", () => {
    const message = "not measured: the checker was busy for 80 of 150 ms";
    const unmeasured: ProbeResult = {
      target: "t",
      at,
      latencyMs: 150,
      outcome: { ok: false, reason: "unmeasured", message },
    };
    const [first, second, counted] = reported(
      Array.from({ length: 300 }, (_, i) => ({ ...unmeasured, target: `t${i}` })),
    );
    expect(first).toMatchObject({ level: "ERROR", message: "checks not measured", checks: 300, detail: message });
    expect(second).toMatchObject({ message: "run finished", checks: 300, failed: 0, broken: 300 });
    expect(counted).toMatchObject({ brokenChecks: 300, failedChecks: 0 });
  });

  it("keeps every latency of many targets", () => {
    const lines = reported(Array.from({ length: 250 }, () => good));
    const latencies = lines.flatMap(({ latency }) => (Array.isArray(latency) ? latency : []) as unknown[]);
    expect(latencies).toHaveLength(250);
  });
});
