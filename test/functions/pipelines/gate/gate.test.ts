import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { mockClient } from "aws-sdk-client-mock";
import fc from "../../../support/fast-check";
import {
  MAX_MESSAGE_BYTES,
  pipelineSchema,
  pointersSchema,
  SINCE_EVER,
  type Pipeline,
} from "../../../../functions/pipelines/contract";
import { createGate } from "../../../../functions/pipelines/gate/gate";
import { toSingleLine } from "../../../../functions/pipelines/message/json";
import { readMessage } from "../../../../functions/pipelines/message/message";
import { itemBytes, MAX_ITEM_BYTES } from "../../../../functions/pipelines/storage/item-size";
import { rowOf } from "../../../../functions/pipelines/storage/row";
import { sleep } from "../../../../functions/shared/clock";
import { HOUR_MS, MINUTE_MS } from "../../../../functions/shared/time";
import { sized } from "../../../support/sized";
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

describe("a message that the gate accepts", () => {
  const sqs = new SQSClient({ region: "eu-central-1" });
  const sent = mockClient(sqs);
  beforeEach(() => sent.reset().on(SendMessageCommand).resolves({ MessageId: "m-1" }));

  /** As ingest reads it. SQS's characters: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html */
  const rowAfter = async (text: string, pipeline: Pipeline) => {
    const clock = virtualClock(Date.parse("2026-11-21T07:00:00Z"));
    await createGate({ name: "p", pipeline, sqs, queueUrl: "https://sqs/p", pointersSince: SINCE_EVER, clock })(text);
    const { MessageBody = "", MessageAttributes = {} } = sent.commandCalls(SendMessageCommand)[0]?.args[0].input ?? {};
    const texts = [MessageBody, ...Object.values(MessageAttributes).map(({ StringValue = "" }) => StringValue)];
    for (const each of texts) expect(each).not.toMatch(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u);
    expect(Buffer.byteLength(texts.join(""))).toBeLessThan(262_144);
    const pointers = pointersSchema.parse(JSON.parse(MessageAttributes["pointers"]?.StringValue ?? ""));
    return rowOf(readMessage(MessageBody, pipeline, clock.now(), pointers));
  };

  it.each([
    ["characters that SQS refuses in a pointer", { key: "/\uffff" }, { "\uffff": "\ufffe" }],
    ["a key of 1,024 bytes", { key: "/id" }, { id: "ü".repeat(512) }],
    ["a version of 1,024 digits", { key: "/id", version: "/v" }, { id: "1", v: `-${"9".repeat(1_023)}` }],
    [
      "a version with an exponent of 1,000 digits",
      { key: "/id", version: "/v" },
      { id: "1", v: `1e-${"9".repeat(1_000)}` },
    ],
    ["a group of bytes, not of characters", { key: "/id", groupBy: "/g" }, { id: "1", g: "😀".repeat(257) }],
  ])("becomes a row: %s", async (_, config, message) => {
    const row = await rowAfter(JSON.stringify(message), pipelineSchema.parse(config));
    for (const name of ["key", "group"]) {
      const { S = "-" } = (row[name] as { readonly S?: string } | undefined) ?? {};
      expect(Buffer.byteLength(S)).toBeGreaterThan(0);
      expect(Buffer.byteLength(S)).toBeLessThanOrEqual(1_024);
    }
    expect(itemBytes(row)).toBeLessThanOrEqual(MAX_ITEM_BYTES);
  });

  it.each([
    ["a blank label, which Slack refuses beside an empty value", { key: "/id", summary: { " ": "/a" } }],
    ["half a character in a label", { key: "/id", summary: { "\ud83d": "/a" } }],
    ["half a character in a pointer", { key: "/\ud83d" }],
  ])("is of no pipeline with %s", (_, config) => {
    expect(pipelineSchema.safeParse(config).success).toBe(false);
  });

  it.each([
    ["9999-12-31T23:59:59Z", 400],
    ["2026-11-22T07:00:00.000000001Z", 400],
    ["2026-11-22T07:00Z", 202],
    ["2026-11-22T08:00:00+01:00", 202],
    ["0000-01-01T00:00:00Z", 202],
    [8_999_999_999_999_999, 202],
    ["253402300799999", 202],
  ])("has a version that later ones can replace, when it is a time: %s gets %i", async (v, status) => {
    const row = rowAfter(JSON.stringify({ id: "1", v }), pipelineSchema.parse({ key: "/id", version: "/v" }));
    if (status === 202) await expect(row).resolves.toMatchObject({ version: { S: String(v) } });
    else await expect(row).rejects.toMatchObject({ status, message: "body: /v: is a time more than a day ahead" });
  });

  it("is at most as long as a row can be, whatever its names and its pipeline's labels", async () => {
    const names = fc.stringMatching(/^[aü€😀\uffff]{1,20}$/u);
    await fc.assert(
      fc.asyncProperty(
        names,
        fc.integer({ min: 0, max: 14 }),
        fc.integer({ min: -2, max: 2 }),
        async (name, labels, more) => {
          sent.reset().on(SendMessageCommand).resolves({ MessageId: "m-1" });
          const summary = Object.fromEntries(Array.from({ length: labels }, (_, n) => [`${name}${n}`, `/${name}`]));
          const pipeline = pipelineSchema.parse({ key: "/id", summary });
          const text = (filling: number) => JSON.stringify({ id: "1", [name]: "x".repeat(filling) });
          const room = MAX_MESSAGE_BYTES - Buffer.byteLength(toSingleLine(text(0)));
          const row = rowAfter(text(room + more), pipeline);
          if (more > 0) await expect(row).rejects.toMatchObject({ status: 413 });
          else expect(itemBytes(await row)).toBeLessThanOrEqual(MAX_ITEM_BYTES);
        },
      ),
      { numRuns: sized(20, 300) },
    );
  });
});
