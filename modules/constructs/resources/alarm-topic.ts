/** The SNS topic of an environment's alarms, with its mail subscriptions. */
import { createHash } from "node:crypto";
import { DataAwsCallerIdentity } from "@cdktf/provider-aws/lib/data-aws-caller-identity";
import { SnsTopic } from "@cdktf/provider-aws/lib/sns-topic";
import { SnsTopicPolicy } from "@cdktf/provider-aws/lib/sns-topic-policy";
import { SnsTopicSubscription } from "@cdktf/provider-aws/lib/sns-topic-subscription";
import { Construct } from "constructs";
import { policy } from "./grants";
import { RESOURCE } from "../readable-id";

export interface AlarmTopicProps {
  /** `almanac-staging-alarms`. */
  readonly name: string;
  /** Email subscribers; each must confirm its subscription. */
  readonly emails: readonly string[];
  readonly encryptionKey: { readonly arn: string };
}

/** The SNS topic that all alarms of an environment notify. */
export class AlarmTopic extends Construct {
  readonly arn: string;

  constructor(scope: Construct, id: string, props: AlarmTopicProps) {
    super(scope, id);
    const account = new DataAwsCallerIdentity(this, "account");
    const fromThisAccount = { StringEquals: { "aws:SourceAccount": account.accountId } };

    const topic = new SnsTopic(this, RESOURCE, { name: props.name, kmsMasterKeyId: props.encryptionKey.arn });
    new SnsTopicPolicy(this, "policy", {
      arn: topic.arn,
      policy: policy([
        {
          Sid: "CloudWatchAlarms",
          Effect: "Allow",
          Principal: { Service: "cloudwatch.amazonaws.com" },
          Action: "sns:Publish",
          Resource: topic.arn,
          Condition: fromThisAccount,
        },
        {
          Sid: "TlsOnly",
          Effect: "Deny",
          Principal: "*",
          Action: "sns:Publish",
          Resource: topic.arn,
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
      ]),
    });
    for (const email of props.emails)
      new SnsTopicSubscription(this, subscriptionId(email), {
        topicArn: topic.arn,
        protocol: "email",
        endpoint: email,
      });
    this.arn = topic.arn;
  }
}

/**
 * Identifies a subscription by its address: `email-ops-example-org-1b2c3d`. By position, removing one would replace those after it, and
 * their owners would have to confirm again.
 */
function subscriptionId(email: string): string {
  const readable = email.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return `email-${readable}-${createHash("sha256").update(email).digest("hex").slice(0, 6)}`;
}
