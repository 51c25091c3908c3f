import { checkTarget, type ProbeResult } from "../../../../functions/heartbeats/probe/check-target";
import { targetSchema, type TargetInput } from "../../../../functions/heartbeats/contract";
import { httpClient } from "../../../../functions/heartbeats/probe/http-client";
import { systemLookup } from "../../../../functions/heartbeats/probe/dns";
import { systemClock } from "../../../../functions/shared/clock";
import {
  startTargetServers,
  SOON_EXPIRING_DAYS,
  WRONG_NAME,
  type Behaviour,
  type TargetServers,
} from "../../../support/target-servers";

const FINGERPRINT: unknown = expect.stringMatching(/^[0-9a-f]{64}$/);

describe("a check of a real server", () => {
  let servers: TargetServers;
  beforeAll(async () => (servers = await startTargetServers()));
  afterAll(() => servers.close());

  const ports = { send: httpClient(systemLookup()), clock: systemClock };
  const check = (behaviour: Behaviour, options: Partial<TargetInput> = {}): Promise<ProbeResult> =>
    checkTarget(
      targetSchema.parse({
        name: "target",
        url: servers.urls[behaviour],
        timeoutSeconds: 20,
        private: true,
        certificateAuthority: servers.certificateAuthority,
        ...options,
      }),
      ports,
    );
  const outcomeOf = async (...given: Parameters<typeof check>) => (await check(...given)).outcome;
  const failure = (reason: string, message: string | RegExp, rest: object = {}) => ({
    ok: false,
    reason,
    message: typeof message === "string" ? message : (expect.stringMatching(message) as unknown),
    ...rest,
  });

  it.each<[string, Behaviour, Partial<TargetInput>, object]>([
    ["a good answer", "good", {}, { ok: true, status: 200 }],
    ["a switch of protocols", "switchingProtocols", { expectedStatus: [101] }, { ok: true, status: 101 }],
    ["a HEAD", "good", { method: "HEAD" }, { ok: true, status: 200 }],
    ["no content", "noContent", {}, { ok: true, status: 204 }],
    ["not modified, when expected", "notModified", { expectedStatus: [304] }, { ok: true, status: 304 }],
    ["an error of the server", "serverError", {}, failure("status", "status 500, expected 200-299", { status: 500 })],
    ["an expected error", "serverError", { expectedStatus: ["500-599"] }, { ok: true, status: 500 }],
    ["a body that contains the text", "good", { bodyContains: "is well" }, { ok: true, status: 200 }],
    [
      "a body without the text",
      "good",
      { bodyContains: "is ill" },
      failure("body-mismatch", 'the body does not contain "is ill"', { status: 200 }),
    ],
    ["a body that matches", "good", { bodyMatches: "^all\\s.*l$" }, { ok: true, status: 200 }],
    [
      "a body that does not match",
      "good",
      { bodyMatches: "^ill" },
      failure("body-mismatch", "the body does not match /^ill/u", { status: 200 }),
    ],
    ["a compressed body that was not requested", "gzip", { bodyContains: "packed" }, { ok: true, status: 200 }],
    [
      "a small body that unpacks to a huge one",
      "gzipBomb",
      { bodyContains: "x" },
      failure("body-too-large", "the body is longer than 1048576 bytes", { status: 200 }),
    ],
    ["a body said to be compressed", "notGzip", { bodyContains: "x" }, failure("protocol", /gzip/, { status: 200 })],
    ["a body in another charset", "latin1", { bodyContains: "Grüße" }, { ok: true, status: 200 }],
    ["a redirect", "redirect", { bodyContains: "all is well" }, { ok: true, status: 200 }],
    [
      "a redirect that is the answer",
      "redirect",
      { followRedirects: false, expectedStatus: [302] },
      { ok: true, status: 302 },
    ],
    ["a redirect to itself", "redirectLoop", {}, failure("redirect", "more than 5 redirects", { status: 301 })],
    ["a redirect to nowhere", "redirectNowhere", {}, failure("redirect", /without Location/, { status: 302 })],
    ["a redirect to another protocol", "redirectToFtp", {}, failure("redirect", /ftp:/, { status: 302 })],
    ["a reset mid-body", "resetMidBody", {}, failure("reset", /ECONNRESET/, { status: 200 })],
    ["an end mid-body", "closedMidBody", {}, failure("reset", /ECONNRESET/, { status: 200 })],
    [
      "an endless body",
      "endlessBody",
      {},
      failure("body-too-large", "the body is longer than 1048576 bytes", { status: 200 }),
    ],
    ["a connection closed without a response", "silent", {}, failure("reset", /ECONNRESET/)],
    ["an answer that is not HTTP", "garbage", {}, failure("protocol", /HPE_/)],
    ["a port without listener", "refused", {}, failure("refused", "the connection was refused (ECONNREFUSED)")],
    ["a name that does not resolve", "unresolvable", {}, failure("dns", /name/)],
    [
      "a good certificate",
      "secure",
      {},
      { ok: true, status: 200, certificateDaysLeft: 90, certificateFingerprint: FINGERPRINT },
    ],
    [
      "a certificate with too few days left",
      "soonExpiring",
      {},
      failure("certificate", "the certificate expires in 3 days, at least 7 expected", {
        status: 200,
        certificateDaysLeft: SOON_EXPIRING_DAYS,
        certificateFingerprint: FINGERPRINT,
      }),
    ],
    [
      "the fewest days left of all certificates on the way",
      "secureRedirect",
      { minCertificateDays: 3 },
      { ok: true, status: 200, certificateDaysLeft: SOON_EXPIRING_DAYS, certificateFingerprint: FINGERPRINT },
    ],
    [
      "an expired certificate",
      "expired",
      {},
      failure("tls", "the certificate has expired (CERT_HAS_EXPIRED)", { certificateFingerprint: FINGERPRINT }),
    ],
    [
      "an authority not trusted",
      "unknownAuthority",
      {},
      failure("tls", /authority is unknown/, { certificateFingerprint: FINGERPRINT }),
    ],
    [
      "a private authority not trusted unless given",
      "secure",
      { certificateAuthority: undefined },
      failure("tls", /authority is unknown/, { certificateFingerprint: FINGERPRINT }),
    ],
    [
      "another host's certificate",
      "wrongName",
      {},
      failure("tls", /the certificate is for other names/, { certificateFingerprint: FINGERPRINT }),
    ],
    ["https where there is only http", "notTls", {}, failure("tls", /the server does not respond with TLS/)],
  ])(
    "finds %s",
    async (_name, behaviour, options, expected) => {
      expect(await outcomeOf(behaviour, options)).toEqual(expected);
    },
    // A machine without network may take long to find that a name does not resolve.
    30_000,
  );

  it.each<[string, Behaviour, object]>([
    ["an answer that does not come", "slow", {}],
    ["a body that trickles", "trickle", { status: 200 }],
  ])("gives %s up at the timeout", async (_name, behaviour, rest) => {
    const { outcome, latencyMs } = await check(behaviour, { timeoutSeconds: 0.2 });
    expect(outcome).toEqual(failure("timeout", "no complete response within 0.2 s", rest));
    expect(latencyMs).toBeGreaterThan(190);
    expect(latencyMs).toBeLessThan(10_000);
  });

  it("gives a look-up up at the timeout, though it goes on", async () => {
    const send = httpClient(systemLookup(() => new Promise(() => undefined)));
    const target = targetSchema.parse({ name: "target", url: "http://a.test/", timeoutSeconds: 0.1 });
    const { outcome } = await checkTarget(target, { send, clock: systemClock });
    expect(outcome).toEqual(failure("timeout", "no complete response within 0.1 s"));
  });

  it("connects to the address that was looked up, by the name that was given", async () => {
    const { port } = new URL(servers.urls.echo);
    const url = `http://some.name.test.:${port}/echo`;
    const send = httpClient(systemLookup(() => Promise.resolve([{ address: "127.0.0.1", family: 4 }])));
    const target = targetSchema.parse({
      name: "target",
      url,
      private: true,
      bodyContains: `"host":"some.name.test:${port}"`,
    });
    expect((await checkTarget(target, { send, clock: systemClock })).outcome).toEqual({ ok: true, status: 200 });
  });

  it("wants a certificate for the name that was given, wherever it leads", async () => {
    const { port } = new URL(servers.urls.wrongName);
    const send = httpClient(systemLookup(() => Promise.resolve([{ address: "127.0.0.1", family: 4 }])));
    const outcomeOf = async (name: string) => {
      const url = `https://${name}:${port}/good`;
      const { certificateAuthority } = servers;
      const headers = { Host: WRONG_NAME };
      const target = targetSchema.parse({ name: "target", url, private: true, certificateAuthority, headers });
      return (await checkTarget(target, { send, clock: systemClock })).outcome;
    };
    expect(await outcomeOf(WRONG_NAME)).toMatchObject({ ok: true });
    expect(await outcomeOf("some.name.test")).toEqual(
      failure("tls", /the certificate is for other names/, { certificateFingerprint: FINGERPRINT }),
    );
  });

  it("tries a name's other addresses when the first does not answer", async () => {
    const { port } = new URL(servers.urls.good);
    const addresses = [
      { address: "::1", family: 6 },
      { address: "127.0.0.1", family: 4 },
    ];
    const send = httpClient(systemLookup(() => Promise.resolve(addresses)));
    const target = targetSchema.parse({ name: "target", url: `http://some.name.test:${port}/good`, private: true });
    expect((await checkTarget(target, { send, clock: systemClock })).outcome).toEqual({ ok: true, status: 200 });
    const refused = targetSchema.parse({
      ...target,
      url: `http://some.name.test:${new URL(servers.urls.refused).port}`,
    });
    expect((await checkTarget(refused, { send, clock: systemClock })).outcome).toEqual(failure("refused", /refused/));
  });

  describe("sends", () => {
    const echoed = async (behaviour: Behaviour, options: Partial<TargetInput>, expected: string) => {
      expect(await outcomeOf(behaviour, { bodyContains: expected, ...options })).toEqual({ ok: true, status: 200 });
    };

    it("a User-Agent and no compression, unless configured otherwise", async () => {
      await echoed("echo", {}, '"user-agent":"almanac-heartbeat/1","accept":"*/*","accept-encoding":"identity"');
      await echoed("echo", { headers: { "user-agent": "me" } }, '"user-agent":"me"');
    });

    it("the method, the headers and the body it was given", async () => {
      const options: Partial<TargetInput> = { method: "POST", headers: { "X-Colour": "blau" }, body: "größer" };
      await echoed("echo", options, '"method":"POST"');
      await echoed("echo", options, '"x-colour":"blau"');
      await echoed("echo", options, '"body":"größer"');
    });

    it("method, headers and body again on a 307, a bare GET on a 303", async () => {
      const options: Partial<TargetInput> = { method: "PUT", headers: { "X-Colour": "blau" }, body: "text" };
      await echoed("redirectTemporary", { ...options, bodyMatches: "^(?=.*x-colour).*PUT.*text" }, "PUT");
      await echoed("redirectSeeOther", { ...options, bodyMatches: '^(?=.*x-colour).*GET.*"body":""' }, "GET");
    });

    it("configured headers to another origin too, but not the Host of the first", async () => {
      const headers = { "X-Colour": "blau", "User-Agent": "me", Host: "first.test" };
      await echoed(
        "redirectElsewhere",
        { headers, bodyMatches: "^(?=.*x-colour)(?!.*first.test)" },
        '"user-agent":"me"',
      );
    });
  });
});
