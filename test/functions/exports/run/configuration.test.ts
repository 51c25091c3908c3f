import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";

import { findExport, readConfiguration } from "../../../../functions/exports/run/configuration";
import { MemoryS3, type S3Request } from "../../../support/export-simulation/memory-s3";

const s3With = (text: string): S3Client => {
  const memory = new MemoryS3();
  memory.objects.set("exports.json", { body: Buffer.from(text), metadata: {} });
  const s3 = new S3Client({});
  mockClient(s3)
    .on(GetObjectCommand)
    .callsFake((request: S3Request) => memory.execute("GetObject", request));
  return s3;
};

describe("the configuration of exports", () => {
  it.each(["", "{", "[]", '{"tables":[{"name":"secret"}]}'])(
    "that is malformed is an error of it, by its place: %s",
    async (text) => {
      const read = readConfiguration(s3With(text), "configuration");
      await expect(read).rejects.toMatchObject({ name: "ConfigurationError" });
      await expect(read).rejects.toThrow("s3://configuration/exports.json ");
      await expect(read).rejects.not.toThrow("secret");
    },
  );

  it("says which exports there are", async () => {
    const configuration = await readConfiguration(
      s3With(JSON.stringify({ tables: [{ name: "orders", table: "orders" }] })),
      "configuration",
    );
    expect(() => findExport(configuration, { export: "order" })).toThrow('no export is named "order". Exports: orders');
  });
});
