import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";

import {
  targetSchema,
  startingChecks,
  processorMegabytes,
  type Outcome,
} from "../../../../functions/heartbeats/contract";
import { checkTargets } from "../../../../functions/heartbeats/probe/check-targets";
import { lagOfEvents, startLagMeter, withoutOwnLag } from "../../../../functions/heartbeats/probe/event-loop-lag";
import { systemClock } from "../../../../functions/shared/clock";

const immediate = promisify(setImmediate);
const work = (milliseconds: number): void => {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
};

const target = targetSchema.parse({ name: "site", url: "https://a.test/", maxLatencyMs: 100 });
const failed = (reason: "slow" | "timeout" | "reset" | "status"): Outcome => ({ ok: false, reason, message: reason });
const reasonOf = (outcome: Outcome) => (outcome.ok ? "ok" : outcome.reason);

describe("the checker's own lag", () => {
  it("is measured while the processor is busy", async () => {
    const lag = startLagMeter();
    await setTimeout(30);
    work(120);
    expect(lag.read()).toBeGreaterThanOrEqual(120);
    lag.stop();
  });

  it("is no longer counted once the loop has waited for events", async () => {
    const lag = startLagMeter();
    work(200);
    await setTimeout(10);
    const start = performance.now();
    for (let waits = 0; waits < 3; waits++) await setTimeout(10);
    expect(lag.read()).toBeLessThanOrEqual(performance.now() - start);
    lag.stop();
  });

  it("is noticed in steps that are each too short for a timer to be late", async () => {
    const lag = startLagMeter();
    const check = lagOfEvents(lag.read, () => performance.now());
    const start = performance.now();
    // As in a run of many checks: the loop never waits, and each of its iterations works for some milliseconds.
    let isBusy = true;
    const workAgain = () => {
      work(4);
      if (isBusy) setImmediate(workAgain);
    };
    workAgain();
    for (let events = 0; events < 8; events++) {
      await immediate();
      check.onEvent();
    }
    isBusy = false;
    lag.stop();
    const elapsed = performance.now() - start;
    expect(elapsed).toBeGreaterThanOrEqual(32);
    expect(check.total).toBeGreaterThan(elapsed * 0.9);
    expect(check.total).toBeLessThanOrEqual(elapsed);
  });

  it("counts overlapping waits once", () => {
    let now = 0;
    const check = lagOfEvents(
      () => 30,
      () => now,
    );
    for (const at of [10, 20, 100]) {
      now = at;
      check.onEvent();
    }
    expect(check.total).toBe(10 + 10 + 30);
  });

  it.each<["slow" | "timeout" | "reset" | "status", number, number, string]>([
    ["slow", 150, 0, "slow"],
    ["slow", 150, 60, "unmeasured"],
    ["timeout", 10_000, 500, "timeout"],
    ["timeout", 10_000, 1_500, "unmeasured"],
    ["timeout", 1_000, 400, "timeout"],
    ["timeout", 1_000, 600, "unmeasured"],
    ["reset", 20, 15, "reset"],
    ["reset", 5_000, 1_500, "unmeasured"],
    ["status", 10_000, 9_000, "status"],
  ])("%s after %d ms, of which %d were lag, is %s", (reason, latencyMs, lagMs, expected) => {
    expect(reasonOf(withoutOwnLag(failed(reason), target, latencyMs, lagMs))).toBe(expected);
  });
});

describe("checks of many targets", () => {
  const many = Array.from({ length: 60 }, (_, index) => ({ ...target, name: `t${index}` }));

  it("begin as many at a time as the processor's share allows, and dead targets do not hold up the others", async () => {
    let beginning = 0;
    let most = 0;
    const send = async () => {
      most = Math.max(most, ++beginning);
      await setTimeout(5);
      beginning -= 1;
      throw Object.assign(new Error("no"), { code: "ECONNREFUSED" });
    };
    const results = await checkTargets(many, 512, { send, clock: systemClock });
    expect(results.map((result) => result.target)).toEqual(many.map(({ name }) => name));
    expect(most).toBe(startingChecks(512));
  });

  it("get a processor share by their number and kind", () => {
    const https = (count: number) => Array.from({ length: count }, () => ({ url: "https://a.test/" }));
    const http = (count: number) => Array.from({ length: count }, () => ({ url: "http://a.test/" }));
    expect(processorMegabytes(https(10))).toBe(512);
    expect(processorMegabytes(http(250))).toBe(512);
    expect(processorMegabytes(https(150))).toBeGreaterThan(1_000);
    expect(processorMegabytes(https(1_000))).toBe(1_769);
  });
});
