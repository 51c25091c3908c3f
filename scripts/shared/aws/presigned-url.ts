/** An address of an S3 object that a browser can open without credentials, for a limited time. */
import { S3Client } from "@aws-sdk/client-s3";
import { SignatureV4 } from "@smithy/signature-v4";
import { s3Settings, type AwsSettings } from "./aws-settings";
import { partitionOf } from "../../../modules/synthesized/partition";

export async function presignedUrl(
  {
    bucket,
    key,
    expiresInSeconds,
  }: { readonly bucket: string; readonly key: string; readonly expiresInSeconds: number },
  aws: AwsSettings,
): Promise<string> {
  const { config } = new S3Client(s3Settings(aws));
  const signer = new SignatureV4({
    service: "s3",
    region: aws.region,
    credentials: () => config.credentials(),
    sha256: config.sha256,
    uriEscapePath: false,
  });
  const suffix = partitionOf(aws.region) === "aws-cn" ? ".cn" : "";
  const url =
    aws.endpoint === undefined
      ? new URL(`https://${bucket}.s3.${aws.region}.amazonaws.com${suffix}/${key}`)
      : new URL(`/${bucket}/${key}`, aws.endpoint);
  const { query = {} } = await signer.presign(
    {
      method: "GET",
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      headers: { host: url.host, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" },
    },
    { expiresIn: expiresInSeconds },
  );
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
  return url.href;
}
