import { X509Certificate } from "node:crypto";
import { createServer, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { createServer as createTcpServer, type AddressInfo } from "node:net";

import { targetSchema, type TargetInput } from "../../../../functions/heartbeats/contract";
import { checkTarget } from "../../../../functions/heartbeats/probe/check-target";
import { systemLookup } from "../../../../functions/heartbeats/probe/dns";
import { httpClient } from "../../../../functions/heartbeats/probe/http-client";
import { systemClock } from "../../../../functions/shared/clock";
import { createAuthority } from "../../../support/certificates";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function portOf(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

const check = async (input: Omit<TargetInput, "name">) => {
  const target = targetSchema.parse({ name: "site", private: true, ...input });
  const { outcome } = await checkTarget(target, { send: httpClient(systemLookup()), clock: systemClock });
  return outcome;
};

describe("a request", () => {
  // Longer in bytes than in characters.
  const SMUGGLED = "ü\r\nGET /smuggled HTTP/1.1\r\nHost: b\r\n\r\n";

  /**
   * What a server sees that takes for the next request whatever is after the last one: `GET /next: <body>`. It does not end connections, as
   * the checker asks it to, and sends each of `redirects` to where it says.
   */
  const seenBy = async (method: TargetInput["method"], redirects: Readonly<Record<string, string>>) => {
    const seen: string[] = [];
    const connections: Buffer[] = [];
    const port = await portOf(
      createTcpServer((socket) => {
        const connection = connections.push(Buffer.alloc(0)) - 1;
        socket.on("error", () => undefined);
        socket.on("data", (data) => {
          let rest = Buffer.concat([connections[connection] ?? Buffer.alloc(0), data]);
          for (let end = rest.indexOf("\r\n\r\n"); end >= 0; end = rest.indexOf("\r\n\r\n")) {
            const head = rest.subarray(0, end).toString();
            const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0);
            if (rest.length < end + 4 + length) break;
            const [, line = head, path = ""] = /^(\S+ (\S+)) HTTP/.exec(head) ?? [];
            seen.push(`${line}: ${rest.subarray(end + 4, end + 4 + length).toString()}`);
            socket.write(`HTTP/1.1 ${redirects[path] ?? "200 OK"}\r\nContent-Length: 0\r\n\r\n`);
            rest = rest.subarray(end + 4 + length);
          }
          connections[connection] = rest;
        });
      }),
    );
    expect(await check({ url: `http://127.0.0.1:${port}/`, method, body: SMUGGLED })).toMatchObject({ ok: true });
    expect(Buffer.concat(connections).toString()).toBe("");
    return seen;
  };

  it.each(["GET", "HEAD", "DELETE", "OPTIONS", "POST", "PUT", "PATCH"] as const)(
    "by %s whose body is like a request is one, and one after each redirect",
    async (method) => {
      const first = `${method} /: ${SMUGGLED}`;
      expect(await seenBy(method, {})).toEqual([first]);
      for (const status of [301, 302, 303, 307, 308]) {
        const redirects = { "/": `${status} Elsewhere\r\nLocation: /next` };
        const keepsBody = status > 303 || (status < 303 && method !== "POST");
        const next = keepsBody ? `${method} /next: ${SMUGGLED}` : `${method === "HEAD" ? "HEAD" : "GET"} /next: `;
        expect(await seenBy(method, redirects)).toEqual([first, next]);
      }
    },
  );

  it.each(["Content-Length", "transfer-encoding", "Trailer"])("may not be framed by a configured %s", (name) => {
    const parsed = targetSchema.safeParse({ name: "site", url: "https://a.test/", headers: { [name]: "0" } });
    expect(parsed.error?.issues[0]?.message).toBe("delimits the body, which the checker does by itself");
  });
});

describe("the checker's own lag", () => {
  // Resolved, socket, connected, secured, headers, a part of the body, end.
  it.each([
    ["http", "", 5],
    ["http", "all is well", 6],
    ["https", "", 6],
    ["https", "all is well", 7],
  ] as const)("is read at each event of a check by %s with the body %p", async (scheme, body, events) => {
    const authority = await createAuthority("Events Authority");
    const certificate = await authority.issue({ hosts: ["127.0.0.1"], daysLeft: 90 });
    const server = scheme === "http" ? createServer() : createSecureServer(certificate);
    const port = await portOf(server.on("request", (_request, response) => void response.end(body)));
    const input = { name: "site", private: true, url: `${scheme}://127.0.0.1:${port}/` };
    const target = targetSchema.parse({ ...input, certificateAuthority: authority.cert });
    let reads = 0;
    const lag = () => (reads++, 0);
    const { outcome } = await checkTarget(target, { send: httpClient(systemLookup()), clock: systemClock, lag });
    expect(outcome).toMatchObject({ ok: true });
    expect(reads).toBe(events);
  });
});

describe("a redirect", () => {
  it("to a host that cannot exist is the target's failure", async () => {
    for (const location of [
      `http://${"a".repeat(300)}.test/`,
      "http://127.0.0.1:1/%",
      `http://${"b.".repeat(200)}test/`,
    ]) {
      const port = await portOf(createServer((_request, response) => response.writeHead(302, { location }).end()));
      const outcome = await check({ url: `http://127.0.0.1:${port}/` });
      expect(outcome).toMatchObject({ ok: false, status: 302 });
      expect(outcome.ok ? "" : outcome.reason).not.toBe("internal");
    }
  });

  it("keeps User-Agent and Content-Type, returns cookies to where they belong, and sends no credentials elsewhere", async () => {
    const seen: (readonly [string, Readonly<Record<string, unknown>>])[] = [];
    const other = await portOf(
      createServer((request, response) => {
        seen.push([request.url ?? "", request.headers]);
        response.end("ok");
      }),
    );
    const port = await portOf(
      createServer((request, response) => {
        seen.push([request.url ?? "", request.headers]);
        const location = request.url === "/" ? "/second" : `http://localhost:${other}/third`;
        response.writeHead(308, { location, "set-cookie": ["session=1; Path=/; HttpOnly", "gone=1; Max-Age=0"] }).end();
      }),
    );
    const headers = { "User-Agent": "own/1", "Content-Type": "application/json", "X-Team": "shop" };
    await check({ url: `http://127.0.0.1:${port}/`, method: "POST", body: "{}", headers, private: true });
    expect(seen.map(([path]) => path)).toEqual(["/", "/second"]);
    for (const [, received] of seen)
      expect(received).toMatchObject({ "user-agent": "own/1", "content-type": "application/json", "x-team": "shop" });
    expect(seen[0]?.[1]["cookie"]).toBeUndefined();
    expect(seen[1]?.[1]["cookie"]).toBe("session=1");
  });
});

describe("a cookie", () => {
  const cookieSentBack = async (setCookie: string): Promise<string | undefined> => {
    const seen: (string | undefined)[] = [];
    const port = await portOf(
      createServer((request, response) => {
        seen.push(request.headers.cookie);
        if (request.url === "/") response.writeHead(302, { location: "/next", "set-cookie": setCookie });
        response.end();
      }),
    );
    await check({ url: `http://127.0.0.1:${port}/` });
    return seen[1];
  };

  it.each([
    ["a=b=c; Path=/; SameSite=Lax", "a=b=c"],
    ["city=M\xc3\xbcnchen", "city=M\xc3\xbcnchen"],
    ['a="x y"; Max-Age=60', 'a="x y"'],
    ["a=1; Expires=Wed, 01 Jan 2098 00:00:00 GMT", "a=1"],
    ["a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", undefined],
    ["a=1; Max-Age=-1", undefined],
    ["a=1; Secure", undefined],
    ["a=1; Path=/elsewhere", undefined],
    ["a=1; Path=/nex", undefined],
    ["a=1; Domain=example.org", undefined],
    ["=1", undefined],
  ])("%j is sent back as %j", async (setCookie, expected) => {
    expect(await cookieSentBack(setCookie)).toBe(expected);
  });
});

describe("a hostile server", () => {
  const answering = async (answer: string, input: Partial<TargetInput> = {}, url = "http") => {
    const port = await portOf(
      createTcpServer((socket) => {
        socket.on("error", () => undefined);
        socket.once("data", () => socket.end(answer));
      }),
    );
    return check({ url: `${url}://127.0.0.1:${port}/`, ...input });
  };

  it.each([
    ["no HTTP", "220 mail.example.org ESMTP\r\n", "protocol", "the response is not HTTP/1 (HPE_INVALID_CONSTANT)"],
    [
      "headers without end",
      `HTTP/1.1 200 OK\r\n${"X: y\r\n".repeat(20_000)}`,
      "protocol",
      "the response's headers are too long (HPE_HEADER_OVERFLOW)",
    ],
    [
      "a false chunk",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
      "protocol",
      "the response's chunks have no valid size (HPE_INVALID_CHUNK_SIZE)",
    ],
    [
      "a chunk that does not end",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc",
      "reset",
      "the connection closed before the response was complete (ECONNRESET)",
    ],
    [
      "two lengths",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokk",
      "protocol",
      "the response is not valid HTTP/1: Duplicate Content-Length (HPE_UNEXPECTED_CONTENT_LENGTH)",
    ],
  ])("that sends %s is named as such", async (_what, answer, reason, message) => {
    expect(await answering(answer)).toMatchObject({ ok: false, reason, message });
  });

  it("that does not respond with TLS is named as such", async () => {
    const outcome = await answering("HTTP/1.1 400 Bad Request\r\n\r\n", {}, "https");
    expect(outcome).toMatchObject({ reason: "tls", message: "the server does not respond with TLS (EPROTO)" });
  });

  it("that compresses without end is decompressed five times at most", async () => {
    const encodings = Array<string>(1_000).fill("gzip").join(",");
    const outcome = await answering(`HTTP/1.1 200 OK\r\nContent-Encoding: ${encodings}\r\n\r\nx`, {
      bodyContains: "x",
    });
    expect(outcome).toMatchObject({ reason: "protocol", message: "the body has more than 5 Content-Encodings" });
  });

  it("that sends early hints and no response has not responded", async () => {
    const hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(1_000);
    expect(await answering(hints)).toMatchObject({ ok: false, reason: "reset" });
  });
});

describe("a certificate chain", () => {
  const chainCheck = async (cert: string, key: string, certificateAuthority: string) => {
    const port = await portOf(createSecureServer({ cert, key }, (_request, response) => response.end()));
    return () => check({ url: `https://127.0.0.1:${port}/`, certificateAuthority });
  };

  it("expires with its first certificate, which may be an intermediate", async () => {
    const root = await createAuthority("root");
    const intermediate = await root.intermediate("intermediate", 3.5);
    const { cert, key } = await intermediate.issue({ hosts: ["127.0.0.1"], daysLeft: 300.5 });
    const checkChain = await chainCheck(`${cert}\n${intermediate.cert}`, key, root.cert);
    expect(await checkChain()).toMatchObject({
      ok: false,
      reason: "certificate",
      certificateDaysLeft: 3,
      // Of the one that expires: other targets may have it, too.
      certificateFingerprint: new X509Certificate(intermediate.cert).fingerprint256.replaceAll(":", "").toLowerCase(),
    });
  });

  it("does not expire with the cross-signed certificate of an authority that is trusted itself", async () => {
    const [old, root] = [await createAuthority("old root"), await createAuthority("new root")];
    const intermediate = await root.intermediate("intermediate", 200.5);
    const { cert, key } = await intermediate.issue({ hosts: ["127.0.0.1"], daysLeft: 300.5 });
    const sent = [cert, intermediate.cert, await old.crossSign(root, 3.5)].join("\n");
    const byNew = await chainCheck(sent, key, root.cert);
    expect(await byNew()).toMatchObject({ ok: true, certificateDaysLeft: 200 });
    const byOld = await chainCheck(sent, key, old.cert);
    expect(await byOld()).toMatchObject({ ok: false, reason: "certificate", certificateDaysLeft: 3 });
  });

  it("that OpenSSL does not accept for a reason that Node has no name for is the target's failure", async () => {
    const root = await createAuthority("root");
    const { cert, key } = await root.issue({ hosts: ["127.0.0.1"], daysLeft: 30.5, criticalExtension: "1.2.3.4.5" });
    const checkChain = await chainCheck(cert, key, root.cert);
    expect(await checkChain()).toMatchObject({
      reason: "tls",
      message: "the certificate is not accepted: unhandled critical extension",
      certificateFingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
    });
  });

  it("is read at each check: no session is resumed", async () => {
    const root = await createAuthority("root");
    const { cert, key } = await root.issue({ hosts: ["127.0.0.1"], daysLeft: 30.5 });
    const checkChain = await chainCheck(cert, key, root.cert);
    for (let again = 0; again < 3; again++)
      expect(await checkChain()).toMatchObject({ ok: true, certificateDaysLeft: 30 });
  });
});
