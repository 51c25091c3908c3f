import { createHash, createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { text as bodyOf } from "node:stream/consumers";
import { SignatureV4 } from "@smithy/signature-v4";
import { createAwsJson, credentialsFrom, type Credentials } from "../../../../functions/shared/aws/aws-json";
import { nodeTransport, type ConnectTransport } from "../../../../functions/shared/aws/transport";
import { undiciTransport } from "../../../../functions/shared/aws/undici-transport";
import { virtualClock } from "../../../support/virtual-clock";

const credentials: Credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret", sessionToken: "token/+=" };
const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

interface Options {
  readonly credentials?: Credentials;
  readonly connections?: number;
  readonly transport?: ConnectTransport;
}

async function connect(
  answer: RequestListener,
  { connections = 4, transport = nodeTransport, ...options }: Options = {},
) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = createAwsJson({
    service: "sqs",
    endpoint: `${endpoint}/000000000000/queue`,
    region: "eu-central-1",
    credentials,
    transport: transport(new URL(endpoint), connections),
    clock: virtualClock(Date.UTC(2026, 10, 21, 10)),
    random: () => 0.5,
    ...options,
  });
  closing.push(() => {
    client.close();
    server.close();
  });
  return { client, endpoint };
}

/** The SDK signer's hash, with Node's. */
class Sha256 {
  private readonly hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash =
      secret === undefined
        ? createHash("sha256")
        : createHmac("sha256", typeof secret === "string" ? secret : Buffer.from(secret as Uint8Array));
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.hash.update(typeof data === "string" ? data : Buffer.from(data as Uint8Array));
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.hash.digest());
  }
  reset(): void {
    throw new Error("is not called");
  }
}

it.each([
  ["with a session", credentials],
  ["without one", { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" }],
])("signs as the SDK does, %s", async (_, used) => {
  let seen: IncomingMessage | undefined;
  const { client, endpoint } = await connect(
    (request, response) => {
      seen = request;
      response.end("{}");
    },
    { credentials: used },
  );
  const body = JSON.stringify({ QueueUrl: "q", text: "größer" });
  await client.call("AmazonSQS.SendMessageBatch", body);

  const { host } = new URL(endpoint);
  const signer = new SignatureV4({ service: "sqs", region: "eu-central-1", credentials: used, sha256: Sha256 });
  const { headers } = await signer.sign(
    {
      method: "POST",
      protocol: "http:",
      hostname: host,
      path: "/",
      headers: { host, "content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.SendMessageBatch" },
      body,
    },
    // The SDK would also sign the body's hash as a header, which only S3 requires.
    { signingDate: new Date(Date.UTC(2026, 10, 21, 10)), unsignableHeaders: new Set(["x-amz-content-sha256"]) },
  );
  expect(seen?.headers["x-amz-date"]).toBe(headers["x-amz-date"]);
  expect(seen?.headers["x-amz-security-token"]).toBe(headers["x-amz-security-token"]);
  expect(seen?.headers.authorization).toBe(headers["authorization"]);
});

describe.each([
  ["Node's client", nodeTransport],
  ["undici", undiciTransport],
])("over %s", (_transport, transport) => {
  const at = (answer: RequestListener) => connect(answer, { transport });

  it("reuses its connections, and opens no more than allowed", async () => {
    const sockets = new Set<unknown>();
    const { client } = await connect(
      (request, response) => {
        sockets.add(request.socket);
        setImmediate(() => response.end("{}"));
      },
      { connections: 2, transport },
    );
    await Promise.all(Array.from({ length: 20 }, () => client.call("AmazonSQS.SendMessageBatch", "{}")));
    await client.call("AmazonSQS.SendMessageBatch", "{}");
    expect(sockets.size).toBe(2);
  });

  it.each([
    ["the service is overloaded", 503, "<html>"],
    ["it is throttled", 400, '{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}'],
    ["too many ask", 429, "{}"],
  ])("retries when %s", async (_, status, text) => {
    const bodies: string[] = [];
    const { client } = await at((request, response) => {
      void bodyOf(request).then((body) => {
        bodies.push(body);
        if (bodies.length === 3) return response.end('{"done":true}');
        return response.writeHead(status).end(text);
      });
    });
    await expect(client.call("DynamoDB_20120810.Query", '{"a":1}')).resolves.toBe('{"done":true}');
    expect(bodies).toEqual(['{"a":1}', '{"a":1}', '{"a":1}']);
  });

  it("retries when the connection breaks, also during the response", async () => {
    let calls = 0;
    const { client } = await at((request, response) => {
      calls++;
      if (calls === 1) return request.socket.destroy();
      if (calls === 2) {
        response.writeHead(200, { "content-length": "100" }).write('{"half":');
        return setImmediate(() => request.socket.destroy());
      }
      return response.end('{"whole":1}');
    });
    await expect(client.call("DynamoDB_20120810.Query", "{}")).resolves.toBe('{"whole":1}');
    expect(calls).toBe(3);
  });

  it("gives up after five attempts, with the last error", async () => {
    let calls = 0;
    const { client } = await at((_, response) => {
      calls++;
      response.writeHead(500).end('{"__type":"InternalFailure","message":"no"}');
    });
    await expect(client.call("DynamoDB_20120810.Query", "{}")).rejects.toMatchObject({
      name: "InternalFailure",
      message: "no",
      status: 500,
    });
    expect(calls).toBe(5);
  });

  it("does not retry a rejected call", async () => {
    let calls = 0;
    const { client } = await at((_, response) => {
      calls++;
      response.writeHead(400).end('{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"not you"}');
    });
    await expect(client.call("AmazonSQS.SendMessageBatch", "{}")).rejects.toMatchObject({
      name: "AccessDeniedException",
      message: "not you",
    });
    expect(calls).toBe(1);
  });

  it("settles by the deadline of its caller when the server never responds", async () => {
    const { client } = await at(() => undefined);
    const begin = Date.UTC(2026, 10, 21, 10);
    await expect(client.call("AmazonSQS.SendMessageBatch", "{}", begin + 3_000)).rejects.toMatchObject({
      name: "TimeoutError",
      code: "ETIMEDOUT",
    });
  });
});

it("does not retry beyond the deadline of its caller", async () => {
  let requests = 0;
  const post = () => {
    requests += 1;
    return Promise.resolve({ status: 503, text: "" });
  };
  const client = createAwsJson({
    service: "sqs",
    endpoint: "https://sqs.eu-central-1.amazonaws.com",
    region: "eu-central-1",
    credentials,
    transport: { post, close: () => undefined },
    clock: virtualClock(1_000),
    random: () => 0.5,
  });
  await expect(client.call("AmazonSQS.SendMessageBatch", "{}", 1_040)).rejects.toMatchObject({ status: 503 });
  expect(requests).toBe(1);
  await expect(client.call("AmazonSQS.SendMessageBatch", "{}")).rejects.toMatchObject({ status: 503 });
  expect(requests).toBe(6);
});

it("reports missing credentials", () => {
  expect(() => credentialsFrom({ AWS_ACCESS_KEY_ID: "a" })).toThrow("AWS_SECRET_ACCESS_KEY");
  expect(credentialsFrom({ AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b", AWS_SESSION_TOKEN: "" })).toEqual({
    accessKeyId: "a",
    secretAccessKey: "b",
  });
});
