import { Construct } from "constructs";
import * as z from "zod";
import { Alarm } from "../../../modules/constructs/resources/alarm";
import { Bucket } from "../../../modules/constructs/resources/bucket";
import { DeadLetterQueue, Queue } from "../../../modules/constructs/resources/queue";
import { policy, statementsOf } from "../../../modules/constructs/resources/grants";
import { Table } from "../../../modules/constructs/resources/table";
import { describePolicy, resource, synthesize, synthesizeConstructs } from "../../support/synthesized";

const metric = {
  namespace: "AWS/SQS",
  metric: "NumberOfMessagesSent",
  dimensions: {},
  statistic: "Sum",
  comparison: "GreaterThanThreshold",
  threshold: 0,
  periodSeconds: 60,
} as const;

describe("a table", () => {
  it("declares each key attribute once, though indexes share them", () => {
    const table = synthesizeConstructs((scope) => {
      new Table(scope, "orders", {
        partitionKey: { name: "id", type: "S" },
        sortKey: { name: "at", type: "N" },
        indexes: [
          { name: "by-customer", partitionKey: { name: "customer", type: "S" }, sortKey: { name: "at", type: "N" } },
        ],
        stream: "NEW_IMAGE",
      });
    });
    expect(resource(table, "aws_dynamodb_table", "orders")).toMatchObject({
      attribute: [
        { name: "id", type: "S" },
        { name: "at", type: "N" },
        { name: "customer", type: "S" },
      ],
      stream_enabled: true,
      stream_view_type: "NEW_IMAGE",
    });
  });

  it("grants its indexes only where it has some", () => {
    synthesizeConstructs((scope) => {
      const key = { partitionKey: { name: "id", type: "S" } } as const;
      const plain = new Table(scope, "plain", { nameSuffix: "plain", ...key });
      const indexed = new Table(scope, "indexed", {
        nameSuffix: "indexed",
        ...key,
        indexes: [{ name: "by-id", ...key }],
      });
      expect(plain.grant("Query").resources).toEqual([plain.arn]);
      expect(indexed.grant("Query", "PutItem")).toEqual({
        value: indexed.name,
        actions: ["dynamodb:Query", "dynamodb:PutItem"],
        resources: [indexed.arn, `${indexed.arn}/index/by-id`],
      });
      expect(indexed.grant("GetItem").resources).toEqual([indexed.arn]);
    });
  });
});

describe("the statements of a policy", () => {
  it("use keys for decryption, or for encryption too, and no other keys", () => {
    const orders = { value: "orders", actions: ["dynamodb:GetItem"], resources: ["arn:orders"] };
    const ofKeys = (more: object) =>
      statementsOf({ ORDERS: { ...orders, ...more } })
        .slice(1)
        .map(({ Action, Resource }) => [Action, Resource]);
    expect(ofKeys({})).toEqual([]);
    expect(ofKeys({ encryptionKey: "arn:key" })).toEqual([[["kms:Decrypt", "kms:GenerateDataKey"], ["arn:key"]]]);
    expect(ofKeys({ decryptionKeys: ["arn:key"] })).toEqual([[["kms:Decrypt"], ["arn:key"]]]);
  });

  it("have different names: IAM refuses one that is there twice", () => {
    const named = (Sid: string) => ({ Sid, Effect: "Allow" as const, Action: "a:B" });
    const { Statement } = policySchema.parse(JSON.parse(policy([named("Logs"), named("Logs1"), named("Logs")])));
    expect(Statement.map(({ Sid }) => Sid)).toEqual(["Logs", "Logs1", "Logs2"]);
  });
});

const policySchema = z.object({ Statement: z.array(z.object({ Sid: z.string() })) });

describe("a queue", () => {
  const json = synthesizeConstructs((scope) => {
    new Queue(scope, "fires", {
      nameSuffix: "fires",
      visibilityTimeoutSeconds: 180,
      alarms: {
        deadLetterQueue: {
          depth: { description: "Fires fail", impact: "Timers are lost.", runbook: "sample#fires-fail" },
        },
        oldestMessageAge: { disabled: "a sample" },
      },
    });
  });

  it("sends failed messages to its dead-letter queue, by a reference that Terraform orders by", () => {
    expect(JSON.parse(String(resource(json, "aws_sqs_queue", "fires")["redrive_policy"]))).toEqual({
      deadLetterTargetArn: "${aws_sqs_queue.fires_dlq.arn}",
      maxReceiveCount: 5,
    });
  });

  it("is encrypted, reached over TLS only, and raises an alarm at the first dead letter", () => {
    expect(resource(json, "aws_sqs_queue", "fires")["sqs_managed_sse_enabled"]).toBe(true);
    expect(describePolicy(resource(json, "aws_sqs_queue", "fires")["policy"])).toEqual([
      expect.stringMatching(/^Deny sqs:\* on \S+-fires by "\*" if \S+"aws:SecureTransport":"false"/),
    ]);
    expect(resource(json, "aws_cloudwatch_metric_alarm", "fires_dlq_depth")).toMatchObject({
      threshold: 0,
      comparison_operator: "GreaterThanThreshold",
      alarm_description:
        "Fires fail.\n\nImpact: Timers are lost.\n\nRunbook: https://github.com/almanac-aws/almanac/blob/main/docs/operations/sample.md#fires-fail",
    });
  });

  it("lets EventBridge send for the rules of its feature, in one statement for any number of them", () => {
    const accepting = synthesizeConstructs((scope) => {
      const queue = new DeadLetterQueue(scope, "lost", { alarms: { depth: { disabled: "a sample" } } });
      for (let rule = 0; rule < 30; rule += 1) queue.allowRules();
    });
    const statements = describePolicy(resource(accepting, "aws_sqs_queue", "lost")["policy"]);
    expect(statements).toHaveLength(2);
    expect(statements[1]).toMatch(
      /^Allow sqs:SendMessage on .* by \{"Service":"events.amazonaws.com"\} if \{"ArnLike":\{"aws:SourceArn":"arn:\S+:rule\/\S+-sample-\*"\}\}/,
    );
  });
});

describe("a bucket", () => {
  it("is emptied with its environment, except where data is protected", () => {
    const bucket = (protectData: boolean) =>
      resource(
        synthesizeConstructs((scope) => {
          new Bucket(scope, "archive", { nameSuffix: "archive" });
        }, protectData),
        "aws_s3_bucket",
        "archive",
      );
    expect(bucket(false)).toMatchObject({ force_destroy: true });
    expect(bucket(true)).toMatchObject({ force_destroy: false, lifecycle: { prevent_destroy: true } });
  });
});

describe("an alarm", () => {
  it("can be disabled, with a reason", () => {
    const json = synthesizeConstructs((scope) => {
      new Alarm(scope, "sent", { ...metric, spec: { disabled: "a sample" } });
    });
    expect(json.resource).toEqual({});
  });
});

describe("a dashboard", () => {
  const heartbeats = { targets: [] };

  it("has the row of each feature, which its module gives", () => {
    const { root } = synthesize({ heartbeats });
    expect(resource(root, "aws_cloudwatch_dashboard", "dashboard")).toMatchObject({
      dashboard_name: "almanac-staging",
      dashboard_body: "${jsonencode({ widgets = concat(module.heartbeats.dashboard_widgets) })}",
    });
  });

  it("shows each metric as it is counted: name, dimensions, statistic", () => {
    const { heartbeats: json } = synthesize({ heartbeats }).modules;
    const [heading, graph] = z.object({ value: z.array(z.unknown()) }).parse(json?.output["dashboard_widgets"]).value;
    expect(heading).toMatchObject({ type: "text", width: 24 });
    expect(graph).toMatchObject({
      type: "metric",
      properties: {
        region: "${data.aws_region.region.name}",
        metrics: expect.arrayContaining([
          [
            "Almanac",
            "failedChecks",
            "service",
            "heartbeats",
            "environment",
            "${var.app}-${var.environment}",
            { label: "failed", stat: "Sum" },
          ],
        ]) as unknown,
      },
    });
  });
});

describe("names in plans", () => {
  it("are never given twice", () => {
    expect(() =>
      synthesizeConstructs((scope) => {
        const key = { partitionKey: { name: "id", type: "S" } } as const;
        new Table(scope, "a-b", { nameSuffix: "one", ...key });
        new Table(new Construct(scope, "a"), "b", { nameSuffix: "two", ...key });
      }),
    ).toThrow("aws_dynamodb_table.a_b is both staging/sample/a-b/Resource and staging/sample/a/b/Resource");
  });
});

describe("an alarm topic", () => {
  const subscriptions = (emails: readonly string[]) =>
    synthesize({ alarmEmails: [...emails] }).root.resource["aws_sns_topic_subscription"] ?? {};

  it("identifies subscriptions by their address, so that removing one leaves the others as they are", () => {
    const all = ["ops@example.org", "a.b@example.org", "a-b@example.org"];
    const before = subscriptions(all);
    expect(Object.keys(before)).toHaveLength(3);
    for (const gone of all) {
      const after = subscriptions(all.filter((email) => email !== gone));
      expect(before).toMatchObject(after);
    }
    expect(subscriptions([...all].reverse())).toEqual(before);
  });
});
