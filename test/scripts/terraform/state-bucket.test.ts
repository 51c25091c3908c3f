import {
  DeleteBucketCommand,
  DeleteObjectsCommand,
  HeadBucketCommand,
  ListObjectVersionsCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deleteState } from "../../../scripts/terraform/state-bucket";

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
