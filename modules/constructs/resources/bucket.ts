/** Private S3 buckets. */
import { S3Bucket } from "@cdktf/provider-aws/lib/s3-bucket";
import { S3BucketOwnershipControls } from "@cdktf/provider-aws/lib/s3-bucket-ownership-controls";
import { S3BucketPolicy } from "@cdktf/provider-aws/lib/s3-bucket-policy";
import { S3BucketPublicAccessBlock } from "@cdktf/provider-aws/lib/s3-bucket-public-access-block";
import { S3BucketServerSideEncryptionConfigurationA } from "@cdktf/provider-aws/lib/s3-bucket-server-side-encryption-configuration";
import { S3BucketVersioningA } from "@cdktf/provider-aws/lib/s3-bucket-versioning";
import { Lazy } from "cdktf";
import { Construct } from "constructs";
import { explain } from "../explain";
import { Feature } from "../feature";
import { policy, type Binding, type Statement } from "./grants";
import { RESOURCE } from "../readable-id";

interface CommonProps {
  /** True: overwritten and deleted objects can be restored. @default false */
  readonly versioned?: boolean;
  /** @default S3's own key */
  readonly encryptionKey?: { readonly arn: string };
}

export interface PrivateBucketProps extends CommonProps {
  /** Globally unique, so it ends in the account id. */
  readonly name: string;
  /** True: it cannot be destroyed. False: destroying it deletes its objects. */
  readonly protectData: boolean;
}

/** An S3 bucket: encrypted, TLS only, no public access, owned by its account. */
export class PrivateBucket extends Construct {
  readonly name: string;
  readonly arn: string;
  /** For a CloudFront origin. */
  readonly regionalDomainName: string;
  private readonly allowStatements: Statement[] = [];
  private readonly key: Pick<Binding, "encryptionKey">;

  constructor(scope: Construct, id: string, props: PrivateBucketProps) {
    super(scope, id);
    const { protectData } = props;
    const resource = new S3Bucket(this, RESOURCE, {
      bucket: props.name,
      forceDestroy: !protectData,
      lifecycle: { preventDestroy: protectData },
    });
    this.name = resource.bucket;
    this.arn = resource.arn;
    this.key = props.encryptionKey ? { encryptionKey: props.encryptionKey.arn } : {};
    this.regionalDomainName = resource.bucketRegionalDomainName;
    const bucket = resource.id;

    new S3BucketServerSideEncryptionConfigurationA(this, "encryption", {
      bucket,
      rule: [encryptionRule(props)],
    });
    const publicAccessBlock = new S3BucketPublicAccessBlock(this, "public-access-block", {
      bucket,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    new S3BucketOwnershipControls(this, "ownership-controls", {
      bucket,
      rule: { objectOwnership: "BucketOwnerEnforced" },
    });
    const bucketPolicy = new S3BucketPolicy(this, "policy", {
      bucket,
      policy: Lazy.stringValue({ produce: () => policy([this.tlsOnly(), ...this.allowStatements]) }),
      dependsOn: [publicAccessBlock],
    });
    explain(bucketPolicy, "After the access block: S3 refuses concurrent changes to a bucket's access.");
    if (props.versioned === true) {
      new S3BucketVersioningA(this, "versioning", { bucket, versioningConfiguration: { status: "Enabled" } });
    }
  }

  /** The bucket's name with `s3:GetObject` on these keys, or on a prefix ending in `*`. */
  grantRead(...keys: readonly string[]): Binding {
    return {
      value: this.name,
      actions: ["s3:GetObject"],
      resources: keys.map((key) => `${this.arn}/${key}`),
      ...this.key,
    };
  }

  /** The bucket's name with `s3:PutObject` on these keys, or on a prefix ending in `*`. */
  grantWrite(...keys: readonly string[]): Binding {
    return {
      value: this.name,
      actions: ["s3:PutObject"],
      resources: keys.map((key) => `${this.arn}/${key}`),
      ...this.key,
    };
  }

  /** The bucket's name with the permissions to list, put and delete these keys, or a prefix ending in `*`. */
  grantSync(...keys: readonly string[]): Binding {
    return {
      value: this.name,
      actions: ["s3:DeleteObject", "s3:ListBucket", "s3:PutObject"],
      resources: [this.arn, ...keys.map((key) => `${this.arn}/${key}`)],
      ...this.key,
    };
  }

  /** Lets an AWS service read every object on behalf of one resource. */
  allowServiceRead(service: string, sourceArn: string): void {
    this.allowStatements.push({
      Sid: `Reads${this.allowStatements.length || ""}`,
      Effect: "Allow",
      Principal: { Service: service },
      Action: "s3:GetObject",
      Resource: `${this.arn}/*`,
      Condition: { StringEquals: { "aws:SourceArn": sourceArn } },
    });
  }

  private tlsOnly(): Statement {
    return {
      Sid: "TlsOnly",
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: [this.arn, `${this.arn}/*`],
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    };
  }
}

export interface BucketProps extends CommonProps {
  /** Precedes the account id in the physical name. */
  readonly nameSuffix: string;
}

/** A feature's bucket. */
export class Bucket extends PrivateBucket {
  constructor(scope: Construct, id: string, { nameSuffix, ...props }: BucketProps) {
    const feature = Feature.of(scope);
    const { protectData } = feature.deployment;
    super(scope, id, { ...props, name: `${feature.physicalName(nameSuffix)}-${feature.accountId}`, protectData });
  }
}

/** With a bucket key, S3 calls KMS once for many objects. */
function encryptionRule({ encryptionKey }: CommonProps) {
  return encryptionKey === undefined
    ? { applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }
    : {
        applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: encryptionKey.arn },
        bucketKeyEnabled: true,
      };
}
