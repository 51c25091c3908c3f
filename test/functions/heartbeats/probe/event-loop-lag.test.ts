import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";

import {
  targetSchema,
  startingChecks,
  processorMegabytes,
  worstCaseSeconds,
  type Outcome,
} from "../../../../functions/heartbeats/contract";
import { checkTargets } from "../../../../functions/heartbeats/probe/check-targets";
import { lagOfEvents, startLagMeter, withoutOwnLag } from "../../../../functions/heartbeats/probe/event-loop-lag";
import { sleep } from "../../../../functions/shared/clock";
import { virtualClock } from "../../../support/virtual-clock";

const immediate = promisify(setImmediate);
const work = (milliseconds: number): void => {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
};

const target = targetSchema.parse({ name: "site", url: "https://a.test/", maxLatencyMs: 100 });
const failed = (reason: "slow" | "timeout" | "reset" | "status"): Outcome => ({ ok: false, reason, message: reason });
const refused = () => Object.assign(new Error("no"), { code: "ECONNREFUSED" });
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
    const start = performance.now();
    const lag = startLagMeter();
    const check = lagOfEvents(lag.read, () => performance.now());
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

  it("begin as many at a time as the processor's share allows", async () => {
    const clock = virtualClock();
    let beginning = 0;
    let most = 0;
    const send = async () => {
      most = Math.max(most, ++beginning);
      await sleep(clock, 50);
      beginning -= 1;
      throw refused();
    };
    const results = await checkTargets(many, 512, { send, clock });
    expect(results.map((result) => result.target)).toEqual(many.map(({ name }) => name));
    expect(most).toBe(startingChecks(512));
  });

  /** When each check began, of targets that refuse it at once. */
  async function beginnings(lag: (now: number) => number): Promise<readonly number[]> {
    const clock = virtualClock();
    const times: number[] = [];
    const send = () => {
      times.push(clock.elapsed());
      return Promise.reject(refused());
    };
    await checkTargets(many, 512, { send, clock, lag: () => lag(clock.elapsed()) });
    expect(times).toHaveLength(many.length);
    return times;
  }

  it("begin one after another", async () => {
    const times = await beginnings(() => 0);
    expect(times).toEqual(many.map((_, index) => index + 1));
  });

  it("do not begin while events wait for the processor", async () => {
    const isBusy = (now: number) => now % 10 < 8;
    const times = await beginnings((now) => (isBusy(now) ? 5 : 0.5));
    expect(times.filter(isBusy)).toEqual([]);
  });

  it("begin nevertheless when the processor is always behind", async () => {
    const times = await beginnings(() => 1_000);
    expect(times).toEqual(many.map((_, index) => 20 * (index + 1)));
  });

  it.each([0, 1_000])(
    "end within the function's timeout when no target responds, at a lag of %d ms",
    async (milliseconds) => {
      const clock = virtualClock();
      const send = (_: unknown, signal: AbortSignal) =>
        new Promise<never>((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            reject(refused());
          });
        });
      await checkTargets(many, 512, { send, clock, lag: () => milliseconds });
      expect(clock.elapsed() / 1_000).toBeLessThanOrEqual(worstCaseSeconds(many));
      expect(clock.elapsed() / 1_000).toBeGreaterThan(target.timeoutSeconds);
    },
  );

  it("get a processor share by their number and kind", () => {
    const https = (count: number) => Array.from({ length: count }, () => ({ url: "https://a.test/" }));
    const http = (count: number) => Array.from({ length: count }, () => ({ url: "http://a.test/" }));
    expect(processorMegabytes(https(10))).toBe(512);
    expect(processorMegabytes(http(250))).toBe(512);
    expect(processorMegabytes(https(150))).toBeGreaterThan(1_000);
    expect(processorMegabytes(https(1_000))).toBe(1_769);
  });
});
