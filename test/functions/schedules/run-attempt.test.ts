import { ABORT_SECONDS, MAX_RESULT_BYTES, type Run } from "../../../functions/schedules/contract";
import { failureOf } from "../../../functions/schedules/plan/end-attempt";
import { runAttempt, RunTimeoutError, type ScheduledRun } from "../../../functions/schedules/run/run-attempt";
import { readSecret, UnknownSecretError } from "../../../functions/schedules/run/secret";
import type { AttemptEnd } from "../../../functions/schedules/storage/runs-table";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../functions/shared/time";
import { ATTEMPT, setup } from "../../support/schedule-keeper";
import { virtualClock } from "../../support/virtual-clock";

const NOW = Date.parse("2026-11-21T06:00:02Z");
const ROW: Run = {
  schedule: "report",
  run: ATTEMPT.run,
  outcome: "running",
  scheduledAt: Date.parse(ATTEMPT.run),
  dueAt: Date.parse(ATTEMPT.run),
  manual: false,
  attempt: 1,
  invocations: 1,
};

/** Runs one attempt whose claim succeeds. */
async function attempt(
  call: (run: ScheduledRun, signal: AbortSignal) => unknown,
  { timeoutSeconds = 60, row = ROW, isWritten = true } = {},
) {
  const clock = virtualClock(NOW);
  const ends: AttemptEnd[] = [];
  const observed: string[] = [];
  const end = await runAttempt(
    { ...ATTEMPT, attempt: row.attempt },
    {
      owner: "me",
      deadline: NOW + timeoutSeconds * SECOND_MS,
      log: { group: "g", stream: "s", requestId: "r" },
    },
    {
      table: {
        claim: () => Promise.resolve(row),
        end: (_, how) => {
          ends.push(how);
          return Promise.resolve(isWritten);
        },
      },
      clock,
      call,
      observer: {
        duplicate: () => observed.push("duplicate"),
        began: (_, lateMs, isLate) => observed.push(`began ${lateMs}${isLate ? " late" : ""}`),
        ended: (_, { outcome }) => observed.push(outcome),
        failed: () => observed.push("failed"),
        tooLate: () => observed.push("too late"),
      },
    },
  );
  expect(ends).toEqual([end]);
  return { end, observed, clock };
}

describe("the signal of a run", () => {
  const untilAborted = (_: ScheduledRun, signal: AbortSignal) =>
    new Promise((__, reject) => {
      signal.addEventListener("abort", () => {
        reject(signal.reason instanceof Error ? signal.reason : new Error("no reason"));
      });
    });

  it("aborts five seconds before the function's timeout, and the run fails with the reason", async () => {
    const { end, clock } = await attempt(untilAborted, { timeoutSeconds: 60 });
    expect(clock.now()).toBe(NOW + (60 - ABORT_SECONDS) * SECOND_MS);
    expect(end).toEqual({ outcome: "failed", reason: "RunTimeoutError: the function's timeout is in 5 seconds" });
  });

  it("aborts at once where less time is left", async () => {
    const { end, clock } = await attempt(untilAborted, { timeoutSeconds: 3 });
    expect(clock.now()).toBe(NOW);
    expect(end).toMatchObject({ outcome: "failed" });
  });

  it("is silent after the end of a run", async () => {
    let signal: AbortSignal | undefined;
    const { clock } = await attempt((_, given) => {
      signal = given;
      return 1;
    });
    await new Promise<void>((resolve) => clock.after(2 * MINUTE_MS, resolve));
    expect(signal?.aborted).toBe(false);
  });

  it("has an error as its reason that a program can tell from others", () => {
    expect(new RunTimeoutError("x").name).toBe("RunTimeoutError");
  });
});

describe("what a handler returns", () => {
  const CYCLE: Record<string, unknown> = { a: 1 };
  CYCLE["self"] = CYCLE;
  const throwing = {
    toJSON: () => {
      throw new Error("no JSON of me");
    },
  };

  it.each<[string, unknown, string | undefined, string | undefined]>([
    ["an object", { invoices: 42 }, '{"invoices":42}', undefined],
    ["nothing", undefined, undefined, undefined],
    ["null", null, "null", undefined],
    ["a date", { at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}', undefined],
    ["a field that is undefined", { a: undefined, b: 1 }, '{"b":1}', undefined],
    ["a function", () => 1, undefined, "the result is not JSON and is not kept"],
    ["a symbol", Symbol("x"), undefined, "the result is not JSON and is not kept"],
    ["a bigint", 10n, undefined, "the result is not JSON and is not kept"],
    ["a map", new Map([[1, 2]]), undefined, "the result is not JSON and is not kept"],
    ["a part that is a function", { a: () => 1, b: 1 }, '{"b":1}', "what is not JSON is not kept: a"],
    [
      "parts that are bigints and no numbers",
      { a: 1n, b: { c: NaN }, d: 1 },
      '{"b":{},"d":1}',
      "what is not JSON is not kept: a, c",
    ],
    [
      "an object that contains itself",
      CYCLE,
      undefined,
      expect.stringMatching(/^the result is not JSON \(.*circular/is),
    ],
    ["a part whose name has half of a character", { "a\ud83d": 1n }, "{}", "what is not JSON is not kept: a\ufffd"],
    ["an object whose toJSON throws", throwing, undefined, "the result is not JSON (no JSON of me) and is not kept"],
    [
      "an object whose toJSON returns nothing",
      { toJSON: () => undefined },
      undefined,
      "the result is not JSON and is not kept",
    ],
  ] as [string, unknown, string | undefined, string | undefined][])(
    "is kept as far as it is JSON: %s",
    async (_, value, result, resultNote) => {
      const { end, observed } = await attempt(() => value);
      expect(end).toEqual({
        outcome: "succeeded",
        ...(result !== undefined && { result }),
        ...(resultNote !== undefined && { resultNote }),
      });
      expect(observed).toEqual(["began 2000", "succeeded"]);
    },
  );

  it("is cut to 10 KB, never within a character", async () => {
    const fits = "x".repeat(MAX_RESULT_BYTES - 2);
    expect((await attempt(() => fits)).end).toEqual({ outcome: "succeeded", result: JSON.stringify(fits) });
    const { end } = await attempt(() => "ä".repeat(MAX_RESULT_BYTES / 2));
    expect(end).toEqual({
      outcome: "succeeded",
      result: `"${"ä".repeat(MAX_RESULT_BYTES / 2 - 2)}…`,
      resultNote: "the result has 10242 bytes: only the first 10240 are kept, as text",
    });
  });
});

const SELF = new Error("self");
SELF.cause = SELF;
const REVOKED = Proxy.revocable({}, {});
REVOKED.revoke();

describe("an attempt", () => {
  it.each([
    ["an error", new TypeError("no luck"), /^TypeError: no luck$/],
    [
      "a parser's error, which quotes what it read",
      new SyntaxError("Unexpected token: hunter2"),
      /^SyntaxError: a text is malformed/,
    ],
    ["an error that is its own cause", SELF, /^self$/],
    ["nothing", undefined, /^undefined$/],
    ["a text", "no luck", /^no luck$/],
    ["an object", { luck: 0 }, /^\{ luck: 0 \}$/],
    ["an object that cannot be read", REVOKED.proxy, /^<Revoked Proxy>$/],
    ["a text of half a character", "\ud800", /./],
  ])("that throws %s fails with a reason", async (_, thrown, reason) => {
    // A handler in JavaScript may throw what is no error.
    const anything = (function* () {
      yield;
    })();
    const { end } = await attempt(() => anything.throw(thrown));
    expect(end?.outcome).toBe("failed");
    expect(end !== undefined && "reason" in end ? end.reason : "").toMatch(reason);
  });

  it("counts as late more than five minutes after its due time, once and not by hand", async () => {
    const dueAt = NOW - 5 * MINUTE_MS;
    const began = async (row: Partial<Run>) => (await attempt(() => 1, { row: { ...ROW, ...row } })).observed[0];
    expect(await began({ dueAt })).toBe("began 300000");
    expect(await began({ dueAt: dueAt - 1 })).toBe("began 300001 late");
    expect(await began({ dueAt: dueAt - 1, manual: true })).toBe("began 300001");
    expect(await began({ dueAt: dueAt - 1, attempt: 2 })).toBe("began 300001");
  });

  it("that the keeper has given up says so, and has happened", async () => {
    expect((await attempt(() => 1, { isWritten: false })).observed).toEqual(["began 2000", "succeeded", "too late"]);
  });

  it("whose claim was written but not answered claims it again; another invocation does not", async () => {
    const { tick, table } = setup();
    await tick(0);
    await tick();
    const claim = { attempt: 1, now: NOW, deadline: NOW + MINUTE_MS };
    expect(await table.claim(ATTEMPT, { ...claim, owner: "a" })).toBeDefined();
    expect(await table.claim(ATTEMPT, { ...claim, owner: "b" })).toBeUndefined();
    expect(await table.claim(ATTEMPT, { ...claim, owner: "a" })).toBeDefined();
    expect(await table.claim(ATTEMPT, { ...claim, owner: "a", attempt: 2 })).toBeUndefined();
  });
});

describe("retries", () => {
  const dueAt = NOW;
  const retries = { count: 3, backoffSeconds: 60, maxAgeSeconds: 3_600 };

  it("come after the backoff, twice as long each time", () => {
    const waits = [1, 2, 3].map((number) => failureOf({ attempt: number, dueAt }, retries, NOW));
    expect(waits).toEqual([
      { outcome: "retrying", attempt: 2, nextAttemptAt: NOW + MINUTE_MS },
      { outcome: "retrying", attempt: 3, nextAttemptAt: NOW + 2 * MINUTE_MS },
      { outcome: "retrying", attempt: 4, nextAttemptAt: NOW + 4 * MINUTE_MS },
    ]);
    expect(failureOf({ attempt: 4, dueAt }, retries, NOW)).toEqual({ outcome: "failed" });
  });

  it("wait an hour at most, and end with the run's age", () => {
    const many = { ...retries, count: 20, maxAgeSeconds: 86_400 };
    expect(failureOf({ attempt: 15, dueAt }, many, NOW)).toMatchObject({ nextAttemptAt: NOW + HOUR_MS });
    expect(failureOf({ attempt: 15, dueAt }, many, NOW + DAY_MS - HOUR_MS)).toMatchObject({ outcome: "retrying" });
    expect(failureOf({ attempt: 15, dueAt }, many, NOW + DAY_MS - HOUR_MS + 1)).toEqual({ outcome: "failed" });
  });
});

describe("a secret", () => {
  const response = (body: object) => ({ call: jest.fn(() => Promise.resolve(JSON.stringify(body))) });

  it("is read from its parameter, decrypted", async () => {
    const ssm = response({ Parameter: { Name: "/clean-up/key", Value: "hunter2" } });
    expect(await readSecret("KEY", { KEY: "/clean-up/key" }, ssm, NOW)).toBe("hunter2");
    expect(ssm.call.mock.calls).toEqual([
      ["AmazonSSM.GetParameter", '{"Name":"/clean-up/key","WithDecryption":true}', NOW],
    ]);
  });

  it.each(["OTHER", "__proto__", "toString"])("that the schedule does not have is an error: %s", async (name) => {
    const ssm = response({});
    await expect(readSecret(name, { KEY: "/clean-up/key" }, ssm, NOW)).rejects.toThrow(UnknownSecretError);
    await expect(readSecret(name, {}, ssm, NOW)).rejects.toThrow(`the schedule has no secret ${name}; it has none`);
    expect(ssm.call).not.toHaveBeenCalled();
  });

  it("without a value is an error that says nothing of it", async () => {
    await expect(readSecret("KEY", { KEY: "/k" }, response({ Parameter: {} }), NOW)).rejects.toThrow(/Parameter.Value/);
  });
});
