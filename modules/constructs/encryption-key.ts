import { DataAwsCallerIdentity } from "@cdktf/provider-aws/lib/data-aws-caller-identity";
import { DataAwsPartition } from "@cdktf/provider-aws/lib/data-aws-partition";
import { KmsAlias } from "@cdktf/provider-aws/lib/kms-alias";
import { KmsKey } from "@cdktf/provider-aws/lib/kms-key";
import { Construct } from "constructs";
import { policy } from "./grants";
import { RESOURCE } from "./readable-id";

/** KMS's longest and shortest time in which a deletion can be taken back. */
const DELETION_DAYS = { protected: 30, other: 7 } as const;

export interface EncryptionKeyProps {
  /** `almanac-staging`. */
  readonly name: string;
  /** True: it can't be destroyed, and with it what it encrypts. */
  readonly protectData: boolean;
}

/**
 * The environment's own KMS key ($1 a month), rotated each year: for alarms, since CloudWatch cannot send to a topic that is
 * encrypted with the key that AWS manages, and for whatever has to be under a key of ours. Which of our functions may use it is
 * said by their roles.
 */
export class EncryptionKey extends Construct {
  readonly arn: string;

  constructor(scope: Construct, id: string, { name, protectData }: EncryptionKeyProps) {
    super(scope, id);
    const { accountId } = new DataAwsCallerIdentity(this, "account");
    const { partition } = new DataAwsPartition(this, "partition");
    const key = new KmsKey(this, RESOURCE, {
      description: `Encrypts what ${name} keeps and sends`,
      enableKeyRotation: true,
      deletionWindowInDays: protectData ? DELETION_DAYS.protected : DELETION_DAYS.other,
      policy: policy([
        {
          Sid: "Administration", // through IAM, as AWS's default key policy has it
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
