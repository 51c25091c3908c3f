/** A server on loopback in front of moto's: it answers what moto lacks, and passes everything else on. */
import { once } from "node:events";
import { createServer, request as send, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import * as z from "zod";
import { refuseForeign } from "../../shared/loopback-guard";

/**
 * moto 5.1 has no validation and no versions of state machines, no response headers policies of CloudFront, and of a bucket's policy it leaves
 * out the conditions: "nothing without TLS" becomes "nothing". The proxy has these instead.
 */
export interface MotoProxy {
  /** Without a slash at its end. */
  readonly url: string;
  /** Requests that moto refused or failed at, and the proxy did not answer itself: `POST AWSLambda.Invoke: 500`. */
  readonly refused: ReadonlySet<string>;
  stop(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const json = (value: unknown): Answer => ({
  status: 200,
  headers: { "content-type": "application/x-amz-json-1.0" },
  body: JSON.stringify(value),
});

/** Operations of Step Functions that moto does not have. */
const STEP_FUNCTIONS: Readonly<Record<string, Answer>> = {
  "AWSStepFunctions.ValidateStateMachineDefinition": json({ result: "OK", diagnostics: [] }),
  "AWSStepFunctions.ListStateMachineVersions": json({ stateMachineVersions: [] }),
};

const HEADERS_POLICIES = "/2020-05-31/response-headers-policy";

/** @param target moto's address */
export async function motoProxy(target: string): Promise<MotoProxy> {
  const refused = new Set<string>();
  const headersPolicies = new Map<string, string>();
  const bucketPolicies = new Map<string, string>();

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = Buffer.concat(z.array(z.instanceof(Buffer)).parse(await request.toArray()));
    const { method = "GET", url = "/" } = request;
    const operation = String(request.headers["x-amz-target"] ?? "");
    const asked = { method, url, body: body.toString() };
    const own =
      STEP_FUNCTIONS[operation] ?? headersPolicy(headersPolicies, asked) ?? bucketPolicy(bucketPolicies, asked);
    if (own !== undefined) {
      response.writeHead(own.status, own.headers).end(own.body);
      return;
    }
    const sent = send(new URL(url, target), { method, headers: request.headers });
    sent.end(body);
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    const content = Buffer.concat(z.array(z.instanceof(Buffer)).parse(await answer.toArray()));
    const { statusCode: status = 502 } = answer;
    // 404 is how a service says that a setting was not made.
    if (status >= 400 && status !== 404) refused.add(`${method} ${operation || url.replace(/\?.*/, "")}: ${status}`);
    response.writeHead(status, answer.headers).end(content);
  };

  const server = createServer((request, response) => {
    if (refuseForeign(request, response)) return;
    handle(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    refused,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly body: string;
}

/** CloudFront's response headers policies: what was written is what is read. */
function headersPolicy(policies: Map<string, string>, { method, url, body }: Asked): Answer | undefined {
  const [path = ""] = url.split("?");
  if (!path.startsWith(HEADERS_POLICIES)) return undefined;
  const [, id = `policy-${policies.size + 1}`] = /\/(policy-\d+)(?:\/config)?$/.exec(path) ?? [];
  if (method === "POST" || method === "PUT") policies.set(id, body.replace(/^<\?xml[^>]*>/, ""));
  const policy = policies.get(id);
  if (method === "DELETE") policies.delete(id);
  if (policy === undefined) return { status: 404, headers: { "content-type": "text/xml" }, body: "" };
  return {
    status: method === "POST" ? 201 : 200,
    headers: { "content-type": "text/xml", etag: "E1" },
    body: `<ResponseHeadersPolicy><Id>${id}</Id><LastModifiedTime>2026-01-01T00:00:00Z</LastModifiedTime>${policy}</ResponseHeadersPolicy>`,
  };
}

/** What was written is what is read. */
function bucketPolicy(policies: Map<string, string>, { method, url, body }: Asked): Answer | undefined {
  const [, bucket] = /^\/([^/?]+)\/?\?policy(?:=|&|$)/.exec(url) ?? [];
  if (bucket === undefined) return undefined;
  if (method === "PUT") policies.set(bucket, body);
  const policy = policies.get(bucket);
  if (method === "DELETE") policies.delete(bucket);
  if (method !== "GET") return { status: 204, headers: {}, body: "" };
  if (policy !== undefined) return { status: 200, headers: { "content-type": "application/json" }, body: policy };
  const missing = "<Error><Code>NoSuchBucketPolicy</Code><Message>The bucket has no policy</Message></Error>";
  return { status: 404, headers: { "content-type": "application/xml" }, body: missing };
}
