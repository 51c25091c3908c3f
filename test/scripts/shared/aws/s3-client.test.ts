import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

import { GetObjectCommand, HeadObjectCommand } from "@aws-sdk/client-s3";
import * as z from "zod";

import { MINUTE_MS } from "../../../../functions/shared/time";
import { createS3Client, IDLE_TIMEOUT } from "../../../../scripts/shared/aws/s3-client";

describe("the S3 client of commands", () => {
  it("gives up a body that stalls, later than a restore waits for a throttled table", async () => {
    const server = createServer(({ method }, response) => {
      response.writeHead(200, { "Content-Length": 10 });
      if (method === "HEAD") response.end();
      else response.write("12345");
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const aws = {
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: "eu-central-1",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
    };
    try {
      const s3 = createS3Client(aws, { requestHandler: { ...IDLE_TIMEOUT, socketTimeout: 100 } });
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: "files", Key: "part" }));
      await expect(Body?.transformToString()).rejects.toThrow(/timed out|aborted/);
      const standard = createS3Client(aws);
      await standard.send(new HeadObjectCommand({ Bucket: "files", Key: "part" }));
      const handler = z.custom<{ httpHandlerConfigs: () => unknown }>().parse(standard.config.requestHandler);
      expect(handler.httpHandlerConfigs()).toMatchObject(IDLE_TIMEOUT);
      expect(IDLE_TIMEOUT.socketTimeout).toBeGreaterThan(5 * MINUTE_MS);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});
