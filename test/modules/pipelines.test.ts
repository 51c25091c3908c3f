import { overview } from "../support/overview";
import { describePolicy, resource, synthesize, type TerraformJson } from "../support/synthesized";

const jobOrder = {
  key: "/jobOrderId",
  version: "/revision",
  slack: "/almanac/slack/orders",
  schema: { type: "object", required: ["jobOrderId"] },
};

function pipelines(
  pipelines: NonNullable<Parameters<typeof synthesize>[0]["pipelines"]> = { jobOrder },
): TerraformJson {
  const module = synthesize({ pipelines }).modules["pipelines"];
  if (!module) throw new Error("no module");
  return module;
}

const addressesOf = ({ resource: resources }: TerraformJson): string[] =>
  Object.entries(resources).flatMap(([type, named]) => Object.keys(named).map((name) => `${type}.${name}`));

describe("the pipelines module", () => {
  it("is what a reviewer reads", () => {
    expect(overview(pipelines())).toMatchSnapshot();
  });

  it("gets all of a second pipeline from one more entry, and changes nothing but the API's deployment and whom the sender sends for", () => {
    const one = pipelines();
    const two = pipelines({ jobOrder, invoice: { key: "/id", slack: "/almanac/slack/orders" } });
    const added = addressesOf(two).filter((address) => !addressesOf(one).includes(address));
    expect(added.filter((address) => !address.includes("invoice"))).toEqual([]);
    const rolesOf = (pipeline: string, json: TerraformJson) =>
      addressesOf(json)
        .filter((address) => address.includes(pipeline) && !address.includes("schema"))
        .map((address) => address.replaceAll(pipeline, "pipeline").replaceAll("jobOrder", "pipeline"))
        .sort();
    expect(rolesOf("invoice", two)).toEqual(rolesOf("job_order", one).concat(rolesOf("jobOrder", one)).sort());
    for (const address of addressesOf(one)) {
      const [type = "", name = ""] = address.split(".");
      if (name.startsWith("send_") || type === "aws_api_gateway_deployment") continue;
      const before: unknown = JSON.parse(
        JSON.stringify(resource(one, type, name)).replace(
          /"SLACK_PARAMETERS":"([^"]*)"/,
          '"SLACK_PARAMETERS":"$1,invoice=/almanac/slack/orders"',
        ),
      );
      expect(resource(two, type, name)).toEqual(before);
    }
  });

  it("lets each function do what it is for, and nothing else", () => {
    const policyOf = (name: string) =>
      describePolicy(resource(pipelines(), "aws_iam_role_policy", `${name}_policy`)["policy"]);
    const common = (name: string) => [
      `Allow logs:CreateLogStream, logs:PutLogEvents on \${aws_cloudwatch_log_group.${name}_log_group.arn}:* (Logs)`,
      "Allow xray:PutTelemetryRecords, xray:PutTraceSegments on * (Traces)",
    ];
    expect(policyOf("job_order_ingress")).toEqual([
      "Allow sqs:SendMessage on ${aws_sqs_queue.job_order_ingest_queue.arn} (QueueUrl)",
      "Allow s3:GetObject on ${aws_s3_bucket.configuration.arn}/schemas/jobOrder.json (SchemaBucket)",
      ...common("job_order_ingress"),
    ]);
    expect(policyOf("job_order_ingest")).toEqual([
      "Allow dynamodb:PutItem on ${aws_dynamodb_table.job_order_table.arn} (PipelineTable)",
      "Allow s3:PutObject on ${aws_s3_bucket.archive.arn}/jobOrder/* (ArchiveBucket)",
      "Allow kms:Decrypt, kms:GenerateDataKey on ${var.encryption_key_arn} (ArchiveBucketKey)",
      "Allow sqs:DeleteMessage, sqs:GetQueueAttributes, sqs:ReceiveMessage on ${aws_sqs_queue.job_order_ingest_queue.arn} (Queue)",
      ...common("job_order_ingest"),
    ]);
    expect(policyOf("job_order_notify")).toEqual([
      "Allow dynamodb:BatchWriteItem on ${aws_dynamodb_table.notifications.arn} (NotificationsTable)",
      "Allow lambda:InvokeFunction on ${aws_lambda_function.send.arn} (SendFunction)",
      "Allow dynamodb:DescribeStream, dynamodb:GetRecords, dynamodb:GetShardIterator on ${aws_dynamodb_table.job_order_table.stream_arn} (Stream)",
      "Allow sqs:SendMessage on ${aws_sqs_queue.job_order_ingest_queue_dlq.arn} (StreamFailures)",
      ...common("job_order_notify"),
    ]);
    expect(policyOf("send")).toEqual([
      "Allow dynamodb:BatchWriteItem, dynamodb:Query, dynamodb:UpdateItem on ${aws_dynamodb_table.notifications.arn} (NotificationsTable)",
      "Allow ssm:GetParameter on arn:${data.aws_partition.partition.partition}:ssm:${data.aws_region.region.name}:${data.aws_caller_identity.account.account_id}:parameter/almanac/slack/orders (SlackParameters)",
      "Allow sqs:SendMessage on ${aws_sqs_queue.dlq.arn} (DeadLetterQueue)",
      ...common("send"),
    ]);
  });

  it("accepts signed requests only", () => {
    expect(resource(pipelines(), "aws_api_gateway_method", "api_post_pipelines_jobOrder")).toMatchObject({
      http_method: "POST",
      authorization: "AWS_IAM",
    });
  });

  it("accepts requests without AWS credentials at a webhook only, throttled, and lets its function read its secret", () => {
    const github = { ...jobOrder, webhook: { verify: "github", secret: "/almanac/github" } } as const;
    const json = pipelines({ jobOrder: github });
    expect(resource(json, "aws_api_gateway_method", "api_post_pipelines_jobOrder")).toMatchObject({
      authorization: "AWS_IAM",
    });
    expect(resource(json, "aws_api_gateway_method", "api_post_webhooks_jobOrder")).toMatchObject({
      authorization: "NONE",
    });
    expect(resource(json, "aws_api_gateway_method_settings", "api_post_webhooks_jobOrder_throttling")).toMatchObject({
      method_path: "~1webhooks~1jobOrder/POST",
      settings: { throttling_rate_limit: 50, throttling_burst_limit: 100 },
    });
    const policy = describePolicy(resource(json, "aws_iam_role_policy", "job_order_webhook_policy")["policy"]);
    expect(policy).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^Allow ssm:GetParameter on .*:parameter\/almanac\/github \(WebhookSecret\)$/),
        "Allow dynamodb:GetItem, dynamodb:PutItem on ${aws_dynamodb_table.webhook_deliveries.arn} (DeliveriesTable)",
      ]),
    );
    expect(resource(json, "aws_dynamodb_table", "webhook_deliveries")).toMatchObject({
      ttl: { attribute_name: "expiresAt", enabled: true },
    });
  });

  it("never lets one message or one change hold up the others", () => {
    expect(resource(pipelines(), "aws_lambda_event_source_mapping", "job_order_ingest_event_source")).toMatchObject({
      function_response_types: ["ReportBatchItemFailures"],
    });
    expect(resource(pipelines(), "aws_lambda_event_source_mapping", "job_order_notify_event_source")).toMatchObject({
      bisect_batch_on_function_error: true,
      maximum_retry_attempts: 20,
      destination_config: { on_failure: { destination_arn: "${aws_sqs_queue.job_order_ingest_queue_dlq.arn}" } },
    });
  });

  it("distinguishes one dead letter from many", () => {
    const alarms = Object.entries(pipelines().resource["aws_cloudwatch_metric_alarm"] ?? {});
    const thresholds = alarms
      .filter(([name]) => name.startsWith("job_order_ingest_queue_dlq"))
      .map(([name, { threshold }]) => [name, threshold]);
    expect(thresholds).toEqual([
      ["job_order_ingest_queue_dlq_depth", 0],
      ["job_order_ingest_queue_dlq_high_depth", 100],
    ]);
  });

  it("notifies changes from the deployment on that adds notifications, not those in the stream before", () => {
    const json = pipelines();
    expect(resource(json, "terraform_data", "job_order_notify_from")).toEqual({
      input: { time: "${plantimestamp()}" },
      lifecycle: { ignore_changes: ["input"] },
    });
    expect(JSON.stringify(resource(json, "aws_lambda_function", "job_order_notify"))).toContain(
      '"NOTIFY_FROM":"${terraform_data.job_order_notify_from.output.time}"',
    );
  });

  it("knows since when messages are identified as they are: a change of key or version begins anew", () => {
    const json = pipelines();
    expect(resource(json, "terraform_data", "job_order_pointers_since")).toEqual({
      input: { time: "${plantimestamp()}" },
      lifecycle: { ignore_changes: ["input"] },
      triggers_replace: ['${var.pipelines["jobOrder"].key}', '${try(var.pipelines["jobOrder"].version, "")}'],
    });
    for (const name of ["ingress", "ingest"])
      expect(JSON.stringify(resource(json, "aws_lambda_function", `job_order_${name}`))).toContain(
        '"POINTERS_SINCE":"${terraform_data.job_order_pointers_since.output.time}"',
      );
  });

  it("keeps the order of a summary, which Terraform would sort", () => {
    const { tfvars } = {
      tfvars: JSON.stringify(synthesize({ pipelines: { jobOrder: { ...jobOrder, summary: { Z: "/z", A: "/a" } } } })),
    };
    expect(tfvars).toContain('[["Z","/z"],["A","/a"]]');
  });

  it.each([["notifications"], ["dlq"], ["jobOrderDlq"]])(
    "is not there with a pipeline named %s, whose resources would have names of others",
    (name) => {
      expect(() => pipelines({ jobOrder, [name]: { key: "/id", slack: "/almanac/slack/orders" } })).toThrow(
        /would both be named .*Choose another name/,
      );
    },
  );

  it("encrypts the archive with its key", () => {
    expect(
      JSON.stringify(resource(pipelines(), "aws_s3_bucket_server_side_encryption_configuration", "archive_encryption")),
    ).toContain('"kms_master_key_id":"${var.encryption_key_arn}","sse_algorithm":"aws:kms"');
  });

  it("holds no webhook, only the name of the parameter that does", () => {
    expect(JSON.stringify(pipelines())).not.toMatch(/hooks\.slack\.com|ssm_parameter/);
  });

  it("has neither a notification queue nor a sender where no pipeline notifies Slack", () => {
    const quiet = pipelines({ jobOrder: { key: "/id" } });
    expect(addressesOf(quiet).filter((address) => /notifications|send|notify|\.configuration/.test(address))).toEqual(
      [],
    );
  });
});
