/** What a second plan still changes on moto, and why: the list is complete, and each line has its reason. */
export interface Difference {
  readonly address: string;
  readonly type: string;
  readonly action: string;
  readonly attributes: readonly string[];
}

interface Explained {
  readonly type: string;
  readonly attributes: readonly string[];
  readonly reason: string;
}

export const EXPLAINED: readonly Explained[] = [
  {
    type: "aws_lambda_function",
    attributes: ["logging_config"],
    reason: "moto does not keep the LoggingConfig of a function",
  },
  {
    type: "aws_api_gateway_rest_api",
    attributes: ["binary_media_types"],
    reason: "moto does not keep the binary media types of an API",
  },
  {
    type: "aws_sqs_queue",
    attributes: ["redrive_policy"],
    reason: "moto writes the policy's JSON with spaces, and the provider compares it as text",
  },
  {
    type: "aws_cloudfront_distribution",
    attributes: ["default_cache_behavior", "origin", "viewer_certificate"],
    reason:
      "moto does not keep an origin's access control, and answers with settings of a cache behaviour that has no cache policy, and of a certificate that is not its own",
  },
];

/** Those that no line explains. */
export function unexplained(differences: readonly Difference[]): readonly Difference[] {
  return differences.filter(
    ({ type, action, attributes }) =>
      action !== "update" ||
      !EXPLAINED.some((each) => each.type === type && attributes.every((name) => each.attributes.includes(name))),
  );
}
