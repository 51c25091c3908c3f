import { targetSchema, type FailureReason, type Outcome } from "../../../../functions/heartbeats/contract";
import { checkNetwork } from "../../../../functions/heartbeats/probe/canaries";
import type { ProbeResult } from "../../../../functions/heartbeats/probe/check-target";

const targets = [
  targetSchema.parse({ name: "public", url: "https://a.test/" }),
  targetSchema.parse({ name: "private", url: "http://10.0.0.7/", private: true }),
];
const GOOD: Outcome = { ok: true, status: 200 };
const failed = (reason: FailureReason): Outcome => ({ ok: false, reason, message: reason });
const resultsOf = (...outcomes: Outcome[]): ProbeResult[] =>
  outcomes.map((outcome, index) => ({ target: targets[index]?.name ?? "", at: 0, latencyMs: 1, outcome }));
const check = async (outcomes: Outcome[], reachable: readonly string[], canaries = ["a.example", "b.example"]) => {
  const asked: string[] = [];
  const checked = await checkNetwork(resultsOf(...outcomes), targets, canaries, (name) => {
    asked.push(name);
    return reachable.includes(name) ? Promise.resolve() : Promise.reject(new Error("no"));
  });
  return { ...checked, asked, reasons: checked.results.map(({ outcome }) => (outcome.ok ? "ok" : outcome.reason)) };
};

describe("canaries", () => {
  it("are not asked while public targets respond", async () => {
    expect(await check([GOOD, failed("dns")], [])).toMatchObject({ asked: [], reasons: ["ok", "dns"] });
    expect(await check([failed("status"), GOOD], [])).toMatchObject({ asked: [], reasons: ["status", "ok"] });
  });

  it("leave failures to the targets while one of them responds, or none is configured", async () => {
    expect(await check([failed("dns"), GOOD], ["b.example"])).toMatchObject({ reasons: ["dns", "ok"] });
    expect(await check([failed("dns"), GOOD], [], [])).toMatchObject({ asked: [], reasons: ["dns", "ok"] });
  });

  it.each(["dns", "refused", "timeout", "reset"] as const)(
    "are asked after the failure %s, which an own outage has",
    async (reason) => {
      expect((await check([failed(reason), GOOD], [])).asked).toEqual(["a.example", "b.example"]);
    },
  );

  it.each(["tls", "protocol", "slow", "body-mismatch"] as const)(
    "are not asked after %s, which only a response has",
    async (reason) => {
      expect((await check([failed(reason), GOOD], [])).asked).toEqual([]);
    },
  );

  it.each<[string, Outcome]>([
    ["responded", GOOD],
    ["failed by its response", failed("status")],
    ["did not respond", failed("refused")],
  ])("leave nothing judged while none responds, also no private target that %s", async (_, outcome) => {
    const { reasons, networkFailure } = await check([failed("dns"), outcome], []);
    expect(reasons).toEqual(["unmeasured", "unmeasured"]);
    expect(networkFailure).toContain("a.example, b.example");
  });

  it("leave nothing judged, also no public target that responded", async () => {
    const sites = ["a", "b"].map((name) => targetSchema.parse({ name, url: `https://${name}.test/` }));
    const results = [failed("timeout"), GOOD].map((outcome, index) => {
      return { target: sites[index]?.name ?? "", at: 0, latencyMs: 1, outcome };
    });
    const judged = await checkNetwork(results, sites, ["a.example"], () => Promise.reject(new Error("no")));
    expect(judged.results.map(({ outcome }) => outcome)).toEqual([
      expect.objectContaining({ reason: "unmeasured" }),
      expect.objectContaining({ reason: "unmeasured" }),
    ]);
  });
});
