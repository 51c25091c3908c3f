/** HTTP POST over keep-alive connections. */
import http from "node:http";
import https from "node:https";

export interface TransportResponse {
  readonly status: number;
  readonly text: string;
}

export interface Transport {
  /**
   * One POST to `/`.
   *
   * @param headers names and values alternating
   * @throws an error with a `code`, Node's or the library's, for a missing or incomplete response
   */
  post(headers: string[], body: string): Promise<TransportResponse>;
  /** Ends idle connections. */
  close(): void;
}

/** Connects to one host with at most `connections` connections. More calls wait. Ignores the URL's path. */
export type ConnectTransport = (endpoint: URL, connections: number) => Transport;

/** Without data. */
export const IDLE_TIMEOUT_MS = 5_000;

/** With Node's client. */
export const nodeTransport: ConnectTransport = ({ protocol, hostname, port, host }, connections) => {
  const { Agent, request } = protocol === "https:" ? https : http;
  const agent = new Agent({ keepAlive: true, maxSockets: connections, scheduling: "lifo", timeout: IDLE_TIMEOUT_MS });
  return {
    post: (headers, body) =>
      new Promise((resolve, reject) => {
        const outgoing = request(
          { agent, hostname, port, method: "POST", path: "/", headers, timeout: IDLE_TIMEOUT_MS },
          (incoming) => {
            const chunks: Buffer[] = [];
            incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
            incoming.on("end", () => {
              resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString() });
            });
            // A connection that breaks during a response emits an error instead of "end".
            incoming.on("error", reject);
          },
        );
        outgoing.on("timeout", () => outgoing.destroy(new IdleTimeoutError(`no data from ${host}`)));
        outgoing.on("error", reject);
        outgoing.end(body);
      }),
    close: () => {
      agent.destroy();
    },
  };
};

class IdleTimeoutError extends Error {
  override readonly name = "SilenceError";
  readonly code = "ETIMEDOUT";
}
