import { spawn, type ChildProcess } from "node:child_process";
import { Agent, request, type IncomingMessage, type RequestOptions } from "node:http";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { createConnection } from "node:net";
import { buffer, text } from "node:stream/consumers";
import { findPython, pythonEnvironment } from "../../../scripts/emulator/python";
import { freePort } from "../../support/free-port";

/** Says what it was sent. */
const APP = `
import asyncio, contextvars, socket, sys
sys.path.insert(0, sys.argv[1])
from http_server import serve

seen = contextvars.ContextVar("seen", default="nothing")

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        print("started", flush=True)
        await receive()
    body = (await receive())["body"]
    before, path = seen.get(), scope["path"]
    seen.set(path)
    if path == "/fails":
        raise RuntimeError("on purpose")
    if path == "/splits":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"X-A", b"1\\r\\nX-B: 2")]})
        await send({"type": "http.response.body", "body": b""})
    if path == "/waits":
        await receive()
        print("gone", flush=True)
        return
    if path == "/streams":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for part in (b"one ", b"two ", b"x" * 1_000_000):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    if path == "/nothing":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    told = f"{scope['method']} {path} {scope['query_string'].decode()} {len(body)} after {before}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"Content-Length", str(len(told)).encode())]})
    await send({"type": "http.response.body", "body": told})

asyncio.run(serve(app, socket.create_server(("127.0.0.1", int(sys.argv[2])))))
`;

let server: ChildProcess;
let lines: AsyncIterableIterator<string>;
let port: number;

beforeAll(async () => {
  port = await freePort();
  const args = ["-c", APP, resolve("scripts/emulator/server"), String(port)];
  server = spawn(await findPython(), args, { env: pythonEnvironment(), stdio: ["ignore", "pipe", "ignore"] });
  if (server.stdout === null) throw new Error("no output");
  lines = createInterface(server.stdout)[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe("started");
});
afterAll(() => {
  server.kill();
});

async function send(path: string, options: RequestOptions = {}, body: Buffer | string = ""): Promise<IncomingMessage> {
  const sent = request({ host: "127.0.0.1", port, path, method: "POST", ...options });
  sent.end(body);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return response;
}

/** Bytes as they are. @returns all that comes back until the server closes the connection */
async function raw(...parts: readonly string[]): Promise<string> {
  const socket = createConnection(port, "127.0.0.1");
  await once(socket, "connect");
  socket.setNoDelay();
  for (const part of parts) socket.write(part, "latin1");
  return (await buffer(socket)).toString("latin1");
}

describe("a request", () => {
  it("has its path decoded, its query as it is, and its whole body, however long", async () => {
    const body = Buffer.alloc(5_000_000);
    const response = await send("/a%20b/%C3%A9?x=%20", { headers: { "Content-Length": body.length } }, body);
    expect(await text(response)).toBe("POST /a b/é x=%20 5000000 after nothing");
  });

  it("may come in chunks, and in any pieces", async () => {
    const chunked = await send("/", { headers: { "Transfer-Encoding": "chunked" } }, Buffer.alloc(300_000));
    expect(await text(chunked)).toBe("POST /  300000 after nothing");
    const all =
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n";
    expect(await raw(...(all.match(/[^]{1,3}/g) ?? []))).toMatch(/POST \/ {2}3 after nothing$/);
  });

  it("that expects it is told to continue", async () => {
    const sent = request({ host: "127.0.0.1", port, path: "/", method: "PUT", headers: { Expect: "100-continue" } });
    sent.flushHeaders();
    await once(sent, "continue");
    sent.end("body");
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    expect(await text(response)).toBe("PUT /  4 after nothing");
  });

  it("is answered after those before it, on one connection, and knows nothing of them", async () => {
    const one = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n";
    const last = "GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    const answers = await raw(one + one.replace("1", "2") + last);
    expect(answers.match(/GET \/\d {2}0 after (nothing|\/\d)/g)).toEqual(
      [1, 2, 3].map((each) => `GET /${each}  0 after nothing`),
    );
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let round = 0; round < 3; round += 1)
      expect(await text(await send("/again", { agent }))).toBe("POST /again  0 after nothing");
    agent.destroy();
  });

  it("is answered although its sender has said all that it has to say", async () => {
    const socket = createConnection({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.end("GET /half HTTP/1.1\r\nHost: a\r\n\r\n");
    expect((await buffer(socket)).toString()).toContain("GET /half");
  });

  it("whose sender is gone ends the waiting for it", async () => {
    const sent = request({ host: "127.0.0.1", port, path: "/waits" });
    sent.on("error", () => undefined);
    sent.end();
    await once(sent, "finish");
    sent.destroy();
    expect((await lines.next()).value).toBe("gone");
  });
});

describe("a response", () => {
  it("of unknown length is sent as it comes", async () => {
    expect((await text(await send("/streams"))).length).toBe(1_000_008);
    expect(await raw("GET /streams HTTP/1.0\r\n\r\n")).toMatch(
      /^HTTP\/1\.1 200 OK\r\nConnection: close\r\n\r\none two x+$/,
    );
  });

  it("has no body where none may be", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (const [path, method] of [
      ["/", "HEAD"],
      ["/nothing", "GET"],
      ["/", "GET"],
    ] as const)
      expect((await text(await send(path, { method, agent }))).length > 0).toBe(path === "/" && method === "GET");
    agent.destroy();
  });

  it("is an error of the server's where the application fails, or would split the head", async () => {
    for (const path of ["/fails", "/splits"]) {
      const { statusCode, headers } = await send(path);
      expect([statusCode, headers["x-b"]]).toEqual([500, undefined]);
    }
  });
});

describe("what is refused", () => {
  it.each([
    ["no HTTP", "\x16\x03\x01\x02\x00\x01"],
    ["another version", "GET / HTTP/2.0\r\n\r\n"],
    ["a header without a name", "GET / HTTP/1.1\r\n: x\r\n\r\n"],
    ["a space before the colon", "GET / HTTP/1.1\r\nContent-Length : 3\r\n\r\nabc"],
    ["a folded header", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n"],
    ["two lengths", "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"],
    ["a length and chunks", "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["another encoding", "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"],
    ["a length that is none", "POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\nabc"],
    ["a chunk that is none", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n"],
    [
      "a chunk that is longer than it says",
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
    ],
    ["a path in other characters", "GET /\xe9 HTTP/1.1\r\n\r\n"],
  ])("is %s", async (_, bytes) => {
    expect(await raw(bytes)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  });

  it("is a head without an end", async () => {
    expect(await raw(`GET / HTTP/1.1\r\nA: ${"x".repeat(300_000)}`)).toMatch(/^HTTP\/1\.1 431 /);
  });
});
