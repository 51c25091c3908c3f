/** Servers on loopback that checks are sent to. */
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";

import { createAuthority } from "./certificates";
import { HOSTILE, secret } from "./marked";
import { zstdFrame } from "./zstd";

/** What `moody` answers: as it was last told to. */
let mood = 200;

/** What the plain server does, by path. */
const BEHAVIOURS = {
  good: (_request, response) => response.end("all is well"),
  slow: (_request, response) => {
    // Answers later than any check in the tests waits; closing the server ends it.
    const timer = setTimeout(() => response.end("at last"), 30_000);
    response.on("close", () => {
      clearTimeout(timer);
    });
  },
  serverError: (_request, response) => response.writeHead(500).end("broken"),
  noContent: (_request, response) => response.writeHead(204).end(),
  notModified: (_request, response) => response.writeHead(304).end(),
  redirect: (_request, response) => response.writeHead(302, { Location: "/good" }).end("elsewhere"),
  redirectTemporary: (_request, response) => response.writeHead(307, { Location: "/echo" }).end(),
  redirectSeeOther: (_request, response) => response.writeHead(303, { Location: "/echo" }).end(),
  redirectLoop: (_request, response) => response.writeHead(301, { Location: "/redirectLoop" }).end(),
  /** Its reason phrase, headers, cookies and content are secrets. */
  marked: (_request, response) =>
    response
      .writeHead(500, secret(), { "X-Marked": secret(), "Set-Cookie": `session=${secret()}`, "Content-Type": secret() })
      .end(`${secret()} ${HOSTILE}`),
  markedRedirect: (_request, response) =>
    response
      .writeHead(302, { Location: `ftp://${secret()}:${secret()}@127.0.0.1/${secret()}?token=${secret()}` })
      .end(),
  redirectNowhere: (_request, response) => response.writeHead(302).end(),
  redirectToFtp: (_request, response) => response.writeHead(302, { Location: "ftp://127.0.0.1/" }).end(),
  echo: (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method, url, headers } = request;
      response.end(JSON.stringify({ method, url, headers, body: Buffer.concat(chunks).toString() }));
    });
  },
  gzip: (_request, response) => response.writeHead(200, { "Content-Encoding": "gzip" }).end(gzipSync("packed away")),
  zstd: (_request, response) => response.writeHead(200, { "Content-Encoding": "zstd" }).end(zstdFrame("packed away")),
  gzipBomb: (_request, response) =>
    response.writeHead(200, { "Content-Encoding": "gzip" }).end(gzipSync(Buffer.alloc(20_000_000))),
  notGzip: (_request, response) => response.writeHead(200, { "Content-Encoding": "gzip" }).end("not packed at all"),
  latin1: (_request, response) =>
    response.writeHead(200, { "Content-Type": "text/html; charset=ISO-8859-1" }).end(Buffer.from("Grüße", "latin1")),
  resetMidBody: (_request, response) => {
    response.writeHead(200, { "Content-Length": "1000" }).write("the first part", () => {
      response.socket?.resetAndDestroy();
    });
  },
  closedMidBody: (_request, response) => {
    response.writeHead(200, { "Content-Length": "1000" }).write("the first part", () => response.socket?.end());
  },
  endlessBody: (_request, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write("x".repeat(65_536)));
    };
    response.on("drain", more);
    more();
  },
  trickle: (_request, response) => {
    const timer = setInterval(() => response.write("x"), 20);
    response.on("close", () => {
      clearInterval(timer);
    });
  },
  switchingProtocols: (request) =>
    request.socket.end("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: bells\r\n\r\n"),
  /** `PUT /moody?500` tells it how to answer from then on. */
  moody: (request, response) => {
    if (request.method === "PUT") mood = Number(request.url?.split("?")[1]);
    response.writeHead(mood).end();
  },
  silent: (request) => request.socket.end(),
  garbage: (request) => request.socket.end("SSH-2.0-OpenSSH_9.6\r\n"),
} as const satisfies Record<string, RequestListener>;

export type Behaviour =
  | keyof typeof BEHAVIOURS
  /** A redirect of the plain server to another origin's /echo. */
  | "redirectElsewhere"
  /** Over https, with a certificate that is... */
  | "secure"
  | "expired"
  | "soonExpiring"
  | "unknownAuthority"
  /** ...for {@link WRONG_NAME} only. */
  | "wrongName"
  /** ...good, and a redirect to `soonExpiring`. */
  | "secureRedirect"
  /** https spoken to a server of plain http. */
  | "notTls"
  /** A port on which nothing listens. */
  | "refused"
  /** A name that never resolves (RFC 2606). */
  | "unresolvable";

/** Whom the certificate of `wrongName` is for. */
export const WRONG_NAME = "elsewhere.test";

/** Days left of the certificate of `soonExpiring`. */
export const SOON_EXPIRING_DAYS = 3;

export interface TargetServers {
  readonly urls: Readonly<Record<Behaviour, string>>;
  /** The authority (PEM) of every https server but `unknownAuthority`. */
  readonly certificateAuthority: string;
  close(): Promise<void>;
}

/** Starts a server for every behaviour a target may show, on loopback and free ports. */
export async function startTargetServers(): Promise<TargetServers> {
  const servers: Server[] = [];
  const listen = async (server: Server): Promise<string> => {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  const authority = await createAuthority("Almanac Test Authority");
  const stranger = await createAuthority("Somebody Else");
  const listenSecurely = async (issuer: typeof authority, host: string, daysLeft: number): Promise<string> =>
    `https://${await listen(createSecureServer(await issuer.issue({ hosts: [host], daysLeft }), answer))}`;

  const soonExpiring = await listenSecurely(authority, "127.0.0.1", SOON_EXPIRING_DAYS + 0.5);
  const elsewhere = await listen(createServer(answer));
  const redirects: Record<string, string> = {
    "/redirectElsewhere": `http://${elsewhere}/echo`,
    "/secureRedirect": `${soonExpiring}/good`,
  };
  function answer(...[request, response]: Parameters<RequestListener>): void {
    const [path = ""] = (request.url ?? "").split("?");
    const location = redirects[path];
    if (location !== undefined) response.writeHead(302, { Location: location }).end();
    else (BEHAVIOURS as Record<string, RequestListener>)[path.slice(1)]?.(request, response);
  }

  const plain = await listen(createServer(answer));
  const secure = await listenSecurely(authority, "127.0.0.1", 90.5);
  const paths = Object.keys(BEHAVIOURS) as (keyof typeof BEHAVIOURS)[];
  const plainUrls = Object.fromEntries(paths.map((path) => [path, `http://${plain}/${path}`]));
  return {
    urls: {
      ...(plainUrls as Record<keyof typeof BEHAVIOURS, string>),
      redirectElsewhere: `http://${plain}/redirectElsewhere`,
      secure: `${secure}/good`,
      secureRedirect: `${secure}/secureRedirect`,
      soonExpiring: `${soonExpiring}/good`,
      expired: `${await listenSecurely(authority, "127.0.0.1", -2)}/good`,
      unknownAuthority: `${await listenSecurely(stranger, "127.0.0.1", 90)}/good`,
      wrongName: `${await listenSecurely(authority, WRONG_NAME, 90)}/good`,
      notTls: `https://${plain}/good`,
      // Nobody may listen on port 1 by accident, which cannot be said of a port that was free a moment ago.
      refused: "http://127.0.0.1:1/",
      unresolvable: "http://nobody.invalid/",
    },
    certificateAuthority: authority.cert,
    close: async () => {
      await Promise.all(
        servers.map((server) => {
          const closed = new Promise((resolve) => server.close(resolve));
          server.closeAllConnections();
          return closed;
        }),
      );
    },
  };
}
