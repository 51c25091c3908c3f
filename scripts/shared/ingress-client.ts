/** Posts messages to a pipeline's ingress, as programs with AWS credentials do. */
import { SQSClient } from "@aws-sdk/client-sqs";
import { SignatureV4 } from "@smithy/signature-v4";
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
  // A client of the SDK resolves credentials, and has a hash.
  const { config } = new SQSClient(aws);
  const signer = new SignatureV4({
    service: "execute-api",
    region: aws.region,
    credentials: () => config.credentials(),
    sha256: config.sha256,
  });
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
