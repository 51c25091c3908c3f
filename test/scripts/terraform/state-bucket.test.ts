import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  type LifecycleRule,
  ListObjectVersionsCommand,
  PutBucketLifecycleConfigurationCommand,
  S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deleteState, ensureStateBucket } from "../../../scripts/terraform/state-bucket";

const bucket = "acme-states";
const key = "almanac/staging.tfstate";
const stack = mkdtempSync(join(tmpdir(), "almanac-state-"));
const s3 = { bucket, key, region: "eu-central-1", endpoints: { s3: "http://127.0.0.1:1" } };
writeFileSync(join(stack, "cdk.tf.json"), JSON.stringify({ terraform: { backend: { s3 } } }));
afterAll(() => {
  rmSync(stack, { recursive: true });
});

interface Version {
  readonly Key: string;
  readonly VersionId: string;
}

const client = mockClient(S3Client);

/** A versioned bucket that lists three versions at a time. */
function bucketWith(given: readonly Version[]): { readonly keys: () => readonly string[] } {
  let versions = [...given];
  client.reset();
  client.on(HeadBucketCommand).resolves({});
  client.on(ListObjectVersionsCommand).callsFake(({ Prefix = "" }: { readonly Prefix?: string }) => ({
    Versions: versions.filter(({ Key }) => Key.startsWith(Prefix)).slice(0, 3),
  }));
  client
    .on(DeleteObjectsCommand)
    .callsFake(({ Delete: { Objects } }: { readonly Delete: { readonly Objects: readonly Version[] } }) => {
      versions = versions.filter(({ Key, VersionId }) =>
        Objects.every((each) => each.Key !== Key || each.VersionId !== VersionId),
      );
      return {};
    });
  client.on(DeleteBucketCommand).resolves({});
  return { keys: () => versions.map(({ Key }) => Key) };
}

const versionsOf = (name: string, count: number): readonly Version[] =>
  Array.from({ length: count }, (_, at) => ({ Key: name, VersionId: `v${at}` }));

it("deletes all versions of a state, and then its bucket", async () => {
  const { keys } = bucketWith([
    ...versionsOf(key, 7),
    ...versionsOf(`${key}.deployed.json`, 2),
    ...versionsOf(`${key}.tflock`, 2),
  ]);
  await expect(deleteState(stack)).resolves.toEqual({ bucket, deleted: "bucket" });
  expect(keys()).toEqual([]);
  expect(client.commandCalls(DeleteBucketCommand)).toHaveLength(1);
});

it.each(["almanac/production.tfstate", `${key}.backup`, "another-project/terraform.tfstate"])(
  "keeps a bucket that has %s in it",
  async (other) => {
    const { keys } = bucketWith([...versionsOf(key, 2), ...versionsOf(`${key}.tflock`, 1), ...versionsOf(other, 4)]);
    await expect(deleteState(stack)).resolves.toEqual({ bucket, deleted: "state" });
    expect(keys()).toEqual(Array(4).fill(other));
    expect(client.commandCalls(DeleteBucketCommand)).toEqual([]);
  },
);

it("ends with S3's reason when a version cannot be deleted", async () => {
  bucketWith(versionsOf(key, 1));
  client.on(DeleteObjectsCommand).resolves({ Errors: [{ Key: key, Code: "AccessDenied", Message: "Access Denied" }] });
  await expect(deleteState(stack)).rejects.toThrow(`S3 does not delete ${bucket}/${key}: Access Denied`);
});

describe("the bucket of a state", () => {
  const failure = (name: string, httpStatusCode: number) =>
    new S3ServiceException({ name, $fault: "client", $metadata: { httpStatusCode } });
  const unset = failure("NoSuchConfiguration", 404);
  const kms = { SSEAlgorithm: "aws:kms", KMSMasterKeyID: "theirs" } as const;
  const rule = (ID: string, Prefix: string) => ({
    ID,
    Status: "Enabled" as const,
    Filter: { Prefix },
    NoncurrentVersionExpiration: { NoncurrentDays: 90 },
  });
  const own = rule(`old-states ${key}`, key);

  const blocked = {
    BlockPublicAcls: true,
    BlockPublicPolicy: true,
    IgnorePublicAcls: true,
    RestrictPublicBuckets: true,
  };

  /** What a bucket of S3's has from the beginning. */
  function existing() {
    client.reset();
    client.on(HeadBucketCommand).resolves({});
    client.on(GetPublicAccessBlockCommand).resolves({ PublicAccessBlockConfiguration: blocked });
    client.on(GetBucketVersioningCommand).resolves({});
    client.on(GetBucketEncryptionCommand).resolves({});
    client.on(GetBucketOwnershipControlsCommand).resolves({});
    client.on(GetBucketPolicyCommand).rejects(unset);
    client.on(GetBucketLifecycleConfigurationCommand).rejects(unset);
    return client;
  }
  const changes = () =>
    client
      .calls()
      .map(({ args: [command] }) => command.constructor.name.replace(/Command$/, ""))
      .filter((name) => !/^(Get|Head)/.test(name));
  const rules = () =>
    client.commandCalls(PutBucketLifecycleConfigurationCommand).map(
      ({
        args: [
          {
            input: { LifecycleConfiguration },
          },
        ],
      }) => LifecycleConfiguration?.Rules,
    );

  it("has all settings when it is created", async () => {
    existing().on(HeadBucketCommand).rejects(failure("NotFound", 404));
    client.on(CreateBucketCommand).resolves({});
    await expect(ensureStateBucket(stack)).resolves.toEqual({ bucket, created: true, weaknesses: [] });
    expect(changes()).toEqual([
      "CreateBucket",
      "PutPublicAccessBlock",
      "PutBucketVersioning",
      "PutBucketEncryption",
      "PutBucketOwnershipControls",
      "PutBucketPolicy",
      "PutBucketLifecycleConfiguration",
    ]);
    expect(rules()).toEqual([[own]]);
  });

  it("gets what is missing: the command that created it may have been interrupted", async () => {
    existing();
    await expect(ensureStateBucket(stack)).resolves.toEqual({ bucket, created: false, weaknesses: [] });
    expect(changes()).toEqual(["PutBucketVersioning", "PutBucketPolicy", "PutBucketLifecycleConfiguration"]);
  });

  it("keeps its policy, key, rules and versioning where others have set them", async () => {
    existing().on(GetBucketVersioningCommand).resolves({ Status: "Suspended" });
    client.on(GetBucketEncryptionCommand).resolves({
      ServerSideEncryptionConfiguration: { Rules: [{ ApplyServerSideEncryptionByDefault: kms }] },
    });
    client.on(GetBucketPolicyCommand).resolves({ Policy: "{}" });
    client.on(GetBucketLifecycleConfigurationCommand).resolves({ Rules: [rule("their-archive", "archive/")] });
    await ensureStateBucket(stack);
    expect(changes()).toEqual([]);
  });

  const denial = {
    ...{ Effect: "Deny", Principal: { AWS: "*" }, Action: ["s3:*"], Resource: ["arn:aws:s3:::acme-states/*"] },
    Condition: { Bool: { "aws:SecureTransport": ["false"] } },
  };
  const protectedBucket = () => {
    const s3 = existing();
    s3.on(GetBucketVersioningCommand).resolves({ Status: "Enabled" });
    s3.on(GetBucketPolicyCommand).resolves({ Policy: JSON.stringify({ Statement: denial }) });
    s3.on(GetBucketLifecycleConfigurationCommand).resolves({ Rules: [own] });
    return s3;
  };
  const policy = (change: object) => ({ Policy: JSON.stringify({ Statement: [{ ...denial, ...change }] }) });

  it("is not reported as weak with another policy that denies requests without TLS", async () => {
    protectedBucket();
    expect((await ensureStateBucket(stack)).weaknesses).toEqual([]);
  });

  it.each<LifecycleRule>([
    { Status: "Disabled", Expiration: { Days: 1 } },
    { Status: "Enabled", Expiration: { Days: 1 }, Filter: { Prefix: "archive/" } },
    { Status: "Enabled", Expiration: { Days: 1 }, Filter: { Prefix: `${key}.old` } },
    { Status: "Enabled", Expiration: { Days: 1 }, ...Object.fromEntries([["Prefix", "archive/"]]) },
    { Status: "Enabled", Expiration: { Days: 1 }, Filter: { Tag: { Key: "temporary", Value: "true" } } },
    { Status: "Enabled", Expiration: { Days: 1 }, Filter: { And: { Tags: [{ Key: "old", Value: "1" }] } } },
    { Status: "Enabled", Expiration: { ExpiredObjectDeleteMarker: true } },
    { Status: "Enabled", Transitions: [{ Days: 1, StorageClass: "GLACIER_IR" }] },
    { Status: "Enabled", NoncurrentVersionExpiration: { NoncurrentDays: 1, NewerNoncurrentVersions: 10 } },
  ])("is not reported as weak with a rule that does the state no harm: %j", async (rule) => {
    protectedBucket()
      .on(GetBucketLifecycleConfigurationCommand)
      .resolves({ Rules: [own, rule] });
    expect((await ensureStateBucket(stack)).weaknesses).toEqual([]);
  });

  it.each<[what: string, weaken: (s3: ReturnType<typeof existing>) => unknown, weakness: string]>([
    ["public access", (s3) => s3.on(GetPublicAccessBlockCommand).resolves({}), "it may be made public"],
    [
      "one kind of public access",
      (s3) =>
        s3
          .on(GetPublicAccessBlockCommand)
          .resolves({ PublicAccessBlockConfiguration: { ...blocked, RestrictPublicBuckets: false } }),
      "it may be made public",
    ],
    [
      "suspended versioning",
      (s3) => s3.on(GetBucketVersioningCommand).resolves({ Status: "Suspended" }),
      "its versioning is suspended",
    ],
    ...[
      { Effect: "Allow" },
      { Action: "s3:PutObject" },
      { Condition: {} },
      { Resource: "arn:aws:s3:::acme-states/x/*" },
    ].map((change): [string, (s3: ReturnType<typeof existing>) => unknown, string] => [
      `a policy with ${JSON.stringify(change)}`,
      (s3) => s3.on(GetBucketPolicyCommand).resolves(policy(change)),
      'its policy allows requests without TLS. Add this statement to it: {"Sid":"TlsOnly"',
    ]),
    ...Object.entries<readonly Omit<LifecycleRule, "Status">[]>({
      "deletes the current state": [
        { Expiration: { Days: 30 }, Filter: { Prefix: "" } },
        { Expiration: { Date: new Date(0) }, Filter: { Prefix: "almanac/" } },
        { Expiration: { Days: 1 }, Filter: { ObjectSizeGreaterThan: 1 } },
        { Expiration: { Days: 1 }, Filter: { And: { Prefix: key, ObjectSizeLessThan: 9 } } },
      ],
      "archives the current state": [{ Transitions: [{ Days: 1, StorageClass: "GLACIER" }] }],
      "deletes an older state after 1 of 90 days": [{ NoncurrentVersionExpiration: { NoncurrentDays: 1 } }],
    }).flatMap(([weakness, harmful]) =>
      harmful.map((change): [string, (s3: ReturnType<typeof existing>) => unknown, string] => [
        `the rule ${JSON.stringify(change)}`,
        (s3) =>
          s3
            .on(GetBucketLifecycleConfigurationCommand)
            .resolves({ Rules: [own, { ID: "tidy", Status: "Enabled", ...change }] }),
        `its lifecycle rule "tidy" ${weakness}`,
      ]),
    ),
  ])("is reported as weak with %s, and left as it is", async (_, weaken, weakness) => {
    weaken(protectedBucket());
    expect((await ensureStateBucket(stack)).weaknesses).toEqual([expect.stringContaining(`${bucket}: ${weakness}`)]);
    expect(changes()).toEqual([]);
  });

  it("keeps the rule of another environment's state beside its own", async () => {
    const other = rule("old-states almanac/production.tfstate", "almanac/production.tfstate");
    existing()
      .on(GetBucketLifecycleConfigurationCommand)
      .resolves({ Rules: [other] });
    await ensureStateBucket(stack);
    expect(rules()).toEqual([[other, own]]);

    existing()
      .on(GetBucketLifecycleConfigurationCommand)
      .resolves({ Rules: [other, own] });
    await ensureStateBucket(stack);
    expect(rules()).toEqual([]);
  });

  it("is left as it is where its settings may not be read", async () => {
    existing().onAnyCommand().rejects(failure("AccessDenied", 403));
    client.on(HeadBucketCommand).resolves({});
    await ensureStateBucket(stack);
    expect(changes()).toEqual([]);
  });
});
