import { spawn } from "node:child_process";
import pc from "picocolors";
import { targetSchema, type TargetInput } from "../../../../functions/heartbeats/contract";
import { systemLookup } from "../../../../functions/heartbeats/probe/dns";
import { systemClock } from "../../../../functions/shared/clock";
import { describeCheck } from "../../../../scripts/features/heartbeats/describe-check";
import { tracedCheck } from "../../../../scripts/features/heartbeats/traced-check";
import { startTargetServers, type TargetServers } from "../../../support/target-servers";

const plain = pc.createColors(false);

describe("one check, explained", () => {
  let servers: TargetServers;
  beforeAll(async () => (servers = await startTargetServers()));
  afterAll(() => servers.close());

  const resolve = (hostname: string) =>
    hostname === "nobody.test"
      ? Promise.reject(Object.assign(new Error("none"), { code: "ENOTFOUND" }))
      : Promise.resolve([{ address: "127.0.0.1", family: 4 }]);
  const run = async (input: Partial<TargetInput> & { url: string }) => {
    const target = targetSchema.parse({ name: "check", private: true, ...input });
    const traced = await tracedCheck(target, { lookup: systemLookup(resolve), clock: systemClock });
    // What took how long differs each time.
    const text = describeCheck(target, traced, plain)
      .replace(/ +[\d.]+ ms/g, " N ms")
      .replaceAll(/ +took/g, " took");
    return { ...traced, text: text.replace(/:\d{4,5}\b/g, ":PORT").replaceAll(/ +$/gm, "") };
  };

  it("tells each part of its way, over redirects", async () => {
    const url = servers.urls.redirect.replace("127.0.0.1", "site.test");
    const { steps, text } = await run({ url, bodyContains: "all is well", maxLatencyMs: 5_000 });
    expect(steps.map(({ phase, failed }) => [phase, failed])).toEqual([
      ["lookup", false],
      ["response", false],
      ["lookup", false],
      ["response", false],
      ["body", false],
    ]);
    expect(text.split("\n").map((line) => line.trim().replace(/ +/g, " "))).toEqual([
      "GET http://site.test:PORT/redirect",
      "",
      "phase took",
      "lookup site.test is 127.0.0.1 N ms",
      "response 302 from site.test:PORT, Location /good N ms",
      "lookup site.test is 127.0.0.1 N ms",
      "response 200 from site.test:PORT N ms",
      "body complete N ms",
      "",
      "Passed: status 200 in N ms.",
      'Expected: status 200-299, a body that contains "all is well", a latency of at most N ms, a timeout of 10 s.',
    ]);
  });

  it("tells of the certificate", async () => {
    const { certificateAuthority } = servers;
    const { steps, text } = await run({ url: servers.urls.soonExpiring, certificateAuthority });
    expect(steps[0]).toMatchObject({ certificateExpiresAt: expect.stringMatching(/^\d{4}-.*Z$/) as unknown });
    expect(text).toMatch(/200 from 127.0.0.1:PORT, certificate until \d{4}-\d\d-\d\d/);
    expect(text).toMatch(/\(certificate\): the certificate expires in 3 days, at least 7 expected\./);
    expect(text).toContain("a certificate valid for at least 7 days");
  });

  it("says what failed, and what to look at", async () => {
    const { steps, text } = await run({ url: "http://nobody.test/" });
    expect(steps).toEqual([expect.objectContaining({ phase: "lookup", failed: true, addresses: [] })]);
    expect(text).toMatch(/lookup +nobody.test was not found/);
    expect(text).toMatch(/\(dns\): the name does not resolve \(ENOTFOUND\)\.\nIs the name right/);
  });

  it("tells of an answer that broke off", async () => {
    const { steps, text } = await run({ url: servers.urls.resetMidBody });
    expect(steps.map(({ phase, failed }) => [phase, failed])).toEqual([
      ["response", false],
      ["body", true],
    ]);
    expect(text).toMatch(/body +incomplete/);
  });

  it("names the switch for private addresses, and shows no connection that was not made", async () => {
    const { steps, text } = await run({ url: "http://site.test/", private: false });
    expect(steps.map(({ phase }) => phase)).toEqual(["lookup"]);
    expect(text).toMatch(/\(forbidden-address\): site.test resolves to 127.0.0.1, a loopback address/);
    expect(text).toContain("--private here, private: true in main.ts");
  });
});

describe("npx almanac heartbeats check", () => {
  /** As npm runs it, with a proxy in the environment that no check may heed: nothing listens there. */
  const npmRun = (...args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> => {
    const proxy = "http://127.0.0.1:1";
    const child = spawn(process.execPath, ["scripts/launcher/almanac.mjs", "heartbeats", ...args], {
      env: { ...process.env, NODE_USE_ENV_PROXY: "1", HTTP_PROXY: proxy, http_proxy: proxy },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const read = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const)
      child[stream].on("data", (text: Buffer) => (read[stream] += text.toString()));
    return new Promise((settle) => {
      child.on("close", (code) => {
        settle({ code, ...read });
      });
    });
  };
  let servers: TargetServers;
  beforeAll(async () => (servers = await startTargetServers()));
  afterAll(() => servers.close());

  it("ends with 0 after a good answer, asked for directly whatever proxy the environment names", async () => {
    const { code, stdout } = await npmRun("check", servers.urls.good, "--private", "--json");
    expect(JSON.parse(stdout)).toMatchObject({ url: servers.urls.good, outcome: { ok: true, status: 200 } });
    expect(code).toBe(0);
  });

  it("ends with 1 after a failed one, without colours where there is no terminal", async () => {
    const { code, stdout } = await npmRun("check", servers.urls.serverError, "--private");
    expect(stdout).toContain("Failed after");
    expect(stdout).not.toContain("\u001b");
    expect(code).toBe(1);
  });

  it("ends with 2 when it is called wrongly", async () => {
    const { code, stdout, stderr } = await npmRun("check", servers.urls.good, "--matches", "(");
    expect(stderr).toMatch(/--matches: is not a regular expression\n<url>: is at a loopback address .*--private/);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });
});
