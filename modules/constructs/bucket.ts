import { S3Bucket } from "@cdktf/provider-aws/lib/s3-bucket";
import { S3BucketOwnershipControls } from "@cdktf/provider-aws/lib/s3-bucket-ownership-controls";
import { S3BucketPolicy } from "@cdktf/provider-aws/lib/s3-bucket-policy";
import { S3BucketPublicAccessBlock } from "@cdktf/provider-aws/lib/s3-bucket-public-access-block";
import { S3BucketServerSideEncryptionConfigurationA } from "@cdktf/provider-aws/lib/s3-bucket-server-side-encryption-configuration";
import { S3BucketVersioningA } from "@cdktf/provider-aws/lib/s3-bucket-versioning";
import { Lazy } from "cdktf";
import { Construct } from "constructs";
import { Feature } from "./feature";
import { policy, type Binding, type Statement } from "./grants";
import { RESOURCE } from "./readable-id";

interface CommonProps {
  /** True: overwritten and deleted objects can be brought back. @default false */
  readonly versioned?: boolean;
  /** Encrypts it. @default S3's own key */
  readonly encryptionKey?: { readonly arn: string };
}

export interface PrivateBucketProps extends CommonProps {
  /** Unique in the world: it ends in the account's id. */
  readonly name: string;
  /** True: it can't be destroyed. False: it is emptied when it is. */
  readonly protectData: boolean;
}

/** An S3 bucket: encrypted, reached over TLS only, closed to the public, owned by its account. */
export class PrivateBucket extends Construct {
  readonly name: string;
  readonly arn: string;
  /** Where its region's S3 answers for it: what CloudFront fetches from. */
  readonly regionalDomainName: string;
  private readonly readers: Statement[] = [];
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
    const publicAccessBlock = new S3BucketPublicAccessBlock(this, "public-access", {
      bucket,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    new S3BucketOwnershipControls(this, "ownership", { bucket, rule: { objectOwnership: "BucketOwnerEnforced" } });
    new S3BucketPolicy(this, "policy", {
      bucket,
      policy: Lazy.stringValue({ produce: () => policy([this.tlsOnly(), ...this.readers]) }),
      dependsOn: [publicAccessBlock], // S3 refuses two changes to one bucket's access at a time
    });
    if (props.versioned === true) {
      new S3BucketVersioningA(this, "versioning", { bucket, versioningConfiguration: { status: "Enabled" } });
    }
  }

  /** The bucket's name, and the permission to read these objects, or those below a prefix ending in `*`. */
  grantRead(...keys: readonly string[]): Binding {
    return {
      value: this.name,
      actions: ["s3:GetObject"],
      resources: keys.map((key) => `${this.arn}/${key}`),
      ...this.key,
    };
  }

  /** The bucket's name, and the permission to put these objects, or those below a prefix ending in `*`. */
  grantWrite(...keys: readonly string[]): Binding {
    return {
      value: this.name,
      actions: ["s3:PutObject"],
      resources: keys.map((key) => `${this.arn}/${key}`),
      ...this.key,
    };
  }

  /**
   * The bucket's name, and the permission to keep these objects, or those below a prefix ending in `*`, as they should be: to see
   * which there are, to put and to remove.
   */
  grantSync(...keys: readonly string[]): Binding {
    return {
      value: this.name,
      actions: ["s3:DeleteObject", "s3:ListBucket", "s3:PutObject"],
      resources: [this.arn, ...keys.map((key) => `${this.arn}/${key}`)],
      ...this.key,
    };
  }

  /** Lets an AWS service read every object, on behalf of one resource. */
  allowServiceRead(service: string, sourceArn: string): void {
    this.readers.push({
      Sid: `Reads${this.readers.length || ""}`,
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
  /** Ends the physical name, before the account's id. */
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

/** With a key of its own, S3 asks KMS once for many objects, not for each. */
function encryptionRule({ encryptionKey }: CommonProps) {
  return encryptionKey === undefined
    ? { applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }
    : {
        applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: encryptionKey.arn },
        bucketKeyEnabled: true,
      };
}
