/** Both HTTP servers of scripts/emulator/server/serving.py, whichever of them serves the emulator here. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { createConnection } from "node:net";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { findEmulator } from "../../scripts/emulator/find";
import { pythonEnvironment } from "../../scripts/emulator/python";
import { freePort } from "../support/free-port";

/** Most packets that follow each other at once are received together. */
const ROUNDS = 1_000;

/** Answers with the length of what it was sent. */
const APP = `
import socket, sys
sys.path.insert(0, sys.argv[1])
import serving

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        print("started", flush=True)
        await receive()
    length = 0
    while True:
        message = await receive()
        length += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    body = str(length).encode()
    headers = [(b"content-length", str(len(body)).encode()), (b"x-path", scope["raw_path"])]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})

serving.run(getattr(serving, sys.argv[3])(app, socket.create_server(("127.0.0.1", int(sys.argv[2])))))
`;

describe.each(["serve_with_uvicorn", "serve_with_hypercorn"])("%s", (name) => {
  let server: ChildProcess;
  let port: number;

  beforeAll(async () => {
    const emulator = await findEmulator();
    if (emulator.kind !== "python") throw new Error("no Python with the packages of requirements.txt");
    port = await freePort();
    const args = ["-c", APP, resolve("scripts/emulator/server"), String(port), name];
    server = spawn(emulator.python, args, { env: pythonEnvironment(), stdio: ["ignore", "pipe", "ignore"] });
    if (server.stdout === null) throw new Error("no output");
    for await (const line of createInterface(server.stdout)) if (line === "started") break;
  });
  afterAll(() => {
    server.kill("SIGKILL");
  });

  it("sends head and body in one packet", async () => {
    const socket = createConnection(port, "127.0.0.1");
    await once(socket, "connect");
    for (let round = 0; round < ROUNDS; round += 1) {
      socket.write("GET /a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n");
      const [packet] = (await once(socket, "data")) as [Buffer];
      expect(packet.toString()).toMatch(/^HTTP\/1\.1 200 [^]*\r\nx-path: \/a%2Fb\r\n[^]*\r\n0$/);
    }
    socket.destroy();
  });

  it("takes a long body, whose sender waits for permission", async () => {
    const headers = { Expect: "100-continue", "Transfer-Encoding": "chunked" };
    const sent = request({ host: "127.0.0.1", port, method: "PUT", path: "/", headers });
    sent.flushHeaders();
    await once(sent, "continue");
    sent.end(Buffer.alloc(5_000_000));
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    expect(await text(response)).toBe("5000000");
  });
});
