import {
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";
import { findEnvironments } from "../../../scripts/environments/inventory";

const client = mockClient(S3Client);
beforeEach(() => {
  client.reset();
});

const denied = new S3ServiceException({
  name: "AccessDenied",
  message: "Access Denied",
  $fault: "client",
  $metadata: { httpStatusCode: 403 },
});

interface Listing {
  readonly Bucket: string;
  readonly ContinuationToken?: string;
}

/** Buckets by name: the text of each object by its key. Undefined: its policy denies to list it. */
function account(buckets: Readonly<Record<string, Readonly<Record<string, string>> | undefined>>): void {
  client.on(ListBucketsCommand).resolves({ Buckets: Object.keys(buckets).map((Name) => ({ Name })) });
  // A key on each page.
  client.on(ListObjectsV2Command).callsFake(({ Bucket, ContinuationToken = "0" }: Listing) => {
    const objects = buckets[Bucket];
    if (objects === undefined) throw denied;
    const [page, keys] = [Number(ContinuationToken), Object.keys(objects)];
    const more = page + 1 < keys.length && { IsTruncated: true, NextContinuationToken: String(page + 1) };
    return { Contents: keys.slice(page, page + 1).map((Key) => ({ Key })), ...more };
  });
  client.on(GetObjectCommand).callsFake(({ Bucket, Key }: { readonly Bucket: string; readonly Key: string }) => ({
    Body: { transformToString: () => Promise.resolve(buckets[Bucket]?.[Key]) },
  }));
}

const STATE = JSON.stringify({ outputs: {}, resources: [] });

it("lists the other environments when one bucket denies access, or has a file that is no state", async () => {
  account({
    "almanac-staging-terraform-state": { "almanac/staging.tfstate": STATE },
    "other-team-terraform-state": undefined,
    "acme-states": { "almanac/broken.tfstate": "", "readme.txt": "", "almanac/production.tfstate": STATE },
    "unrelated-bucket": undefined,
  });
  const { environments, unreadable } = await findEnvironments(new S3Client({}), new Set(["acme-states"]));
  expect(environments.map(({ name, bucket }) => [name, bucket])).toEqual([
    ["production", "acme-states"],
    ["staging", "almanac-staging-terraform-state"],
  ]);
  expect(unreadable).toEqual(["other-team-terraform-state: AWS answered AccessDenied: Access Denied"]);
});
