/** Posts messages to a pipeline's ingress, as programs with AWS credentials do. */
import { apiSigner } from "./api-signer";
import type { AwsSettings } from "./aws-settings";

export interface IngressResponse {
  readonly status: number;
  /** JSON. */
  readonly text: string;
}

/** Posts a message, signed (AWS_IAM). */
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
    const response = await fetch(url, { method: "POST", headers, body });
    return { status: response.status, text: await response.text() };
  };
}
