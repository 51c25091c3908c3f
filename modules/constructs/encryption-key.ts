import { KmsAlias } from "@cdktf/provider-aws/lib/kms-alias";
import { KmsKey } from "@cdktf/provider-aws/lib/kms-key";
import { DataAwsPartition } from "@cdktf/provider-aws/lib/data-aws-partition";
import { Construct } from "constructs";
import { Feature } from "./feature";
import { policy } from "./grants";
import { RESOURCE } from "./readable-id";

/** KMS's longest and shortest time in which a deletion can be taken back. */
const DELETION_DAYS = { protected: 30, other: 7 } as const;

/** A KMS key of one's own ($1 a month), rotated each year. Who may use it is said by the roles that are given it. */
export class EncryptionKey extends Construct {
  readonly arn: string;

  constructor(scope: Construct, id: string, props: { readonly description: string }) {
    super(scope, id);
    const feature = Feature.of(this);
    const { protectData } = feature.deployment;
    const { partition } = new DataAwsPartition(this, "partition");
    const key = new KmsKey(this, RESOURCE, {
      description: props.description,
      enableKeyRotation: true,
      deletionWindowInDays: protectData ? DELETION_DAYS.protected : DELETION_DAYS.other,
      policy: policy([
        {
          Sid: "Administration", // through IAM, as AWS's default key policy has it
          Effect: "Allow",
          Principal: { AWS: `arn:${partition}:iam::${feature.accountId}:root` },
          Action: "kms:*",
          Resource: "*",
        },
      ]),
      lifecycle: { preventDestroy: protectData },
    });
    new KmsAlias(this, "alias", { name: `alias/${feature.physicalName(id)}`, targetKeyId: key.keyId });
    this.arn = key.arn;
  }
}
