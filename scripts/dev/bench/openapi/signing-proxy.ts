/** A server on loopback that signs requests for a program that cannot, and passes them on to an API. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { SQSClient } from "@aws-sdk/client-sqs";
import { SignatureV4 } from "@smithy/signature-v4";
import type { AwsSettings } from "../../../shared/aws-settings";

export interface SigningProxy {
  /** Without a slash at its end. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Of these only: others are the connection's own. */
const PASSED_ON = ["content-type", "accept", "x-amz-content-sha256"];

/** Signs requests that have any Authorization. @param target the API's address, with its stage */
export async function signingProxy(target: string, aws: AwsSettings): Promise<SigningProxy> {
  const base = target.replace(/\/$/, "");
  // A client of the SDK resolves credentials, and has a hash.
  const { config } = new SQSClient(aws);
  const signer = new SignatureV4({
    service: "execute-api",
    region: aws.region,
    credentials: () => config.credentials(),
    sha256: config.sha256,
  });
  const passOn = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(`${base}${request.url ?? "/"}`);
    const body = Buffer.concat(await request.toArray());
    const method = request.method ?? "GET";
    const passed = PASSED_ON.flatMap((name) => {
      const value = request.headers[name];
      return typeof value === "string" ? [[name, value] as const] : [];
    });
    const unsigned = {
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query: queryOf(url),
      headers: { ...Object.fromEntries(passed), host: url.host },
      body,
    };
    // The API answers requests without a signature.
    const { headers } = request.headers.authorization === undefined ? unsigned : await signer.sign(unsigned);
    const answer = await fetch(url, { method, headers, redirect: "manual", ...(body.length > 0 && { body }) });
    const type = answer.headers.get("content-type");
    response.writeHead(answer.status, { ...(type !== null && { "content-type": type }) });
    response.end(Buffer.from(await answer.arrayBuffer()));
  };
  const server = createServer((request, response) => {
    passOn(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** All values of each name. */
function queryOf({ searchParams }: URL): Record<string, string[]> {
  return Object.fromEntries([...searchParams.keys()].map((name) => [name, searchParams.getAll(name)]));
}
