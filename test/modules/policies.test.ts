import { EVERYTHING } from "../support/everything";
import { policiesOf, synthesize } from "../support/synthesized";

/** Wildcards that least privilege can live with, and why. */
const ALLOWED_WILDCARDS: readonly { readonly statement: RegExp; readonly because: string }[] = [
  {
    statement: /^xray:PutTelemetryRecords,xray:PutTraceSegments on \*$/,
    because: "X-Ray knows no resources for these",
  },
  {
    statement: /^logs:CreateLogStream,logs:PutLogEvents on \$\{aws_cloudwatch_log_group\.\w+\.arn\}:\*$/,
    because: "the streams of one log group, which Lambda names",
  },
  {
    statement: /^s3:GetObject on \$\{aws_s3_bucket\.status_page_files\.arn\}\/\*$/,
    because: "CloudFront reads the whole status page, which is all that its bucket holds",
  },
  {
    statement:
      /^s3:DeleteObject,s3:ListBucket,s3:PutObject on ([^,*]+,)+[^,*]+\.arn\}\/badges\/\*,[^,*]+\.arn\}\/incidents\/\*$/,
    because: "the badges of all targets and the pages of incidents, which come and go",
  },
  {
    statement: /^dynamodb:[\w,:]+ on \$\{aws_dynamodb_table\.\w+\.arn\},\$\{aws_dynamodb_table\.\w+\.arn\}\/index\/\*$/,
    because: "one table's own indexes",
  },
  {
    statement:
      /^states:DescribeExecution(,states:StopExecution(,states:GetExecutionHistory,states:RedriveExecution)?)? on arn:[^*]+:execution:[^*]+-workflows-(task|refund-machine):\*$/,
    because: "the executions of one state machine, which come and go",
  },
  {
    statement: /^logs:CreateLogDelivery,(logs:\w+,){6}logs:UpdateLogDelivery on \*$/,
    because: "CloudWatch knows no resources for the delivery of a state machine's log",
  },
  {
    statement: /^xray:GetSamplingRules,xray:GetSamplingTargets,xray:PutTelemetryRecords,xray:PutTraceSegments on \*$/,
    because: "X-Ray knows no resources for these",
  },
  {
    statement:
      /^states:DescribeExecution(,states:RedriveExecution,states:StopExecution)? on arn:[^*]+:execution:[^*]+-exports-run:\*(,arn:[^*]+:execution:[^*]+-exports-run\/\*)?$/,
    because: "executions of one machine, and of its distributed map, which are named as they are started",
  },
  {
    statement: /^s3:[\w,:]+ on \$\{aws_s3_bucket\.files\.arn\},\$\{aws_s3_bucket\.files\.arn\}\/\*$/,
    because: "a bucket that has nothing but exports",
  },
  {
    statement:
      /^s3:[\w,:]+ on (\S+:::a-bucket-of-ours(\/(elsewhere\/|_exports\/)\*)?,?|\$\{aws_s3_bucket\.files\.arn\}(\/(_exports\/reserved\/)?\*)?,?)+$/,
    because: "in a bucket of the user's, an export's files below its own prefix",
  },
  {
    statement:
      /^dynamodb:DescribeExport,dynamodb:DescribeTable,dynamodb:ExportTableToPointInTime on [^*]+\/export\/\*$/,
    because: "exports of one table, which DynamoDB names",
  },
  {
    statement: /^s3:PutObject on \$\{aws_s3_bucket\.results\.arn\}\/results\/\*$/,
    because: "results of tasks, which come and go",
  },
  {
    statement: /^s3:PutObject on \$\{aws_s3_bucket\.archive\.arn\}\/jobOrder\/\*$/,
    because: "a pipeline's part of the archive, which grows by objects",
  },
  { statement: /^kms:\* on \*$/, because: "a key's own policy: the account administers it through IAM; * is this key" },
  { statement: /^kms:Decrypt,kms:GenerateDataKey\* on \*$/, because: "a key's own policy: * is this key" },
];

const everything = synthesize(EVERYTHING);
const policies = [everything.root, ...Object.values(everything.modules)].flatMap(policiesOf);

describe("policies", () => {
  it("are found", () => {
    expect(policies.length).toBeGreaterThan(4);
  });

  it.each(policies.map((policy) => [policy.at, policy] as const))(
    "of %s allow no wildcard that is not on the list",
    (_, { statements }) => {
      const wildcards = statements
        .filter(({ Effect }) => Effect === "Allow")
        .map(({ Action, Resource = [] }) => `${[Action].flat().join(",")} on ${[Resource].flat().join(",")}`)
        .filter((statement) => statement.includes("*"))
        .filter((statement) => !ALLOWED_WILDCARDS.some((allowed) => allowed.statement.test(statement)));
      expect(wildcards).toEqual([]);
    },
  );

  it("refuse plain HTTP wherever data is at rest or on its way", () => {
    for (const json of [everything.root, ...Object.values(everything.modules)]) {
      for (const type of ["aws_sqs_queue", "aws_s3_bucket_policy", "aws_sns_topic_policy"]) {
        for (const { policy } of Object.values(json.resource[type] ?? {})) {
          expect(policy).toContain('"aws:SecureTransport":"false"');
        }
      }
      const buckets = Object.keys(json.resource["aws_s3_bucket"] ?? {}).length;
      expect(Object.keys(json.resource["aws_s3_bucket_policy"] ?? {})).toHaveLength(buckets);
    }
  });
});
