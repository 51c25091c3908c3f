import type { S3Client } from "@aws-sdk/client-s3";

import { findExport, readConfiguration } from "../../../../functions/exports/run/configuration";

const s3With = (text: string): S3Client => {
  const send = () => Promise.resolve({ Body: { transformToString: () => Promise.resolve(text) } });
  return { send } as unknown as S3Client;
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
