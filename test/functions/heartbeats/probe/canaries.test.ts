import { createServer, type AddressInfo } from "node:net";

import { targetSchema, type FailureReason, type Outcome } from "../../../../functions/heartbeats/contract";
import { canaryByConnection, checkNetwork } from "../../../../functions/heartbeats/probe/canaries";
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

describe("a canary", () => {
  const reachable = async (...addresses: readonly string[]): Promise<boolean> => {
    const server = createServer((socket) => socket.end());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const found = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    try {
      await canaryByConnection(() => Promise.resolve(found), port)("canary.test");
      return true;
    } catch {
      return false;
    } finally {
      server.close();
    }
  };

  it("is reached at any of its addresses: the network may have no route to IPv6", async () => {
    expect(await reachable("127.0.0.1")).toBe(true);
    expect(await reachable("::1", "127.0.0.1")).toBe(true);
    expect(await reachable("127.0.0.2", "127.0.0.1")).toBe(true);
  });

  it("is not reached where nothing listens, or its name does not resolve", async () => {
    expect(await reachable("127.0.0.2")).toBe(false);
    await expect(canaryByConnection(() => Promise.reject(new Error("no")))("canary.test")).rejects.toThrow("no");
  });
});
