import { ConditionalCheckFailedException, DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";

import { handler } from "../../../functions/heartbeats/heartbeat-api";
import { lambdaContext, setupHandler } from "../../support/lambda";

const NOW = Date.parse("2026-11-21T06:55:00Z");

describe("the door for jobs", () => {
  const s3 = mockClient(S3Client);
  const dynamodb = mockClient(DynamoDBClient);

  const output = setupHandler("heartbeats", {
    STATE_TABLE: "almanac-test-heartbeats-state",
    WATCH_BUCKET: "almanac-test-configuration",
  });
  beforeEach(() => {
    jest.spyOn(Date, "now").mockReturnValue(NOW);
    const watch = JSON.stringify({ jobs: [{ name: "backup", everySeconds: 3_600, graceSeconds: 60 }] });
    s3.reset();
    s3.on(GetObjectCommand, { Bucket: "almanac-test-configuration", Key: "watch.json" }).callsFake(() => ({
      Body: { transformToString: () => Promise.resolve(watch) },
    }));
    dynamodb.reset();
    dynamodb.on(UpdateItemCommand).resolves({});
  });

  const post = async (name: string | undefined, fields: object = {}) => {
    const event = {
      httpMethod: "POST",
      resource: "/heartbeats/{name}",
      pathParameters: name === undefined ? null : { name },
      body: null,
      requestContext: { requestId: "request-1" },
      ...fields,
    };
    const { statusCode, body } = await handler(event, lambdaContext());
    return [statusCode, JSON.parse(body) as unknown] as const;
  };

  it("notes when a job reported, and says until when the next report is expected", async () => {
    expect(await post("backup")).toEqual([
      200,
      { job: "backup", reportedAt: "2026-11-21T06:55:00.000Z", expectedBefore: "2026-11-21T07:56:00.000Z" },
    ]);
    expect(dynamodb.commandCalls(UpdateItemCommand).map(({ args }) => args[0].input)).toEqual([
      expect.objectContaining({
        TableName: "almanac-test-heartbeats-state",
        Key: { subject: { S: "job/backup" }, item: { S: "report" } },
        ConditionExpression: "attribute_not_exists(reportedAt) OR reportedAt < :at",
        ExpressionAttributeValues: { ":at": { N: String(NOW) } },
      }),
    ]);
  });

  it("bears a report twice, and one that was overtaken", async () => {
    dynamodb.on(UpdateItemCommand).rejects(new ConditionalCheckFailedException({ message: "no", $metadata: {} }));
    expect((await post("backup"))[0]).toBe(200);
  });

  it("knows no other job, and stores nothing of it", async () => {
    expect(await post("restore")).toEqual([404, { error: "NotFound", message: 'no job is called "restore"' }]);
    expect(dynamodb.commandCalls(UpdateItemCommand)).toEqual([]);
  });

  it.each<[string, string | undefined, object, RegExp]>([
    ["without a name", undefined, {}, /^path.name: /],
    ["with a body that is not JSON", "backup", { body: "{" }, /^body: is not JSON/],
    ["with a body that is no object", "backup", { body: "7" }, /^body: /],
  ])("refuses a request %s, saying where and why", async (_name, name, fields, message) => {
    expect(await post(name, fields)).toEqual([
      400,
      { error: "BadRequest", message: expect.stringMatching(message) as unknown },
    ]);
  });

  it("answers 500 to what is its own fault, and tells the logs more than the caller", async () => {
    dynamodb.on(UpdateItemCommand).rejects(new Error("no such table"));
    const [status, body] = await post("backup");
    expect(status).toBe(500);
    expect(JSON.stringify(body)).not.toContain("table");
    expect(output.lines()).toContainEqual(
      expect.objectContaining({ level: "ERROR", message: "request failed", requestId: "request-1" }),
    );
  });
});
