import { DataAwsCallerIdentity } from "@cdktf/provider-aws/lib/data-aws-caller-identity";
import { DataAwsPartition } from "@cdktf/provider-aws/lib/data-aws-partition";
import { KmsAlias } from "@cdktf/provider-aws/lib/kms-alias";
import { KmsKey } from "@cdktf/provider-aws/lib/kms-key";
import { SnsTopic } from "@cdktf/provider-aws/lib/sns-topic";
import { SnsTopicPolicy } from "@cdktf/provider-aws/lib/sns-topic-policy";
import { SnsTopicSubscription } from "@cdktf/provider-aws/lib/sns-topic-subscription";
import { Construct } from "constructs";
import { policy } from "./grants";
import { RESOURCE } from "./readable-id";

/** KMS takes 7 to 30: nothing is encrypted with this key for longer than it takes to deliver it. */
const KEY_DELETION_DAYS = 7;

export interface AlarmTopicProps {
  /** `almanac-staging-alarms`. */
  readonly name: string;
  /** Who gets a mail; each has to confirm once. */
  readonly emails: readonly string[];
}

/**
 * The one SNS topic that all alarms of an environment go to. It has a key of its own ($1 a month), since CloudWatch cannot send
 * to a topic that is encrypted with the key that AWS manages.
 */
export class AlarmTopic extends Construct {
  readonly arn: string;
  /** Of the KMS key: who publishes needs it too. */
  readonly keyArn: string;

  constructor(scope: Construct, id: string, props: AlarmTopicProps) {
    super(scope, id);
    const account = new DataAwsCallerIdentity(this, "account");
    const { partition } = new DataAwsPartition(this, "partition");
    const fromThisAccount = { StringEquals: { "aws:SourceAccount": account.accountId } };

    const key = new KmsKey(this, "key", {
      description: `Encrypts ${props.name}`,
      enableKeyRotation: true,
      deletionWindowInDays: KEY_DELETION_DAYS,
      policy: policy([
        {
          Sid: "Administration", // through IAM, as AWS's default key policy has it
          Effect: "Allow",
          Principal: { AWS: `arn:${partition}:iam::${account.accountId}:root` },
          Action: "kms:*",
          Resource: "*",
        },
        {
          Sid: "CloudWatchAlarms",
          Effect: "Allow",
          Principal: { Service: "cloudwatch.amazonaws.com" },
          Action: ["kms:Decrypt", "kms:GenerateDataKey*"],
          Resource: "*",
          Condition: fromThisAccount,
        },
      ]),
    });
    new KmsAlias(this, "alias", { name: `alias/${props.name}`, targetKeyId: key.keyId });

    const topic = new SnsTopic(this, RESOURCE, { name: props.name, kmsMasterKeyId: key.arn });
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
    props.emails.forEach((email, index) => {
      new SnsTopicSubscription(this, `email-${index + 1}`, { topicArn: topic.arn, protocol: "email", endpoint: email });
    });
    this.arn = topic.arn;
    this.keyArn = key.arn;
  }
}
