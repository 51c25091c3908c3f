/** Signs requests to APIs (AWS_IAM). */
import { SQSClient } from "@aws-sdk/client-sqs";
import { SignatureV4 } from "@smithy/signature-v4";
import type { AwsSettings } from "./aws-settings";

export function apiSigner(aws: AwsSettings): SignatureV4 {
  // A client of the SDK resolves credentials, and has a hash.
  const { config } = new SQSClient(aws);
  return new SignatureV4({
    service: "execute-api",
    region: aws.region,
    credentials: () => config.credentials(),
    sha256: config.sha256,
  });
}
