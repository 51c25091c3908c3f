import { DataAwsCallerIdentity } from "@cdktf/provider-aws/lib/data-aws-caller-identity";
import { SnsTopic } from "@cdktf/provider-aws/lib/sns-topic";
import { SnsTopicPolicy } from "@cdktf/provider-aws/lib/sns-topic-policy";
import { SnsTopicSubscription } from "@cdktf/provider-aws/lib/sns-topic-subscription";
import { Construct } from "constructs";
import { policy } from "./grants";
import { RESOURCE } from "./readable-id";

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
    props.emails.forEach((email, index) => {
      new SnsTopicSubscription(this, `email-${index + 1}`, { topicArn: topic.arn, protocol: "email", endpoint: email });
    });
    this.arn = topic.arn;
  }
}
