import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { mockClient } from "aws-sdk-client-mock";
import { pipelineSchema } from "../../../../functions/pipelines/contract";
import { createGate } from "../../../../functions/pipelines/gate/gate";
import { sleep } from "../../../../functions/shared/clock";
import { HOUR_MS, MINUTE_MS } from "../../../../functions/shared/time";
import { virtualClock } from "../../../support/virtual-clock";

describe("the schema of a pipeline", () => {
  it("is that of before while S3 is throttled, for an hour, and none when reading is denied", async () => {
    const [s3, sqs] = [new S3Client({ region: "eu-central-1" }), new SQSClient({ region: "eu-central-1" })];
    const objects = mockClient(s3);
    mockClient(sqs).on(SendMessageCommand).resolves({ MessageId: "m-1" });
    const clock = virtualClock(0);
    const gate = createGate({
      name: "jobOrder",
      pipeline: pipelineSchema.parse({ key: "/id" }),
      sqs,
      queueUrl: "https://sqs/jobOrder",
      pointersSince: "2026-01-01T00:00:00.000Z",
      clock,
      schema: { s3, bucket: "configuration" },
    });
    const schema = JSON.stringify({ type: "object", required: ["total"] });
    const Body = { transformToString: () => Promise.resolve(schema) } as never;
    objects.on(GetObjectCommand).resolves({ Body });
    await expect(gate('{"id":"1"}')).rejects.toMatchObject({ status: 400 });

    objects.on(GetObjectCommand).rejects(Object.assign(new Error("slow down"), { name: "SlowDown" }));
    await sleep(clock, MINUTE_MS);
    await expect(gate('{"id":"1"}')).rejects.toMatchObject({ status: 400 });
    expect(await gate('{"id":"1","total":2}')).toMatchObject({ key: "1" });
    await sleep(clock, HOUR_MS);
    await expect(gate('{"id":"1","total":2}')).rejects.toThrow("slow down");

    objects.on(GetObjectCommand).resolves({ Body });
    expect(await gate('{"id":"1","total":2}')).toMatchObject({ key: "1" });
    objects.on(GetObjectCommand).rejects(Object.assign(new Error("denied"), { name: "AccessDenied" }));
    await sleep(clock, MINUTE_MS);
    await expect(gate('{"id":"1","total":2}')).rejects.toThrow("denied");
  });
});
