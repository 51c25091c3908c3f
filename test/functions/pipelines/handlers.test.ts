import { createHmac } from "node:crypto";
import { gunzipSync } from "node:zlib";
import {
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { mockClient } from "aws-sdk-client-mock";
import { AwsJsonError } from "../../../functions/shared/aws/aws-json";
import { lambdaContext, setupHandler } from "../../support/lambda";

const call = jest.fn<Promise<string>, [target: string, body: string]>();
jest.mock("../../../functions/shared/aws/clients/aws-json", () => ({ createAwsJsonClient: () => ({ call }) }));

const sqs = mockClient(SQSClient);
const s3 = mockClient(S3Client);
const dynamodb = mockClient(DynamoDBClient);
const lambda = mockClient(LambdaClient);
const ssm = mockClient(SSMClient);

const POINTERS_SINCE = "2026-11-20T00:00:00Z";

const output = setupHandler("pipelines", {
  POINTERS_SINCE,
  PIPELINE_NAME: "jobOrder",
  PIPELINE_CONFIG: JSON.stringify({
    key: "/id",
    version: "/v",
    slack: "/almanac/slack/orders",
    webhook: { verify: "slack", secret: "/secret" },
  }),
  WEBHOOK_SECRET: "/secret",
  DELIVERIES_TABLE: "deliveries",
  QUEUE_URL: "https://sqs/queue",
  PIPELINE_TABLE: "table",
  ARCHIVE_BUCKET: "archive",
  NOTIFICATIONS_TABLE: "notifications",
  SEND_FUNCTION: "send",
  SLACK_PARAMETERS: "jobOrder=/almanac/slack/orders,quiet=",
  SCHEMA_BUCKET: "configuration",
  NOTIFY_FROM: "2026-11-21T07:59:59.500Z",
});
beforeEach(() => {
  for (const mock of [sqs, s3, dynamodb, lambda, ssm]) mock.reset();
});

/** A handler is built at its first event, and stays. */
async function handlerOf<Answer>(name: string): Promise<(event: unknown) => Promise<Answer>> {
  const { handler } = (await import(`../../../functions/pipelines/${name}`)) as {
    handler: (event: unknown, context: unknown) => Promise<Answer>;
  };
  return (event) => handler(event, lambdaContext());
}

describe("ingress", () => {
  const schema = { type: "object", properties: { items: { type: "array", items: { type: "integer" } } } };
  beforeEach(() => {
    s3.on(GetObjectCommand, { Bucket: "configuration", Key: "schemas/jobOrder.json" }).resolves({
      Body: { transformToString: () => Promise.resolve(JSON.stringify(schema)) } as never,
    });
  });
  const post = async (body: string) => {
    const handler = await handlerOf<{ statusCode: number; body: string }>("ingress");
    const route = { httpMethod: "POST", resource: "/pipelines/jobOrder", requestContext: { requestId: "r" } };
    const { statusCode, body: answer } = await handler({ ...route, body });
    return [statusCode, JSON.parse(answer)] as const;
  };

  it("answers 202 with the message's id once SQS has it, every digit of it", async () => {
    sqs.on(SendMessageCommand).resolves({ MessageId: "m-1" });
    const body = '{"id":12345678901234567890123456789012345678901,\n"v":1}';
    expect(await post(body)).toEqual([
      202,
      { messageId: "m-1", key: "12345678901234567890123456789012345678901", version: "1" },
    ]);
    expect(sqs.commandCalls(SendMessageCommand)[0]?.args[0].input).toMatchObject({
      MessageBody: body.replace("\n", " "),
      MessageAttributes: {
        receivedAt: { DataType: "Number" },
        pointers: {
          DataType: "String",
          StringValue: JSON.stringify({ key: "/id", since: POINTERS_SINCE, version: "/v" }),
        },
      },
    });
  });

  it("refuses what is not UTF-8, instead of replacing its letters", async () => {
    const handler = await handlerOf<{ statusCode: number; body: string }>("ingress");
    const route = { httpMethod: "POST", resource: "/pipelines/jobOrder", requestContext: { requestId: "r" } };
    const send = (body: Buffer) => handler({ ...route, body: body.toString("base64"), isBase64Encoded: true });
    const text = '{"id":"Müller","v":1}';
    expect(await send(Buffer.from(text, "latin1"))).toMatchObject({
      statusCode: 400,
      body: expect.stringContaining("body: is not UTF-8") as unknown,
    });
    sqs.on(SendMessageCommand).resolves({ MessageId: "m-1" });
    expect((await send(Buffer.from(text))).statusCode).toBe(202);
    expect(sqs.commandCalls(SendMessageCommand)[0]?.args[0].input.MessageBody).toBe(text);
  });

  it.each([
    '{"id":"1","v":1,"password":hunter2}',
    '{"id":"1","v":1,"password":"hunter2}',
    '{"id":"1","v":1,"hunter2":1,"hunter2":2}',
    '{"id":"1","v":1,"hunter2":"\\ud83d"}',
    '{"id":"1","v":"hunter2"}',
    '{"id":{"hunter2":1},"v":1}',
    '{"id":"1","v":1,"items":["hunter2"]}',
    `{"id":"1","v":1,"hunter2":${"[".repeat(200)}${"]".repeat(200)}}`,
    "hunter2",
  ])("logs nothing of what it refuses: %.60s", async (body) => {
    expect((await post(body))[0]).toBe(400);
    expect(JSON.stringify(output.lines())).not.toContain("hunter2");
  });

  it("answers no 202 when SQS has it not", async () => {
    sqs.on(SendMessageCommand).rejects(Object.assign(new Error("busy"), { name: "ThrottlingException" }));
    expect((await post('{"id":"1","v":1}'))[0]).toBe(429);
  });

  it("refuses what violates the schema, and says where", async () => {
    const [status, { message }] = (await post('{"id":"1","v":1,"items":[1,"2"]}')) as [number, { message: string }];
    expect([status, message]).toEqual([400, "body: /items/1: must be integer"]);
    expect(sqs.calls()).toHaveLength(0);
  });

  it.each([
    ["nothing", "", 400],
    ["no key", '{"v":1}', 400],
    ["a longer text in SQS", `{"id":"1","v":1,"x":"${"\uffff".repeat(60_000)}"}`, 413],
    ["a name twice with the same value", '{"id":"1","v":1,"x":1,"x":1}', 400],
    ["half of a character", '{"id":"\\ud83d","v":1}', 400],
    ["a line break within a text", '{"id":"1","v":1,"x":"a\nb"}', 400],
    ["a byte order mark", '\ufeff{"id":"1","v":1}', 400],
    ["depth", `{"id":"1","v":1,"x":${"[".repeat(5_000)}${"]".repeat(5_000)}}`, 400],
    ["more than it takes", `{"id":"1","v":1,"x":"${"x".repeat(204_800)}"}`, 413],
    ["more bytes than it takes", `{"id":"1","v":1,"x":"${"é".repeat(102_400)}"}`, 413],
  ])("refuses %s", async (_, body, status) => {
    expect((await post(body))[0]).toBe(status);
    expect(sqs.calls()).toHaveLength(0);
  });
});

describe("webhook", () => {
  const setup = async () => {
    s3.on(GetObjectCommand).resolves({ Body: { transformToString: () => Promise.resolve("{}") } as never });
    ssm.on(GetParameterCommand, { Name: "/secret", WithDecryption: true }).resolves({ Parameter: { Value: "hush" } });
    sqs.on(SendMessageCommand).resolves({ MessageId: "m-1" });
    dynamodb.on(GetItemCommand).resolves({});
    dynamodb.on(PutItemCommand).resolves({});
    const handler = await handlerOf<{ statusCode: number; body: string }>("webhook");
    return async (body: string, secret = "hush", seconds = Math.floor(Date.now() / 1_000), repeated: object = {}) => {
      const signature = createHmac("sha256", secret).update(`v0:${seconds}:${body}`).digest("hex");
      const { statusCode, body: answer } = await handler({
        httpMethod: "POST",
        resource: "/webhooks/jobOrder",
        requestContext: { requestId: "r" },
        headers: { "X-Slack-Signature": `v0=${signature}`, "X-Slack-Request-Timestamp": String(seconds) },
        multiValueHeaders: { "x-slack-signature": [`v0=${signature}`], ...repeated },
        body: Buffer.from(body).toString("base64"),
        isBase64Encoded: true,
      });
      return [statusCode, JSON.parse(answer) as unknown] as const;
    };
  };

  it("accepts what its sender has signed, and remembers it after SQS has it", async () => {
    const post = await setup();
    expect(await post('{"id":"1","v":1}')).toEqual([202, { messageId: "m-1", key: "1", version: "1" }]);
    expect(sqs.commandCalls(SendMessageCommand)).toHaveLength(1);
    const [put] = dynamodb.commandCalls(PutItemCommand).map(({ args: [{ input }] }) => input.Item);
    expect(put?.["delivery"]?.S).toMatch(/^jobOrder [0-9a-f]{64}$/);
    // Seconds: 30 days.
    expect(Number(put?.["expiresAt"]?.N) - Date.now() / 1_000).toBeCloseTo(30 * 86_400, -2);
    sqs.on(SendMessageCommand).rejects(Object.assign(new Error("busy"), { name: "ThrottlingException" }));
    expect((await post('{"id":"2","v":1}'))[0]).toBe(429);
    expect(dynamodb.commandCalls(PutItemCommand)).toHaveLength(1);
  });

  it("drops a delivery that it has accepted before", async () => {
    const post = await setup();
    dynamodb.on(GetItemCommand).resolves({ Item: { delivery: { S: "known" } } });
    expect(await post('{"id":"1","v":1}')).toEqual([202, { repeated: true }]);
    expect(sqs.calls()).toHaveLength(0);
  });

  it.each([
    ["the signature", { "X-Slack-Signature": ["v0=00"] }],
    ["its time", { "x-slack-request-timestamp": ["1", "2"] }],
  ])("refuses a request that has %s with different values", async (_, repeated) => {
    const post = await setup();
    expect(await post('{"id":"1","v":1}', "hush", undefined, repeated)).toMatchObject([401, {}]);
    expect(sqs.calls()).toHaveLength(0);
    expect((await post('{"id":"1","v":1}', "hush", undefined, { "X-Forwarded-For": ["a", "b"] }))[0]).toBe(202);
  });

  it("asks for the deliveries consistently: a repetition comes within milliseconds", async () => {
    const post = await setup();
    await post('{"id":"1","v":1}');
    expect(dynamodb.commandCalls(GetItemCommand)[0]?.args[0].input).toMatchObject({ ConsistentRead: true });
  });

  it("keeps the time at which it accepted a message", async () => {
    const post = await setup();
    const before = Date.now();
    await post('{"id":"1","v":1}');
    const { receivedAt } = sqs.commandCalls(SendMessageCommand)[0]?.args[0].input.MessageAttributes ?? {};
    expect(Number(receivedAt?.StringValue)).toBeGreaterThanOrEqual(before);
    expect(Number(receivedAt?.StringValue)).toBeLessThanOrEqual(Date.now());
  });

  it.each([
    ["of another secret, though it is a challenge", '{"type":"url_verification","challenge":"c"}', "other", 0],
    ["of another secret", '{"id":"1","v":1}', "other", 0],
    ["that is old", '{"id":"1","v":1}', "hush", -301],
    ["of another secret, though it is not JSON", "hello", "other", 0],
  ])("refuses a signature %s, before anything else", async (_, body, secret, seconds) => {
    const post = await setup();
    expect((await post(body, secret, Math.floor(Date.now() / 1_000) + seconds))[0]).toBe(401);
    expect([...sqs.calls(), ...dynamodb.calls()]).toHaveLength(0);
    expect(JSON.stringify(output.lines())).not.toContain("hush");
  });

  it("is behind the same gate as the signed API", async () => {
    const post = await setup();
    expect(await post('{"v":1}')).toMatchObject([
      400,
      { message: expect.stringContaining("/id: is missing") as unknown },
    ]);
    expect((await post(`{"id":"1","v":1,"x":"${"x".repeat(204_800)}"}`))[0]).toBe(413);
  });

  it("answers Slack's challenge", async () => {
    const post = await setup();
    expect(await post('{"type":"url_verification","token":"t","challenge":"3eZbrw1a"}')).toEqual([
      200,
      { challenge: "3eZbrw1a" },
    ]);
  });
});

describe("ingest", () => {
  const record = (messageId: string, body: string, receivedAt?: number) => ({
    messageId,
    body,
    attributes: { SentTimestamp: "1795248000000" },
    messageAttributes: receivedAt === undefined ? {} : { receivedAt: { stringValue: String(receivedAt) } },
  });

  it("archives and stores, and returns the messages that failed and no others", async () => {
    s3.on(PutObjectCommand).resolves({});
    call.mockImplementation((_, body) => {
      if (body.includes('"old"'))
        return Promise.reject(new AwsJsonError("ConditionalCheckFailedException", "older", 400));
      return body.includes('"broken"') ? Promise.reject(new Error("no")) : Promise.resolve("{}");
    });
    const handler = await handlerOf("ingest");
    const Records = [
      record("1", '{"id":"a","v":1}', Date.parse("2026-11-21T07:00:00Z")),
      record("2", "poison"),
      record("3", '{"id":"old","v":1}'),
      record("4", '{"id":"broken","v":1}'),
    ];
    expect(await handler({ Records })).toEqual({
      batchItemFailures: [{ itemIdentifier: "2" }, { itemIdentifier: "4" }],
    });
    // Two hours are two objects, compressed and sent side by side: in either order.
    const objects = s3.commandCalls(PutObjectCommand).map(({ args: [{ input }] }) => input);
    expect(objects.map(({ Key }) => Key?.split("/").slice(0, 3).join("/")).toSorted()).toEqual([
      "jobOrder/dt=2026-11-21/hour=07",
      "jobOrder/dt=2026-11-21/hour=08",
    ]);
    const first = objects.find(({ Key }) => Key?.includes("hour=07"));
    expect(gunzipSync(first?.Body as Buffer).toString()).toBe(
      '{"id":"1","receivedAt":"2026-11-21T07:00:00.000Z","data":{"id":"a","v":1}}\n',
    );
    const [target, request = ""] = call.mock.calls[0] ?? [];
    expect(target).toBe("DynamoDB_20120810.PutItem");
    expect(JSON.parse(request)).toMatchObject({
      TableName: "table",
      Item: { key: { S: "a" }, version: { S: "1" }, data: { S: '{"id":"a","v":1}' } },
      ConditionExpression: expect.stringContaining("(#source = :source AND #order < :order)") as unknown,
    });
    const failed = output.lines().filter(({ message }) => message === "message failed");
    expect(failed.map(({ messageId }) => messageId)).toEqual(["2", "4"]);
    expect(JSON.stringify(output.lines())).not.toContain("poison");
  });

  it("takes no time of receipt that is to come: it would be the newest version for ever", async () => {
    s3.on(PutObjectCommand).resolves({});
    call.mockClear();
    call.mockResolvedValue("{}");
    const handler = await handlerOf("ingest");
    const sentAt = Date.parse("2026-11-21T08:00:00.000Z");
    // Clocks differ by up to a minute.
    const times = [999_999_999_999_999, sentAt + 60_001, sentAt + 60_000];
    await handler({ Records: times.map((time, index) => record(String(index), `{"id":"${index}","v":1}`, time)) });
    expect(call.mock.calls.map(([, body]) => JSON.parse(body) as unknown)).toMatchObject(
      [sentAt, sentAt, sentAt + 60_000].map((time) => ({ Item: { receivedAt: { S: new Date(time).toISOString() } } })),
    );
  });

  it("reads a message by the pointers by which the gate accepted it, and by its own what has none, or others than pointers", async () => {
    s3.on(PutObjectCommand).resolves({});
    call.mockClear();
    call.mockResolvedValue("{}");
    const handler = await handlerOf("ingest");
    const withPointers = (messageId: string, body: string, pointers: unknown) => ({
      ...record(messageId, body),
      messageAttributes: { pointers: { stringValue: JSON.stringify(pointers) } },
    });
    const old = { key: "/number", version: "/revision", since: "2026-11-01T00:00:00Z" };
    const Records = [
      withPointers("1", '{"number":"a","revision":7}', old),
      withPointers("2", '{"id":"b","v":1}', { ...old, since: "soon" }),
      withPointers("3", '{"id":"c","v":1}', "text"),
    ];
    expect(await handler({ Records })).toEqual({ batchItemFailures: [] });
    const items = call.mock.calls.map(([, body]) => (JSON.parse(body) as { Item: object }).Item);
    expect(items).toMatchObject([
      { key: { S: "a" }, keySource: { S: "/number" }, version: { S: "7" }, versionSince: { S: old.since } },
      { key: { S: "b" }, keySource: { S: "/id" }, versionSource: { S: "/v" }, versionSince: { S: POINTERS_SINCE } },
      { key: { S: "c" }, versionSince: { S: POINTERS_SINCE } },
    ]);
  });

  it("archives all but what was replayed from this archive, and notifies of all but a quiet replay", async () => {
    s3.on(PutObjectCommand).resolves({});
    call.mockClear();
    call.mockResolvedValue("{}");
    const handler = await handlerOf("ingest");
    const Records = ["0", "1"].map((flag) => ({
      ...record(flag, `{"id":"${flag}","v":1}`),
      messageAttributes: { archived: { stringValue: flag }, quiet: { stringValue: flag } },
    }));
    await handler({ Records });
    const [object, ...others] = s3.commandCalls(PutObjectCommand).map(({ args: [{ input }] }) => input.Body as Buffer);
    expect(others).toEqual([]);
    expect(gunzipSync(object ?? "").toString()).toMatch(/^\{"id":"0",.*\n$/);
    const items = call.mock.calls.map(([, body]) => (JSON.parse(body) as { Item: object }).Item);
    expect(items).toMatchObject([{ key: { S: "0" } }, { key: { S: "1" }, quiet: { BOOL: true } }]);
    expect(items[0]).not.toHaveProperty("quiet");
  });

  it("fails as a whole when it is given no batch", async () => {
    const handler = await handlerOf("ingest");
    await expect(handler({})).rejects.toThrow();
  });
});

describe("notify", () => {
  const change = (sequence: number, data: string, before?: string, seconds = 1_795_248_000) => {
    const image = (text: string) => ({ key: { S: "a" }, version: { N: "1" }, digest: { S: text }, data: { S: text } });
    return {
      dynamodb: {
        SequenceNumber: String(sequence),
        ApproximateCreationDateTime: seconds,
        NewImage: image(data),
        ...(before !== undefined && { OldImage: image(before) }),
      },
    };
  };

  it("queues what has changed, one after the other of one key, and invokes the send function", async () => {
    dynamodb.on(BatchWriteItemCommand).resolves({});
    lambda.on(InvokeCommand).resolves({});
    const handler = await handlerOf("notify");
    await handler({ Records: [change(9, "{}"), change(10, '{"x":1}', "{}"), change(11, '{"x":1}', '{"x":1}')] });
    const positions = dynamodb
      .commandCalls(BatchWriteItemCommand)
      .map(({ args: [{ input }] }) =>
        input.RequestItems?.["notifications"]?.map(({ PutRequest }) => PutRequest?.Item?.["position"]?.S),
      );
    const at = (sequence: number) => `2026-11-21T08:00:00.000Z#jobOrder#${String(sequence).padStart(40, "0")}`;
    expect(positions).toEqual([[at(9)], [at(10)]]);
    expect(lambda.commandCalls(InvokeCommand)[0]?.args[0].input).toMatchObject({
      FunctionName: "send",
      InvocationType: "Event",
    });
  });

  it("queues each change of a row that was written by hand, without a digest", async () => {
    dynamodb.on(BatchWriteItemCommand).resolves({});
    lambda.on(InvokeCommand).resolves({});
    const handler = await handlerOf("notify");
    const { dynamodb: byHand } = change(9, "{}", "{}");
    const [NewImage, OldImage] = ["2", "1"].map((version) => ({ key: { S: "a" }, version: { N: version } }));
    await handler({ Records: [{ dynamodb: { ...byHand, NewImage, OldImage } }] });
    expect(JSON.stringify(dynamodb.commandCalls(BatchWriteItemCommand)[0]?.args[0].input)).toMatch(/changed/);
  });

  it("queues the removal of a row that a quiet replay wrote", async () => {
    dynamodb.on(BatchWriteItemCommand).resolves({});
    lambda.on(InvokeCommand).resolves({});
    const handler = await handlerOf("notify");
    const { dynamodb: change9 } = change(9, "{}");
    const { NewImage, ...removal } = change9;
    await handler({ Records: [{ dynamodb: { ...removal, OldImage: { ...NewImage, quiet: { BOOL: true } } } }] });
    expect(JSON.stringify(dynamodb.commandCalls(BatchWriteItemCommand)[0]?.args[0].input)).toMatch(/removed/);
  });

  it("queues no change from before notifications were configured", async () => {
    dynamodb.on(BatchWriteItemCommand).resolves({});
    lambda.on(InvokeCommand).resolves({});
    const handler = await handlerOf("notify");
    const [old, first] = [change(7, "{}", undefined, 1_795_247_998), change(8, "{}", undefined, 1_795_247_999)];
    await handler({ Records: [old] });
    expect(dynamodb.calls()).toHaveLength(0);
    await handler({ Records: [old, first] });
    expect(JSON.stringify(dynamodb.commandCalls(BatchWriteItemCommand)[0]?.args[0].input)).toMatch(/0008/);
  });

  it("invokes nothing when no change is notified", async () => {
    const handler = await handlerOf("notify");
    await handler({ Records: [change(9, "{}", "{}")] });
    expect([...dynamodb.calls(), ...lambda.calls()]).toEqual([]);
  });

  it("succeeds when the notifications are written, though the send function cannot be invoked", async () => {
    dynamodb.on(BatchWriteItemCommand).resolves({});
    lambda.on(InvokeCommand).rejects(new Error("throttled"));
    const handler = await handlerOf("notify");
    await expect(handler({ Records: [change(9, "{}")] })).resolves.toBeUndefined();
  });

  it("fails, to be retried, when notifications cannot be written", async () => {
    dynamodb.on(BatchWriteItemCommand).rejects(new Error("no"));
    const handler = await handlerOf("notify");
    await expect(handler({ Records: [change(9, "{}")] })).rejects.toThrow("1 of 1 notifications not written");
    expect(lambda.calls()).toHaveLength(0);
  });
});

describe("send", () => {
  const notification = {
    pipeline: "jobOrder",
    key: "17",
    kind: "new",
    receivedAt: "2026-11-21T07:00:00.000Z",
    fields: [],
  };
  const queued = (time: string) => ({
    Items: [{ position: { S: `${time}#jobOrder#1` }, notification: { S: JSON.stringify(notification) } }],
  });

  it("acquires the lease, sends, removes and releases the lease; the webhook is in no log", async () => {
    const fetched = jest.spyOn(globalThis, "fetch").mockImplementation(() => Promise.resolve(new Response("ok")));
    ssm.on(GetParameterCommand).resolves({ Parameter: { Value: "https://hooks.example/secret" } });
    dynamodb.on(UpdateItemCommand).resolves({});
    dynamodb.on(QueryCommand).resolvesOnce(queued(new Date().toISOString())).resolves({ Items: [] });
    dynamodb.on(BatchWriteItemCommand).resolves({});
    const handler = await handlerOf("send");
    await handler({ webhook: "/almanac/slack/orders" });
    expect(fetched.mock.calls.map(([url]) => url)).toEqual(["https://hooks.example/secret"]);
    const updates = dynamodb.commandCalls(UpdateItemCommand).map(({ args: [{ input }] }) => input.ConditionExpression);
    expect(updates).toEqual([
      "(attribute_not_exists(leaseOwner) OR NOT leaseUntil >= :now OR leaseOwner = :owner)",
      "leaseOwner = :owner",
      "leaseOwner = :owner",
      "leaseOwner = :owner",
    ]);
    expect(dynamodb.commandCalls(BatchWriteItemCommand)).toHaveLength(1);
    expect(JSON.stringify(output.lines())).not.toContain("hooks.example");
  });

  it("sets aside what it cannot read, says so without its content, and sends the others", async () => {
    jest.spyOn(globalThis, "fetch").mockImplementation(() => Promise.resolve(new Response("ok")));
    ssm.on(GetParameterCommand).resolves({ Parameter: { Value: "https://hooks.example/secret" } });
    dynamodb.on(UpdateItemCommand).resolves({});
    const poison = { position: { S: "2026-11-21T00:00:00.000Z#jobOrder#0" }, notification: { S: '{"hunter2' } };
    const rest = queued(new Date().toISOString());
    const query = (queue: string, at?: string) =>
      dynamodb.on(QueryCommand, {
        ExpressionAttributeValues: { ":queue": { S: queue }, ...(at !== undefined && { ":position": { S: at } }) },
      });
    query("jobOrder")
      .resolvesOnce({ Items: [poison, ...rest.Items] })
      .resolves({ Items: [] });
    query("jobOrder", poison.position.S).resolves({ Items: [poison] });
    query("set-aside jobOrder").resolves({ Items: [{ ...poison, fault: { S: "not JSON" } }] });
    dynamodb.on(BatchWriteItemCommand).resolves({});
    const handler = await handlerOf("send");
    await handler({ webhook: "/almanac/slack/orders" });
    const writes = dynamodb
      .commandCalls(BatchWriteItemCommand)
      .flatMap(({ args: [{ input }] }) => input.RequestItems?.["notifications"] ?? []);
    expect(writes).toMatchObject([
      {
        PutRequest: {
          Item: {
            queue: { S: "set-aside jobOrder" },
            fault: { S: "is not JSON (position 9: it ends too early)" },
          },
        },
      },
      { DeleteRequest: { Key: { queue: { S: "jobOrder" }, position: poison.position } } },
      { DeleteRequest: { Key: { position: rest.Items[0]?.position } } },
    ]);
    expect(JSON.stringify(output.lines())).toContain("unreadableNotifications");
    expect(JSON.stringify(output.lines())).not.toContain("hunter2");
  });

  it("changes nothing when another owner has the lease, and counts notifications that are overdue", async () => {
    dynamodb.on(UpdateItemCommand).rejects(new ConditionalCheckFailedException({ message: "no", $metadata: {} }));
    dynamodb.on(QueryCommand).resolves(queued("2026-11-21T00:00:00.000Z"));
    jest.spyOn(Date, "now").mockReturnValue(Date.parse("2026-11-21T00:06:00Z"));
    const handler = await handlerOf("send");
    await handler({ source: "aws.events" });
    expect(dynamodb.commandCalls(BatchWriteItemCommand)).toHaveLength(0);
    expect(JSON.stringify(output.lines())).toContain("overdueNotifications");
  });

  it("counts no notification as overdue in its first five minutes", async () => {
    dynamodb.on(UpdateItemCommand).rejects(new ConditionalCheckFailedException({ message: "no", $metadata: {} }));
    dynamodb.on(QueryCommand).resolves({ Items: [] });
    queueOf("jobOrder").resolves(queued("2026-11-21T00:00:00.000Z"));
    jest.spyOn(Date, "now").mockReturnValue(Date.parse("2026-11-21T00:05:00Z"));
    const handler = await handlerOf("send");
    await handler({ source: "aws.events" });
    expect(JSON.stringify(output.lines())).not.toContain("overdueNotifications");
  });

  const queueOf = (queue: string) =>
    dynamodb.on(QueryCommand, { ExpressionAttributeValues: { ":queue": { S: queue } } });

  it("sends what a pipeline has queued to its webhook of now, and nothing for a webhook of before", async () => {
    jest.spyOn(globalThis, "fetch").mockImplementation(() => Promise.resolve(new Response("ok")));
    ssm.on(GetParameterCommand).resolves({ Parameter: { Value: "https://hooks.example/secret" } });
    dynamodb.on(UpdateItemCommand).resolves({});
    dynamodb.on(QueryCommand).resolves({ Items: [] });
    queueOf("jobOrder").resolvesOnce(queued(new Date().toISOString())).resolves({ Items: [] });
    dynamodb.on(BatchWriteItemCommand).resolves({});
    const handler = await handlerOf("send");
    await handler({ webhook: "/almanac/slack/before" });
    expect(dynamodb.calls()).toHaveLength(0);
    await handler({ source: "aws.events" });
    const leases = dynamodb.commandCalls(UpdateItemCommand).map(({ args: [{ input }] }) => input.Key?.["queue"]?.S);
    expect(new Set(leases)).toEqual(new Set(["lease /almanac/slack/orders"]));
    const [removed] = dynamodb.commandCalls(BatchWriteItemCommand).map(({ args: [{ input }] }) => input.RequestItems);
    expect(removed?.["notifications"]?.map(({ DeleteRequest }) => DeleteRequest?.Key?.["queue"])).toEqual([
      { S: "jobOrder" },
    ]);
  });

  it("fails when a webhook's queue cannot be read", async () => {
    dynamodb.on(UpdateItemCommand).resolves({});
    dynamodb.on(QueryCommand).rejects(new Error("no table"));
    const handler = await handlerOf("send");
    await expect(handler({ source: "aws.events" })).rejects.toThrow("some webhooks failed");
  });

  it("says that notifications wait of a pipeline whose Slack was removed", async () => {
    dynamodb.on(UpdateItemCommand).resolves({});
    dynamodb.on(QueryCommand).resolves({ Items: [] });
    queueOf("quiet").resolves(queued("2026-11-21T00:00:00.000Z"));
    jest.spyOn(Date, "now").mockReturnValue(Date.parse("2026-11-21T00:06:00Z"));
    const handler = await handlerOf("send");
    await handler({ source: "aws.events" });
    expect(dynamodb.commandCalls(BatchWriteItemCommand)).toHaveLength(0);
    const lines = JSON.stringify(output.lines());
    expect(lines).toContain("overdueNotifications");
    expect(lines).toContain("notifications of a pipeline without Slack");
  });
});
