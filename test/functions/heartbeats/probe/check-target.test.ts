import { checkTarget } from "../../../../functions/heartbeats/probe/check-target";
import { targetSchema, type TargetInput } from "../../../../functions/heartbeats/contract";
import { SecretReadError } from "../../../../functions/heartbeats/probe/header-secrets";
import type { HttpResponse, HttpRequest, SendHttp } from "../../../../functions/heartbeats/probe/http-types";
import { sleep } from "../../../../functions/shared/clock";
import { DAY_MS } from "../../../../functions/shared/time";
import { virtualClock } from "../../../support/virtual-clock";
import fc from "../../../support/fast-check";

const NOW = Date.parse("2026-11-21T06:55:00Z");
const target = (options: Partial<TargetInput> = {}) =>
  targetSchema.parse({ name: "site", url: "https://a.test/", ...options });
const answer = (fields: Partial<HttpResponse> = {}): HttpResponse => ({
  status: 200,
  location: undefined,
  certificateExpiresAt: undefined,
  readBody: () => Promise.resolve(""),
  discard: () => undefined,
  ...fields,
});

describe("a check", () => {
  it("measures from its start to the last byte", async () => {
    const clock = virtualClock(NOW);
    const readBody = () => sleep(clock, 30).then(() => "");
    const send: SendHttp = () => sleep(clock, 12).then(() => answer({ readBody }));
    expect(await checkTarget(target(), { send, clock })).toEqual({
      target: "site",
      at: NOW,
      latencyMs: 42,
      outcome: { ok: true, status: 200 },
    });
  });

  describe("with a secret in its headers", () => {
    const secret = target({ headers: { Authorization: { ssm: "/shop/token" }, "X-Probe": "1" } });
    const asked: HttpRequest[] = [];
    const following =
      (...hops: HttpResponse[]): SendHttp =>
      (request) => {
        asked.push(request);
        return Promise.resolve(hops.shift() ?? answer());
      };
    beforeEach(() => {
      asked.length = 0;
    });

    it("sends it, and to no other origin", async () => {
      const send = following(
        answer({ status: 302, location: "/b" }),
        answer({ status: 302, location: "https://b.test/" }),
        answer({ status: 401 }),
      );
      const clock = virtualClock(NOW);
      const readSecret = jest.fn(() => sleep(clock, 500).then(() => "Bearer s3cret"));
      const observation = await checkTarget(secret, { send, clock, readSecret });
      expect(observation.latencyMs).toBe(0); // reading it took none of the target's time
      expect(readSecret).toHaveBeenCalledWith("/shop/token");
      expect(asked.map(({ headers }) => headers["Authorization"])).toEqual([
        "Bearer s3cret",
        "Bearer s3cret",
        undefined,
      ]);
      expect(asked[0]?.headers).toMatchObject({ "X-Probe": "1", Accept: "*/*" });
      expect(JSON.stringify(observation)).not.toContain("s3cret");
    });

    it("sends none of another name elsewhere either, and of credentials only those", async () => {
      const headers = { "X-Shop": { ssm: "/shop/token" }, "X-Token": "7", "X-Probe": "1" };
      const send = following(answer({ status: 307, location: "https://b.test/" }));
      const ports = { send, clock: virtualClock(NOW), readSecret: () => Promise.resolve("s3cret") };
      await checkTarget(target({ headers }), ports);
      expect(asked.map((request) => Object.keys(request.headers).filter((name) => name.startsWith("X-")))).toEqual([
        ["X-Shop", "X-Token", "X-Probe"],
        ["X-Probe"],
      ]);
    });

    it("sends its own cookie beside those of redirects, which go to where they are from only", async () => {
      const headers = { Cookie: { ssm: "/shop/cookie" } };
      const send = following(
        answer({ status: 302, location: "/b", setCookies: ["a=1; Path=/"] }),
        answer({ status: 302, location: "https://b.test/", setCookies: ["b=2; Path=/"] }),
        answer({ status: 302, location: "https://a.test/c" }),
      );
      const ports = { send, clock: virtualClock(NOW), readSecret: () => Promise.resolve("own=0") };
      await checkTarget(target({ headers }), ports);
      expect(asked.map((request) => request.headers["Cookie"])).toEqual(["own=0", "own=0; a=1", undefined, "a=1; b=2"]);
    });

    it("is broken where it cannot be read, whatever the target's own timeout, and asks nothing", async () => {
      const clock = virtualClock(NOW);
      const send = jest.fn<ReturnType<SendHttp>, Parameters<SendHttp>>();
      const fault = new SecretReadError("the parameter /shop/token cannot be read (TimeoutError)");
      const readSecret = () => sleep(clock, 20_000).then(() => Promise.reject(fault));
      await expect(checkTarget(secret, { send, clock, readSecret })).resolves.toEqual({
        target: "site",
        at: NOW,
        latencyMs: 20_000,
        outcome: { ok: false, reason: "secret", message: fault.message },
        fault,
      });
      expect(send).not.toHaveBeenCalled();
    });
  });

  it("keeps a body only to search it", async () => {
    const readBody = jest.fn(() => Promise.resolve("all is well"));
    const ports = { send: () => Promise.resolve(answer({ readBody })), clock: virtualClock(NOW) };
    await checkTarget(target({ maxBodyBytes: 10 }), ports);
    expect(readBody).toHaveBeenLastCalledWith({ maxBytes: 10, keep: false });
    await checkTarget(target({ maxBodyBytes: 10, bodyMatches: "well" }), ports);
    expect(readBody).toHaveBeenLastCalledWith({ maxBytes: 10, keep: true });
  });

  it("tells the fewest days left of all certificates it met", async () => {
    const hops = [
      answer({ status: 302, location: "https://b.test/", certificateExpiresAt: NOW + 9.5 * DAY_MS }),
      answer({ status: 302, location: "http://c.test/", certificateExpiresAt: NOW + 20 * DAY_MS }),
      answer(),
    ];
    const send: SendHttp = () => Promise.resolve(hops.shift() ?? answer());
    const { outcome } = await checkTarget(target(), { send, clock: virtualClock(NOW) });
    expect(outcome).toEqual({ ok: true, status: 200, certificateDaysLeft: 9 });
  });

  it("drops the connection of a redirect it follows, and asks where it leads", async () => {
    const discard = jest.fn();
    const asked: HttpRequest[] = [];
    const send: SendHttp = (request) => {
      asked.push(request);
      return Promise.resolve(asked.length === 1 ? answer({ status: 301, location: "/b", discard }) : answer());
    };
    await checkTarget(target({ headers: { "X-Key": "1" } }), { send, clock: virtualClock(NOW) });
    expect(discard).toHaveBeenCalledTimes(1);
    expect(asked.map(({ url }) => url.href)).toEqual(["https://a.test/", "https://a.test/b"]);
    expect(asked[1]?.headers).toEqual(asked[0]?.headers);
  });

  it("ends at its timeout, whatever the connection says then, and knows the status it saw", async () => {
    const clock = virtualClock(NOW);
    const send: SendHttp = (_request, signal) =>
      Promise.resolve(
        answer({
          readBody: () =>
            new Promise((_resolve, reject) => {
              signal.addEventListener("abort", () => {
                reject(Object.assign(new Error("aborted"), { code: "ECONNRESET" }));
              });
            }),
        }),
      );
    const message = "no complete response within 2 s";
    expect(await checkTarget(target({ timeoutSeconds: 2 }), { send, clock })).toMatchObject({
      latencyMs: 2_000,
      outcome: { ok: false, reason: "timeout", message, status: 200 },
    });
  });

  // A target that is slow after 150 ms, does not respond within 2 s, or closes the connection after 5 s.
  it.each([
    ["slow", 0, "slow"],
    ["slow", 60, "unmeasured"],
    ["timeout", 100, "timeout"],
    ["timeout", 1_500, "unmeasured"],
    ["reset", 100, "reset"],
    ["reset", 1_500, "unmeasured"],
  ])("of a target that is %s while the checker is busy for %d ms is %s", async (kind, busyMs, expected) => {
    const clock = virtualClock(NOW);
    const send: SendHttp = async ({ onEvent }) => {
      await sleep(clock, kind === "slow" ? 150 : 5_000);
      if (kind === "reset") throw Object.assign(new Error("closed"), { code: "ECONNRESET" });
      onEvent?.();
      return answer();
    };
    const silent: SendHttp = (_request, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          reject(new Error("aborted"));
        });
      });
    const timeoutSeconds = kind === "timeout" ? 2 : 10;
    const ports = { send: kind === "timeout" ? silent : send, clock, lag: () => busyMs };
    const { outcome } = await checkTarget(target({ maxLatencyMs: 100, timeoutSeconds }), ports);
    expect(outcome.ok ? "up" : outcome.reason).toBe(expected);
  });

  it("records a fault of its own as such, and hands it on", async () => {
    const fault = new TypeError("undefined is not a function");
    const send: SendHttp = () => Promise.reject(fault);
    expect(await checkTarget(target(), { send, clock: virtualClock(NOW) })).toMatchObject({
      outcome: { ok: false, reason: "internal", message: "the check broke: undefined is not a function" },
      fault,
    });
  });

  it("never throws", async () => {
    const thrown = fc.oneof(
      fc.anything(),
      fc.string().map((code) => Object.assign(new Error(), { code })),
    );
    await fc.assert(
      fc.asyncProperty(thrown, fc.boolean(), async (thrown, late) => {
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- anything may be thrown
        const reject = () => Promise.reject(thrown);
        const send: SendHttp = late ? () => Promise.resolve(answer({ readBody: reject })) : reject;
        const { outcome } = await checkTarget(target(), { send, clock: virtualClock(NOW) });
        expect(outcome.ok).toBe(false);
      }),
    );
  });
});
