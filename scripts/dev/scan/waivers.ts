/** Checks of checkov, parliament and cfn-lint that the stacks fail on purpose, with reasons. A waiver without a finding fails the scan. */

export interface Waiver {
  /** checkov's id, or `parliament RESOURCE_STAR`. */
  readonly check: string;
  readonly reason: string;
  /** Only for these findings: `staging/heartbeats resource.telemetry`. @default all */
  readonly only?: RegExp;
}

export const WAIVERS: readonly Waiver[] = [
  // Functions
  {
    check: "CKV_AWS_115",
    reason: "Scheduled functions run one at a time; reserved concurrency would reduce the account's limit of 1,000",
  },
  {
    check: "CKV_AWS_116",
    reason: "Failed invocations go to a queue by aws_lambda_function_event_invoke_config, which records more",
  },
  {
    check: "CKV_AWS_117",
    reason: "They call AWS and public addresses only: a VPC would need a NAT gateway and protect nothing",
  },
  { check: "CKV_AWS_173", reason: "Their variables are names, never secrets; AWS encrypts them with a key of its own" },
  { check: "CKV_AWS_272", reason: "Zips are built and deployed in one run; their hashes are in the plan" },
  // Tables, logs
  {
    check: "CKV_AWS_119",
    reason: "Encrypted with an AWS-owned key; a customer-managed key would cost without more protection",
  },
  {
    check: "CKV_AWS_28",
    reason: "Environments without protectData need no restore",
    only: /^staging\//,
  },
  { check: "CKV_AWS_158", reason: "CloudWatch encrypts logs, and no payload or secret is logged" },
  { check: "CKV_AWS_338", reason: "Logs are for recent incidents; long-term data is in tables and buckets" },
  // Buckets
  { check: "CKV2_AWS_61", reason: "Few objects, overwritten in place; a lifecycle rule takes 55 s to create" },
  { check: "CKV2_AWS_62", reason: "No consumer needs their events" },
  {
    check: "CKV_AWS_18",
    reason: "Only our functions and CloudFront have access; an access log needs another bucket without one",
  },
  {
    check: "CKV_AWS_21",
    reason: "Each run of the checker rewrites the page",
    only: /aws_s3_bucket\.status_page_files$/,
  },
  { check: "CKV_AWS_144", reason: "The next deployment or run rewrites their content" },
  {
    check: "CKV_AWS_145",
    reason: "Encrypted with S3's key; CloudFront would need more permissions for a customer-managed key",
  },
  {
    check: "CKV_AWS_21",
    reason: "An export writes its objects once",
    only: /exports aws_s3_bucket\.files$/,
  },
  {
    check: "CKV_AWS_21",
    reason: "Code can be deployed again from any commit",
    only: /root aws_s3_bucket\.code$/,
  },
  // APIs, for AWS identities only (AWS_IAM), and state machines
  {
    check: "CKV2_AWS_4",
    reason: "Every request is in the access log; execution logs would contain payloads",
  },
  { check: "CKV2_AWS_29", reason: "API Gateway accepts only signed requests of the account's own identities" },
  {
    check: "CKV2_AWS_51",
    reason: "API Gateway authenticates to Lambda with IAM; client certificates are for HTTP backends",
  },
  {
    check: "CKV2_AWS_53",
    reason: "The functions validate every request, and respond with path and reason",
  },
  { check: "CKV_AWS_120", reason: "Responses differ by request; a cache is billed by the hour" },
  { check: "CKV_AWS_225", reason: "Responses differ by request; a cache is billed by the hour" },
  { check: "CKV_AWS_237", reason: "The API's id is in its URL, so it must not be replaced" },
  { check: "CKV_AWS_73", reason: "The functions behind it are traced" },
  {
    check: "CKV_AWS_285",
    reason: "Failures are logged without payloads; Step Functions keeps the history for 90 days",
  },
  // The public status page: static
  { check: "CKV2_AWS_42", reason: "CloudFront's own name and certificate, unless statusPage.domain names another" },
  { check: "CKV2_AWS_47", reason: "A static page runs no Log4j" },
  { check: "CKV_AWS_68", reason: "A static page needs no web application firewall" },
  { check: "CKV_AWS_86", reason: "Readers of a public page are not logged" },
  {
    check: "CKV_AWS_174",
    reason: "CloudFront's default certificate has no TLS setting; with a domain it is TLS 1.2",
  },
  {
    check: "CKV_AWS_259",
    reason: "Enforced for a year, but not for subdomains, which may belong to others",
  },
  { check: "CKV_AWS_310", reason: "S3 is the only origin; CloudFront serves cached content during an outage" },
  { check: "CKV_AWS_374", reason: "A status page has readers in every country" },
  // parliament, whose data of IAM is of April 2025
  {
    check: "parliament MALFORMED",
    reason: "A trust policy has no resource: its role is the resource",
    only: /aws_iam_role\.\w+\.assume_role_policy$/,
  },
  {
    check: "parliament RESOURCE_STAR",
    reason: "In a key's policy, every resource is the key itself",
    only: /aws_kms_key\.key\.policy$/,
  },
  {
    check: "parliament RESOURCE_MISMATCH",
    reason: "It knows express executions only; DescribeExecution takes standard ones",
    only: / states:DescribeExecution$/,
  },
  {
    check: "parliament RESOURCE_MISMATCH",
    reason: "It knows map runs only; ListExecutions takes a state machine",
    only: / states:ListExecutions$/,
  },
  {
    check: "parliament RESOURCE_MISMATCH",
    reason: "The label of a stream is a time, at whose colons it splits the ARN",
    only: / dynamodb:(DescribeStream|GetRecords|GetShardIterator)$/,
  },
];
