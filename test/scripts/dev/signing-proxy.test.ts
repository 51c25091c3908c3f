import { once } from "node:events";
import { createServer, request, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { signingProxy } from "../../../scripts/dev/bench/openapi/signing-proxy";

interface Received {
  readonly line: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

describe("the proxy that signs requests", () => {
  const received: Received[] = [];
  const api = createServer((incoming, response) => {
    void incoming.toArray().then((parts) => {
      const body = Buffer.concat(parts as Buffer[]).toString();
      received.push({ line: `${incoming.method ?? ""} ${incoming.url ?? ""}`, headers: incoming.headers, body });
      response.writeHead(409, { "content-type": "application/json" }).end('{"message":"no"}');
    });
  });
  let proxy: Awaited<ReturnType<typeof signingProxy>>;
  beforeAll(async () => {
    api.listen(0, "127.0.0.1");
    await once(api, "listening");
    const endpoint = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
    const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" };
    proxy = await signingProxy(`${endpoint}/live/`, { region: "eu-central-1", endpoint, credentials });
  });
  afterAll(async () => {
    await proxy.stop();
    api.close();
  });

  it("passes on method, path, query, headers, body and answer, with its own signature", async () => {
    const answer = await fetch(`${proxy.url}/tasks/a%20b?status=DONE&status=FAILED`, {
      method: "POST",
      headers: { authorization: "anything", "content-type": "application/json", "idempotency-key": "k" },
      body: '{"a":1}',
    });
    expect([answer.status, await answer.text()]).toEqual([409, '{"message":"no"}']);
    const { line, headers, body } = received.at(-1) ?? { line: "", headers: {}, body: "" };
    expect([line, body]).toEqual(["POST /live/tasks/a%20b?status=DONE&status=FAILED", '{"a":1}']);
    expect(headers.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE.*execute-api/);
    expect(headers["content-type"]).toBe("application/json");
    expect(headers["idempotency-key"]).toBe("k");
  });

  it("passes on any method", async () => {
    const sent = request(`${proxy.url}/tasks`, { method: "TRACE" });
    sent.end();
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    expect(answer.resume().statusCode).toBe(409);
    expect(received.at(-1)?.line).toBe("TRACE /live/tasks");
  });

  it("signs nothing without an Authorization: the API answers", async () => {
    expect((await fetch(`${proxy.url}/tasks`)).status).toBe(409);
    expect(received.at(-1)?.headers).not.toHaveProperty("authorization");
  });
});
