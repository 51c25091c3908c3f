/** The KMS key of an environment. */
import { DataAwsCallerIdentity } from "@cdktf/provider-aws/lib/data-aws-caller-identity";
import { DataAwsPartition } from "@cdktf/provider-aws/lib/data-aws-partition";
import { KmsAlias } from "@cdktf/provider-aws/lib/kms-alias";
import { KmsKey } from "@cdktf/provider-aws/lib/kms-key";
import { Construct } from "constructs";
import { policy } from "./grants";
import { RESOURCE } from "../readable-id";

/** KMS's longest and shortest waiting periods. */
const DELETION_DAYS = { protected: 30, other: 7 } as const;

export interface EncryptionKeyProps {
  /** `almanac-staging`. */
  readonly name: string;
  /** True: it cannot be destroyed. */
  readonly protectData: boolean;
}

/**
 * The environment's KMS key ($1 a month), rotated each year. It encrypts the alarm topic, because CloudWatch cannot publish to a topic
 * under the AWS-managed key, and the data of features that use it. Functions use it by permissions of their roles.
 */
export class EncryptionKey extends Construct {
  readonly arn: string;

  constructor(scope: Construct, id: string, { name, protectData }: EncryptionKeyProps) {
    super(scope, id);
    const { accountId } = new DataAwsCallerIdentity(this, "account");
    const { partition } = new DataAwsPartition(this, "partition");
    const key = new KmsKey(this, RESOURCE, {
      description: `Encrypts data and notifications of ${name}`,
      enableKeyRotation: true,
      deletionWindowInDays: protectData ? DELETION_DAYS.protected : DELETION_DAYS.other,
      policy: policy([
        {
          Sid: "Administration", // through IAM, like AWS's default key policy
          Effect: "Allow",
          Principal: { AWS: `arn:${partition}:iam::${accountId}:root` },
          Action: "kms:*",
          Resource: "*",
        },
        {
          Sid: "CloudWatchAlarms",
          Effect: "Allow",
          Principal: { Service: "cloudwatch.amazonaws.com" },
          Action: ["kms:Decrypt", "kms:GenerateDataKey*"],
          Resource: "*",
          Condition: { StringEquals: { "aws:SourceAccount": accountId } },
        },
      ]),
      lifecycle: { preventDestroy: protectData },
    });
    new KmsAlias(this, "alias", { name: `alias/${name}`, targetKeyId: key.keyId });
    this.arn = key.arn;
  }
}
