/** What clients of the AWS SDK are made with. Without credentials they look for them as usual. */
export interface AwsSettings {
  readonly region: string;
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** For S3: emulators have no bucket names in host names. */
export function s3Settings(aws: AwsSettings): AwsSettings & { readonly forcePathStyle: boolean } {
  return { ...aws, forcePathStyle: aws.endpoint !== undefined };
}
