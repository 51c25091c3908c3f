/** The least that a check can be: a request over a new connection, with one TLS context for all. */
import { Agent, request } from "node:https";
import { createSecureContext, type SecureContext } from "node:tls";

import { mapConcurrently } from "../../../../../functions/shared/resilience/concurrency";
import { TARGETS } from "./messages";

/** More gave no more requests a second. */
const CONCURRENT_REQUESTS = 32;

const contexts = new Map<string, SecureContext>();

/** As many requests as there are targets. Each connection is new, with a handshake of its own, as those of checks. */
export async function bareRequests(url: string, ca: string): Promise<void> {
  const secureContext = contexts.get(ca) ?? createSecureContext({ ca });
  contexts.set(ca, secureContext);
  const agent = new Agent({ keepAlive: false, maxCachedSessions: 0, secureContext });
  await mapConcurrently(Array.from({ length: TARGETS }), CONCURRENT_REQUESTS, () => get(url, agent));
}

function get(url: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    request(url, { agent }, (response) => {
      response.resume().on("end", resolve);
    })
      .on("error", reject)
      .end();
  });
}
