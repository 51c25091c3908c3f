/** Posts messages to a pipeline's ingress, as programs with AWS credentials do. */
import { setTimeout as sleep } from "node:timers/promises";
import { apiSigner } from "./api-signer";
import type { AwsSettings } from "./aws-settings";

export interface IngressResponse {
  readonly status: number;
  /** JSON. */
  readonly text: string;
}

/** Of one message. The same message again is stored once. */
const ATTEMPTS = 4;
const PAUSE_MS = 1_000;

/** Posts a message, signed (AWS_IAM); again where the API is unavailable (5xx) or throttles (429). */
export type IngressClient = (body: string | Uint8Array) => Promise<IngressResponse>;

export function ingressClient(endpoint: string, aws: AwsSettings): IngressClient {
  const url = new URL(endpoint);
  const signer = apiSigner(aws);
  return async (body) => {
    const { headers } = await signer.sign({
      method: "POST",
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      headers: { host: url.host, "content-type": "application/json" },
      body,
    });
    for (let attempt = 1; ; attempt++) {
      const response = await fetch(url, { method: "POST", headers, body });
      const { status } = response;
      const text = await response.text();
      if (attempt === ATTEMPTS || (status < 500 && status !== 429)) return { status, text };
      await sleep(attempt * PAUSE_MS);
    }
  };
}
