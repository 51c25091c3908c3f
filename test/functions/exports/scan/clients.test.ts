import { createServer, type IncomingHttpHeaders } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { crc32 } from "node:zlib";

import { PutObjectCommand, UploadPartCommand } from "@aws-sdk/client-s3";

import { exportClients } from "../../../../functions/exports/scan/clients";
import { setupHandler } from "../../../support/lambda";

setupHandler("exports", { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" });

describe("the client that writes exports", () => {
  it("signs a chunk's CRC-32 instead of its content, and nothing else so", async () => {
    const requests: IncomingHttpHeaders[] = [];
    const server = createServer((request, response) => {
      requests.push(request.headers);
      request.resume().on("end", () => response.setHeader("ETag", '"tag"').end());
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    process.env["AWS_ENDPOINT_URL"] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const { s3 } = exportClients("000000000000");
      const object = { Bucket: "files", Key: "part", Body: Buffer.from("content") };
      await s3.send(new UploadPartCommand({ ...object, UploadId: "1", PartNumber: 1 }));
      await s3.send(new PutObjectCommand(object));
      const [chunk, whole] = requests;
      const checksum = Buffer.alloc(4);
      checksum.writeUInt32BE(crc32(object.Body));
      expect(chunk).toMatchObject({
        "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
        "x-amz-checksum-crc32": checksum.toString("base64"),
      });
      expect(chunk?.authorization).toMatch(/SignedHeaders=[^,]*x-amz-checksum-crc32/);
      expect(whole?.["x-amz-content-sha256"]).toMatch(/^[\da-f]{64}$/);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});
