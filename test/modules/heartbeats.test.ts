import { ConfigurationError } from "../../modules/constructs/config";
import { overview } from "../support/overview";
import { describePolicy, resource, synthesize } from "../support/synthesized";

const targets = [{ name: "site", url: "https://example.org/" }];
const cronMonitors = [{ name: "backup", everySeconds: 86_400 }];
const slackWebhookParameter = "/almanac/slack/webhook";
const heartbeats = () => {
  const module = synthesize({ heartbeats: { targets, cronMonitors, slackWebhookParameter } }).modules["heartbeats"];
  if (!module) throw new Error("no module");
  return module;
};

describe("the heartbeats module", () => {
  it("is what a reviewer reads", () => {
    expect(overview(heartbeats())).toMatchSnapshot();
  });

  it("lets the checker read its configuration, write telemetry and states, notify, and nothing else", () => {
    expect(describePolicy(resource(heartbeats(), "aws_iam_role_policy", "check_policy")["policy"])).toEqual([
      "Allow dynamodb:BatchWriteItem on ${aws_dynamodb_table.telemetry.arn} (TelemetryTable)",
      "Allow dynamodb:BatchGetItem, dynamodb:GetItem, dynamodb:PutItem, dynamodb:UpdateItem on ${aws_dynamodb_table.state.arn} (StateTable)",
      "Allow s3:GetObject on ${aws_s3_bucket.configuration.arn}/targets.json, ${aws_s3_bucket.configuration.arn}/monitors.json (ConfigurationBucket)",
      "Allow lambda:InvokeFunction on ${aws_lambda_function.publish.arn} (PublishFunction)",
      "Allow sns:Publish on ${var.alarm_topic_arn} (NotificationTopic)",
      "Allow kms:Decrypt, kms:GenerateDataKey on ${var.encryption_key_arn} (NotificationTopicKey)",
      "Allow ssm:GetParameter on arn:${data.aws_partition.partition.partition}:ssm:${data.aws_region.region.name}:${data.aws_caller_identity.account.account_id}:parameter${var.slack_webhook_parameter} (SlackWebhookParameter)",
      "Allow sqs:SendMessage on ${aws_sqs_queue.dlq.arn} (DeadLetterQueue)",
      "Allow logs:CreateLogStream, logs:PutLogEvents on ${aws_cloudwatch_log_group.check_log_group.arn}:* (Logs)",
      "Allow xray:PutTelemetryRecords, xray:PutTraceSegments on * (Traces)",
    ]);
  });

  it("lets the heartbeat API record heartbeats, read the cron monitors, and nothing else", () => {
    expect(describePolicy(resource(heartbeats(), "aws_iam_role_policy", "api_policy")["policy"])).toEqual([
      "Allow dynamodb:UpdateItem on ${aws_dynamodb_table.state.arn} (StateTable)",
      "Allow s3:GetObject on ${aws_s3_bucket.configuration.arn}/monitors.json (ConfigurationBucket)",
      "Allow logs:CreateLogStream, logs:PutLogEvents on ${aws_cloudwatch_log_group.api_log_group.arn}:* (Logs)",
      "Allow xray:PutTelemetryRecords, xray:PutTraceSegments on * (Traces)",
    ]);
  });

  it("has an API for signed requests only, and only where there are cron monitors", () => {
    expect(resource(heartbeats(), "aws_api_gateway_method", "api_rest_post_heartbeats_item")).toMatchObject({
      http_method: "POST",
      authorization: "AWS_IAM",
    });
    const { modules, root } = synthesize({ heartbeats: { targets } });
    for (const json of [root, modules["heartbeats"]])
      expect(Object.keys(json?.resource ?? {}).filter((type) => type.startsWith("aws_api_gateway"))).toEqual([]);
  });

  it("has ping URLs only where there is a secret for them, which only the API reads, and whose access log has no paths", () => {
    const pingSecretParameter = "/almanac/heartbeats/ping";
    const { modules } = synthesize({ heartbeats: { targets, cronMonitors, pingSecretParameter } });
    const module = modules["heartbeats"];
    if (!module) throw new Error("no module");
    const methods = Object.entries(module.resource["aws_api_gateway_method"] ?? {}).map(
      ([name, { authorization }]) => `${name.replace("api_rest_", "")}: ${String(authorization)}`,
    );
    expect(methods.sort()).toEqual([
      "get_ping_item: NONE",
      "get_ping_item_item: NONE",
      "post_heartbeats_item: AWS_IAM",
      "post_heartbeats_item_item: AWS_IAM",
      "post_ping_item: NONE",
      "post_ping_item_item: NONE",
    ]);
    expect(describePolicy(resource(module, "aws_iam_role_policy", "api_policy")["policy"])).toContainEqual(
      expect.stringMatching(
        /^Allow ssm:GetParameter on .*:parameter\$\{var.ping_secret_parameter\} \(PingSecretParameter\)$/,
      ),
    );
    const format = (json: typeof module) => JSON.stringify(resource(json, "aws_api_gateway_stage", "api_rest_stage"));
    expect(format(module)).toContain("context.resourcePath");
    expect(format(module)).not.toContain("context.path");
    expect(format(heartbeats())).toContain("context.path");
    expect(JSON.stringify(heartbeats())).not.toContain("ping");
  });

  it("leaves API Gateway's role for logs to the account: environments share it, and each may be destroyed", () => {
    const { root, modules } = synthesize({ heartbeats: { targets, cronMonitors } });
    for (const json of [root, modules["heartbeats"]])
      expect(json?.resource).not.toHaveProperty("aws_api_gateway_account");
  });

  it("has no permission for a webhook where none is configured", () => {
    const module = synthesize({ heartbeats: { targets } }).modules["heartbeats"];
    expect(JSON.stringify(module)).not.toContain("ssm:");
  });

  it("lets the checker read exactly the secrets that headers name, with the customer managed keys that they need", () => {
    const key = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    const withSecrets = [
      { name: "a", url: "https://a.example.org/", headers: { Authorization: { ssm: "/shop/token" } } },
      { name: "b", url: "https://b.example.org/", headers: { Authorization: { ssm: "/shop/token" } } },
      { name: "c", url: "https://c.example.org/", headers: { "X-Api-Key": { ssm: "/forum/key", key } } },
    ];
    const { modules, root } = synthesize({ heartbeats: { targets: withSecrets } });
    const { policy } =
      (modules["heartbeats"] && resource(modules["heartbeats"], "aws_iam_role_policy", "check_policy")) ?? {};
    const arn = (name: string) =>
      `arn:\${data.aws_partition.partition.partition}:ssm:\${data.aws_region.region.name}:\${data.aws_caller_identity.account.account_id}:parameter${name}`;
    expect(describePolicy(policy).filter((statement) => statement.includes("Secret"))).toEqual([
      `Allow ssm:GetParameter on ${arn("/shop/token")}, ${arn("/forum/key")} (SecretCacheSeconds)`,
      `Allow kms:Decrypt on ${key} (SecretCacheSecondsKeys)`,
    ]);
    expect(root.module["heartbeats"]?.["targets"]).toMatchObject([
      { headers: { Authorization: { ssm: "/shop/token" } } },
      {},
      {},
    ]);
  });

  it("lets the publisher read states, write the page, and nothing else", () => {
    expect(describePolicy(resource(heartbeats(), "aws_iam_role_policy", "publish_policy")["policy"])).toEqual([
      "Allow dynamodb:BatchGetItem, dynamodb:Query on ${aws_dynamodb_table.state.arn} (StateTable)",
      "Allow s3:GetObject on ${aws_s3_bucket.configuration.arn}/targets.json, ${aws_s3_bucket.configuration.arn}/monitors.json (ConfigurationBucket)",
      "Allow s3:DeleteObject, s3:ListBucket, s3:PutObject on ${aws_s3_bucket.status_page_files.arn}, ${aws_s3_bucket.status_page_files.arn}/index.html, ${aws_s3_bucket.status_page_files.arn}/status.json, ${aws_s3_bucket.status_page_files.arn}/feed.xml, ${aws_s3_bucket.status_page_files.arn}/feed.json, ${aws_s3_bucket.status_page_files.arn}/badges/*, ${aws_s3_bucket.status_page_files.arn}/incidents/* (StatusPageBucket)",
      "Allow sqs:SendMessage on ${aws_sqs_queue.dlq.arn} (DeadLetterQueue)",
      "Allow logs:CreateLogStream, logs:PutLogEvents on ${aws_cloudwatch_log_group.publish_log_group.arn}:* (Logs)",
      "Allow xray:PutTelemetryRecords, xray:PutTraceSegments on * (Traces)",
    ]);
  });

  it("lets the checker read the secret of its webhook, and no other function", () => {
    const webhook = { url: "https://hooks.example.org/almanac", secretParameter: "/almanac/heartbeats/webhook" };
    const module = synthesize({ heartbeats: { targets, cronMonitors, webhook } }).modules["heartbeats"];
    if (!module) throw new Error("no module");
    const reading = (name: string) =>
      describePolicy(resource(module, "aws_iam_role_policy", name)["policy"]).filter((each) => each.includes("ssm:"));
    expect(reading("check_policy")).toEqual([
      expect.stringMatching(/:parameter\$\{var.webhook_secret_parameter\} \(WebhookSecretParameter\)$/),
    ]);
    expect([...reading("api_policy"), ...reading("publish_policy")]).toEqual([]);
  });

  it("gives the publisher the brand, with the logo as data", () => {
    const statusPage = {
      title: "Lindwurm",
      link: "https://lindwurm.example/",
      accent: "#7a1f5c",
      logo: "test/support/logo.svg",
    };
    const { root } = synthesize({ heartbeats: { targets, statusPage } });
    const { title, link, accent } = statusPage;
    expect(root.module["heartbeats"]?.["monitors"]).toMatchObject({
      brand: { title, link, accent, logo: expect.stringMatching(/^data:image\/svg\+xml;base64,PHN2/) as unknown },
    });
  });

  it("has the telemetry table's keys from the contract", () => {
    expect(resource(heartbeats(), "aws_dynamodb_table", "telemetry")).toMatchObject({
      name: "${var.app}-${var.environment}-heartbeats",
      hash_key: "utcDate",
      range_key: "utcTime",
      ttl: { attribute_name: "ttl", enabled: true },
    });
  });

  it("protects telemetry from deletion in production only", () => {
    const production = synthesize({ protectData: true, heartbeats: { targets } }, "production").modules["heartbeats"];
    expect(production && resource(production, "aws_dynamodb_table", "telemetry")).toMatchObject({
      deletion_protection_enabled: true,
      point_in_time_recovery: { enabled: true },
      lifecycle: { prevent_destroy: true },
    });
    expect(resource(heartbeats(), "aws_dynamodb_table", "telemetry")).toMatchObject({
      deletion_protection_enabled: false,
      point_in_time_recovery: { enabled: false },
      lifecycle: { prevent_destroy: false },
    });
  });

  it("passes targets to Terraform unchanged, whatever they contain", () => {
    const { root } = synthesize({
      heartbeats: { targets: [{ name: "site", url: "https://example.org/", bodyContains: "${var.app} %{if}" }] },
    });
    expect(root.module["heartbeats"]?.["targets"]).toMatchObject([{ bodyContains: "$${var.app} %%{if}" }]);
  });

  it("gives the checker enough time for all its targets", () => {
    const slow = Array.from({ length: 800 }, (_, index) => ({
      name: `slow-${index}`,
      url: "https://example.org/",
      timeoutSeconds: 60,
    }));
    const { root } = synthesize({ heartbeats: { targets: slow } });
    // 800 checks of 60 s, 400 at a time: 120 s; a second for each 24 that begin; the longest check again; 75 s for saving and notifying.
    expect(root.module["heartbeats"]).toMatchObject({ timeout_seconds: 289 });
  });

  it("has names within AWS's limits for the longest environment name", () => {
    const limits: Readonly<Record<string, number>> = {
      bucket: 63,
      function_name: 64,
      "aws_iam_role.name": 64,
      "aws_cloudwatch_event_rule.name": 64,
      "aws_sqs_queue.name": 80,
      "aws_dynamodb_table.name": 255,
    };
    const names = Object.entries(heartbeats().resource).flatMap(([type, named]) =>
      Object.values(named).flatMap((attributes) =>
        Object.entries(attributes).flatMap(([key, value]) => {
          const limit = limits[key] ?? limits[`${type}.${key}`];
          const name = typeof value === "string" ? value.replace(/\$\{[^}]*\}/g, "x".repeat(12)) : undefined;
          return limit === undefined || name?.includes("-") !== true ? [] : [{ name, limit }];
        }),
      ),
    );
    expect(names.length).toBeGreaterThan(4);
    for (const { name, limit } of names) expect(name.length).toBeLessThanOrEqual(limit);
  });

  it("refuses targets that need more than Lambda's time limit", () => {
    const tooSlow = Array.from({ length: 6000 }, (_, index) => ({
      name: `slow-${index}`,
      url: "https://example.org/",
      timeoutSeconds: 60,
    }));
    expect(() => synthesize({ heartbeats: { targets: tooSlow } })).toThrow(ConfigurationError);
  });
});
