import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { forbiddenRange, type AddressFilter } from "../../../../functions/heartbeats/probe/ssrf-guard";
import { checkTarget } from "../../../../functions/heartbeats/probe/check-target";
import { targetSchema, type TargetInput } from "../../../../functions/heartbeats/contract";
import { httpClient } from "../../../../functions/heartbeats/probe/http-client";
import { systemLookup } from "../../../../functions/heartbeats/probe/dns";
import { systemClock } from "../../../../functions/shared/clock";

/** Where the server listens. To most of these tests it is a public address, and all others are what they are. */
const PUBLIC = "127.0.0.1";
const filter: AddressFilter = (address) => (address === PUBLIC ? undefined : forbiddenRange(address));

describe("a check of a target that is not private", () => {
  let server: Server;
  let port: number;
  let connections: number;
  let answer: RequestListener;

  beforeAll(async () => {
    server = createServer((request, response) => {
      answer(request, response);
    });
    server.on("connection", () => connections++);
    await new Promise<void>((resolve) => server.listen(0, PUBLIC, resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));
  beforeEach(() => {
    connections = 0;
    answer = (_request, response) => response.end("all is well");
  });

  /** Answers of the name server, one after the other; the last stays. */
  const names = (...answers: readonly (readonly string[])[]) => {
    const left = [...answers];
    return jest.fn((_hostname: string) => {
      const addresses = (left.length > 1 ? left.shift() : left[0]) ?? [];
      return Promise.resolve(addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })));
    });
  };
  const outcomeOf = async (
    resolve: (hostname: string) => Promise<{ address: string; family: number }[]>,
    options: Partial<TargetInput> = {},
    addressFilter: AddressFilter = filter,
  ) => {
    const url = `http://site.test:${port}/`;
    const target = targetSchema.parse({ name: "site", url, timeoutSeconds: 20, ...options });
    const send = httpClient(systemLookup(resolve), addressFilter);
    return (await checkTarget(target, { send, clock: systemClock })).outcome;
  };
  const forbidden = (message: string, rest: object = {}) => ({
    ok: false,
    reason: "forbidden-address",
    message: `${message}, which needs private: true`,
    ...rest,
  });

  it.each([
    ["127.0.0.1", "a loopback address (127.0.0.0/8)"],
    ["10.0.0.7", "a private address (10.0.0.0/8)"],
    ["169.254.169.254", "a cloud metadata address (169.254.169.254/32)"],
    ["::1", "a loopback address (::1/128)"],
    ["::ffff:127.0.0.1", "a loopback address (127.0.0.0/8)"],
    ["64:ff9b::7f00:1", "a loopback address (127.0.0.0/8)"],
    ["fe80::1%eth0", "a link-local address (fe80::/10)"],
  ])("is refused where its name resolves to %s, and nothing is sent", async (address, what) => {
    expect(await outcomeOf(names([address]), {}, forbiddenRange)).toEqual(
      forbidden(`site.test resolves to ${address}, ${what}`),
    );
    expect(connections).toBe(0);
  });

  it("is taken where its name resolves to public addresses", async () => {
    expect(await outcomeOf(names([PUBLIC]))).toEqual({ ok: true, status: 200 });
    expect(connections).toBe(1);
  });

  it.each([[[PUBLIC, "10.0.0.7"]], [["10.0.0.7", PUBLIC]]])(
    "is refused where only some of its addresses are public: %j",
    async (addresses) => {
      expect(await outcomeOf(names(addresses))).toEqual(
        forbidden("site.test resolves to 10.0.0.7, a private address (10.0.0.0/8)"),
      );
      expect(connections).toBe(0);
    },
  );

  it("connects to the address that was checked, though the name has another by then", async () => {
    const resolve = names([PUBLIC], ["127.0.0.2"]);
    answer = ({ socket, headers }, response) => response.end(`${headers.host ?? ""} at ${socket.localAddress ?? ""}`);
    expect(await outcomeOf(resolve, { bodyContains: `site.test:${port} at ${PUBLIC}` })).toEqual({
      ok: true,
      status: 200,
    });
    expect(resolve).toHaveBeenCalledTimes(1);
  });

  it("is checked again when a redirect leads back to the name, which has another address by then", async () => {
    answer = (_request, response) => response.writeHead(302, { Location: "/again" }).end();
    const message = "redirect (302) to a forbidden address: site.test resolves to 127.0.0.2, a loopback address";
    expect(await outcomeOf(names([PUBLIC], ["127.0.0.2"]))).toEqual(
      forbidden(`${message} (127.0.0.0/8)`, { status: 302 }),
    );
    expect(connections).toBe(1);
  });

  it.each([
    ["http://127.0.0.2:PORT/", "127.0.0.2 is a loopback address (127.0.0.0/8)"],
    ["//0x7f.2:PORT/", "127.0.0.2 is a loopback address (127.0.0.0/8)"],
    ["http://[::ffff:7f00:2]:PORT/", "[::ffff:7f00:2] is a loopback address (127.0.0.0/8)"],
    ["http://[::1]:PORT/", "[::1] is a loopback address (::1/128)"],
    ["http://169.254.169.254/latest/meta-data/", "169.254.169.254 is a cloud metadata address (169.254.169.254/32)"],
    ["http://localhost:PORT/", "localhost is a loopback name (RFC 6761)"],
    ["http://x.localhost.:PORT/", "x.localhost. is a loopback name (RFC 6761)"],
  ])("is refused where a redirect leads to %s, and nothing is sent there", async (location, what) => {
    answer = (_request, response) =>
      response.writeHead(307, { Location: location.replace("PORT", String(port)) }).end();
    const headers = { "X-Api-Version": "2" };
    expect(await outcomeOf(names([PUBLIC]), { method: "POST", headers, body: "text" })).toEqual(
      forbidden(`redirect (307) to a forbidden address: ${what}`, { status: 307 }),
    );
    expect(connections).toBe(1);
  });

  it("may be told to take a redirect to a private address for the answer", async () => {
    answer = (_request, response) => response.writeHead(302, { Location: "http://10.0.0.7/" }).end();
    expect(await outcomeOf(names([PUBLIC]), { followRedirects: false, expectedStatus: [302] })).toEqual({
      ok: true,
      status: 302,
    });
  });

  it("may be anywhere when it is private after all", async () => {
    expect(await outcomeOf(names(["127.0.0.1"]), { private: true }, forbiddenRange)).toEqual({ ok: true, status: 200 });
  });

  it.each([
    ["http://169.254.169.254/latest/", "169.254.169.254 is a cloud metadata address (169.254.169.254/32)"],
    ["http://169.254.100.1:9001/", "169.254.100.1 is a link-local address (169.254.0.0/16)"],
    ["http://[fd00:ec2::254]/", "[fd00:ec2::254] is a cloud metadata address (fd00:ec2::/32)"],
    ["http://127.0.0.1:9001/2018-06-01/runtime/invocation/next", "127.0.0.1 is a loopback address (127.0.0.0/8)"],
    ["http://0.0.0.0:9001/", "0.0.0.0 is an unspecified address (0.0.0.0/8)"],
    ["http://localhost:9001/", "localhost is a loopback name (RFC 6761)"],
    ["http://platform.test/", "platform.test resolves to 169.254.170.2, a link-local address (169.254.0.0/16)"],
  ])(
    "may not redirect to %s even when it is private: the checker's own machine and its platform speak there",
    async (location, what) => {
      answer = (_request, response) => response.writeHead(302, { Location: location }).end();
      const outcome = await outcomeOf(names(["127.0.0.1"], ["169.254.170.2"]), { private: true }, forbiddenRange);
      expect(outcome).toEqual({
        ...forbidden("", { status: 302 }),
        message: `redirect (302) to a forbidden address: ${what}, which no redirect from another host may reach`,
      });
      expect(connections).toBe(1);
    },
  );

  it("may redirect into its network, and to its own host, when it is private", async () => {
    const network: AddressFilter = (address) => forbiddenRange(address === "127.0.0.1" ? "10.0.0.7" : address);
    const leadsTo = (location: string) => {
      answer = ({ url }, response) =>
        url === "/" ? response.writeHead(302, { Location: location }).end() : response.end();
    };
    leadsTo(`http://127.0.0.1:${port}/home`);
    expect(await outcomeOf(names(["127.0.0.1"]), { private: true }, network)).toEqual({ ok: true, status: 200 });
    leadsTo("/home");
    expect(await outcomeOf(names(["127.0.0.1"]), { private: true }, forbiddenRange)).toEqual({ ok: true, status: 200 });
    expect(connections).toBe(4);
  });

  it("uses no proxy, which would resolve names itself", async () => {
    const environment = process.env;
    const proxy = `http://${PUBLIC}:${port}`;
    const variables = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    process.env = {
      ...environment,
      ...Object.fromEntries(variables.map((name) => [name, proxy])),
      NODE_USE_ENV_PROXY: "1",
    };
    try {
      // Nothing listens there, and the proxy would have answered.
      expect(await outcomeOf(names([PUBLIC]), { url: "http://site.test:1/" })).toMatchObject({ reason: "refused" });
      expect(connections).toBe(0);
    } finally {
      process.env = environment;
    }
  });

  it("is not refused for its port: at a public address, whatever listens may be checked", async () => {
    const { reason } = (await outcomeOf(names([PUBLIC]), { url: "http://site.test:1/" })) as { reason: string };
    expect(reason).toBe("refused");
  });
});
