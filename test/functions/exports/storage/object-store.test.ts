import {
  CompleteMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";

import { objectStore } from "../../../../functions/exports/storage/object-store";

describe("incomplete uploads", () => {
  it("are found on all pages of the list", async () => {
    const s3 = mockClient(S3Client);
    s3.on(ListMultipartUploadsCommand, { KeyMarker: undefined }).resolves({
      Uploads: [{ Key: "a", UploadId: "1" }],
      IsTruncated: true,
      NextKeyMarker: "a",
      NextUploadIdMarker: "1",
    });
    s3.on(ListMultipartUploadsCommand, { KeyMarker: "a", UploadIdMarker: "1" }).resolves({
      Uploads: [{ Key: "a", UploadId: "2" }],
      IsTruncated: false,
    });
    const store = objectStore(new S3Client({}), { bucket: "files", kmsKeyArn: undefined, owner: "orders/run" });
    expect(await store.listUploads("a")).toEqual([
      { key: "a", id: "1" },
      { key: "a", id: "2" },
    ]);
  });
});

describe("an upload that S3 does not complete", () => {
  const named = (name: string) => Object.assign(new Error(name), { name });
  const complete = (refusal: string, object: { readonly owner?: string } | undefined) => {
    const s3 = mockClient(S3Client);
    s3.on(CompleteMultipartUploadCommand).rejects(named(refusal));
    if (object === undefined) s3.on(HeadObjectCommand).rejects(named("NotFound"));
    else
      s3.on(HeadObjectCommand).resolves({
        Metadata: object.owner === undefined ? {} : { "almanac-run": object.owner },
      });
    const store = objectStore(new S3Client({}), { bucket: "files", kmsKeyArn: undefined, owner: "orders/run" });
    return store.completeUpload("part", { id: "1", etags: ["e"] });
  };

  it.each(["NoSuchUpload", "PreconditionFailed"])("is completed if its object is there: %s", async (refusal) => {
    await expect(complete(refusal, { owner: "orders/run" })).resolves.toBeUndefined();
  });

  it.each(["NoSuchUpload", "PreconditionFailed"])(
    "never counts the object of another as its own: %s",
    async (refusal) => {
      for (const object of [{ owner: "orders/another" }, {}])
        await expect(complete(refusal, object)).rejects.toMatchObject({ name: "ObjectExistsError" });
      await expect(complete(refusal, undefined)).rejects.toMatchObject({ name: "UploadLostError" });
    },
  );

  it("is tried again after any other error", async () => {
    await expect(complete("SlowDown", { owner: "orders/run" })).rejects.toMatchObject({ name: "SlowDown" });
  });
});
