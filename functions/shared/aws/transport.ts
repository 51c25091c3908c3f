/** POSTs over connections that stay open. */
import http from "node:http";
import https from "node:https";

export interface Answer {
  readonly status: number;
  readonly text: string;
}

export interface Transport {
  /**
   * One POST to `/`.
   *
   * @param headers names and values in turn
   * @throws an error with a `code`, Node's or the library's, where there was no whole answer
   */
  post(headers: string[], body: string): Promise<Answer>;
  /** Ends idle connections. */
  close(): void;
}

/** To one host, the URL's path is not looked at: over so many connections at a time. Further calls wait. */
export type ConnectTransport = (endpoint: URL, connections: number) => Transport;

/** Without a byte for so long, a connection is given up. */
export const SILENCE_MS = 5_000;

/** Node's own. */
export const nodeTransport: ConnectTransport = ({ protocol, hostname, port, host }, connections) => {
  const { Agent, request } = protocol === "https:" ? https : http;
  const agent = new Agent({ keepAlive: true, maxSockets: connections, scheduling: "lifo", timeout: SILENCE_MS });
  return {
    post: (headers, body) =>
      new Promise((resolve, reject) => {
        const outgoing = request(
          { agent, hostname, port, method: "POST", path: "/", headers, timeout: SILENCE_MS },
          (incoming) => {
            const chunks: Buffer[] = [];
            incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
            incoming.on("end", () => {
              resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString() });
            });
            // A connection that breaks within an answer ends it with an error, never with "end".
            incoming.on("error", reject);
          },
        );
        outgoing.on("timeout", () => outgoing.destroy(new SilenceError(`${host} is silent`)));
        outgoing.on("error", reject);
        outgoing.end(body);
      }),
    close: () => {
      agent.destroy();
    },
  };
};

/** Nothing came for too long. */
class SilenceError extends Error {
  override readonly name = "SilenceError";
  readonly code = "ETIMEDOUT";
}
