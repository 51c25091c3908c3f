import { ListMultipartUploadsCommand, S3Client } from "@aws-sdk/client-s3";
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
