/** Checks of checkov that our stacks fail on purpose, each with its reason. One that nothing fails any more fails the scan. */

export interface Waiver {
  /** checkov's number of the check. */
  readonly check: string;
  readonly reason: string;
  /** The only findings that it holds for: `staging/heartbeats resource.telemetry`. @default all */
  readonly only?: RegExp;
}

export const WAIVERS: readonly Waiver[] = [
  // Functions
  {
    check: "CKV_AWS_115",
    reason: "What is scheduled runs one at a time; a limit for each would take from the account's own thousand",
  },
  {
    check: "CKV_AWS_116",
    reason: "Failed invocations go to a queue by aws_lambda_function_event_invoke_config, which tells more",
  },
  {
    check: "CKV_AWS_117",
    reason: "They call AWS and public addresses only: a VPC would need a NAT gateway, and guard nothing",
  },
  { check: "CKV_AWS_173", reason: "Their variables are names, never secrets; AWS encrypts them with a key of its own" },
  { check: "CKV_AWS_272", reason: "Zips are built and deployed in one run; their hashes are in the plan" },
  // Tables, logs
  {
    check: "CKV_AWS_119",
    reason: "AWS's own key encrypts them; a key of ours would cost, and guard against nobody more",
  },
  {
    check: "CKV_AWS_28",
    reason: "Where data is not protected, it need not be restored (protectData)",
    only: /^staging\//,
  },
  { check: "CKV_AWS_158", reason: "CloudWatch encrypts logs by itself, and no payload or secret is logged" },
  { check: "CKV_AWS_338", reason: "Logs are for last month's incident; what has to be kept is in tables and buckets" },
  // Buckets
  { check: "CKV2_AWS_61", reason: "Their objects are few and overwritten; a lifecycle rule alone takes 55 s to make" },
  { check: "CKV2_AWS_62", reason: "Nobody waits for what is written to them" },
  {
    check: "CKV_AWS_18",
    reason: "Only our own functions and CloudFront get in; an access log would need a bucket that has none",
  },
  {
    check: "CKV_AWS_21",
    reason: "The page is written anew by each run of the checker",
    only: /aws_s3_bucket\.status_page_files$/,
  },
  { check: "CKV_AWS_144", reason: "What is in them is written anew by a deployment or by the next run" },
  {
    check: "CKV_AWS_145",
    reason: "S3's own key encrypts them; CloudFront could not read a key of ours without more rights",
  },
  {
    check: "CKV_AWS_21",
    reason: "An export writes objects of its own, once",
    only: /exports aws_s3_bucket\.files$/,
  },
  {
    check: "CKV_AWS_21",
    reason: "Code is deployed again from the repository, at whichever commit",
    only: /root aws_s3_bucket\.code$/,
  },
  // APIs, for AWS identities only (AWS_IAM), and state machines
  {
    check: "CKV2_AWS_4",
    reason: "Every request is in the access log; execution logs would hold what requests are about",
  },
  { check: "CKV2_AWS_29", reason: "Only signed requests of the account's own identities get further than API Gateway" },
  {
    check: "CKV2_AWS_51",
    reason: "API Gateway proves itself to Lambda by IAM; client certificates are for HTTP backends",
  },
  {
    check: "CKV2_AWS_53",
    reason: "The functions parse every request themselves, and answer with the path and the reason",
  },
  { check: "CKV_AWS_120", reason: "What they answer changes with each request; a cache costs by the hour" },
  { check: "CKV_AWS_225", reason: "What they answer changes with each request; a cache costs by the hour" },
  { check: "CKV_AWS_237", reason: "An API's id is in its address: it is not to be replaced, whatever comes first" },
  { check: "CKV_AWS_73", reason: "The functions behind it are traced, and do all of the work" },
  {
    check: "CKV_AWS_285",
    reason: "Failures are logged without what they are about; Step Functions keeps the history for 90 days",
  },
  // The status page on the web: public, static, and the same for everybody
  { check: "CKV2_AWS_42", reason: "CloudFront's own name and certificate, unless statusPage.domain names another" },
  { check: "CKV2_AWS_47", reason: "A static page runs no Log4j" },
  { check: "CKV_AWS_68", reason: "A static page has nothing that a firewall would guard" },
  { check: "CKV_AWS_86", reason: "Who looks at a public page is nobody's business" },
  {
    check: "CKV_AWS_174",
    reason: "With CloudFront's own certificate the version can't be chosen; with a domain it is TLS 1.2",
  },
  {
    check: "CKV_AWS_259",
    reason: "It is enforced for a year, but not for other names of a domain that may be somebody else's",
  },
  { check: "CKV_AWS_310", reason: "S3 is the only origin; while it is down, CloudFront shows what it has" },
  { check: "CKV_AWS_374", reason: "A status page is for readers everywhere" },
];
