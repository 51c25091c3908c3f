/** A server on loopback that signs requests for a program that cannot, and passes them on to an API. */
import { once } from "node:events";
import { createServer, request as send, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { apiSigner } from "../../../shared/aws/api-signer";
import type { AwsSettings } from "../../../shared/aws/aws-settings";

export interface SigningProxy {
  /** Without a slash at its end. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Of the connection to the proxy. */
const OWN_HEADERS = new Set([
  "authorization",
  "connection",
  "content-length",
  "host",
  "keep-alive",
  "transfer-encoding",
]);

/** Signs requests that have any Authorization. @param target the API's address, with its stage */
export async function signingProxy(target: string, aws: AwsSettings): Promise<SigningProxy> {
  const base = target.replace(/\/$/, "");
  const signer = apiSigner(aws);
  const passOn = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(`${base}${request.url ?? "/"}`);
    const body = Buffer.concat(await request.toArray());
    const method = request.method ?? "GET";
    const passed = Object.entries(request.headers).flatMap(([name, value]) =>
      typeof value === "string" && !OWN_HEADERS.has(name) ? [[name, value] as const] : [],
    );
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
    // Node does not frame the body of a GET or DELETE by itself: its bytes would be another, malformed request.
    const length = body.length > 0 ? { "content-length": body.length } : {};
    // Not fetch: it refuses TRACE.
    const sent = send(url, { method, headers: { ...headers, ...length } });
    sent.end(body);
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    const { "content-type": type } = answer.headers;
    response.writeHead(answer.statusCode ?? 502, type === undefined ? {} : { "content-type": type });
    await pipeline(answer, response);
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
