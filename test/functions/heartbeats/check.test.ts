import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
  type WriteRequest,
} from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, NoSuchKey, S3Client } from "@aws-sdk/client-s3";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { mockClient } from "aws-sdk-client-mock";

import { handler } from "../../../functions/heartbeats/check";
import type { TargetInput } from "../../../functions/heartbeats/contract";
import { lambdaContext, scheduledEvent, setupHandler } from "../../support/lambda";
import { startTargetServers, type TargetServers } from "../../support/target-servers";

const TABLE = "almanac-test-heartbeats";

describe("the checker", () => {
  const s3 = mockClient(S3Client);
  const dynamodb = mockClient(DynamoDBClient);
  const lambda = mockClient(LambdaClient);
  let servers: TargetServers;

  beforeAll(async () => (servers = await startTargetServers()));
  afterAll(() => servers.close());
  const output = setupHandler("heartbeats", {
    HEARTBEATS_TABLE: TABLE,
    TARGETS_BUCKET: "almanac-test-configuration",
    TELEMETRY_DAYS: "90",
    STATE_TABLE: "almanac-test-heartbeats-state",
    INTERVAL_MINUTES: "5",
    PUBLISH_FUNCTION: "publish",
    NOTIFICATION_TOPIC: "arn:topic",
    SLACK_WEBHOOK_PARAMETER: "",
  });
  beforeEach(() => {
    dynamodb.reset();
    dynamodb.on(BatchWriteItemCommand).resolves({});
    dynamodb.on(BatchGetItemCommand).resolves({});
    dynamodb.on(GetItemCommand).resolves({});
    dynamodb.on(UpdateItemCommand).resolves({});
    dynamodb.on(PutItemCommand).resolves({});
    lambda.reset();
    lambda.on(InvokeCommand).resolves({});
  });

  const given = (text: string): void => {
    s3.reset();
    for (const [Key, content] of Object.entries({ "targets.json": text, "watch.json": "{}" }))
      s3.on(GetObjectCommand, { Bucket: "almanac-test-configuration", Key }).callsFake(() => ({
        Body: { transformToString: () => Promise.resolve(content) },
      }));
  };
  const givenTargets = (...targets: TargetInput[]): void => {
    given(JSON.stringify(targets.map((target) => ({ private: true, ...target }))));
  };
  const run = (event: unknown = scheduledEvent()): Promise<void> => handler(event, lambdaContext());
  const requests = (): readonly WriteRequest[][] =>
    dynamodb.commandCalls(BatchWriteItemCommand).map(({ args }) => args[0].input.RequestItems?.[TABLE] ?? []);
  const rows = () =>
    requests()
      .flat()
      .map(({ PutRequest }) => unmarshall(PutRequest?.Item ?? {}));
  const many = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `t${i}`, url: servers.urls.good }));

  it("saves a row for each target, with the event that caused it", async () => {
    givenTargets({ name: "good", url: servers.urls.good }, { name: "bad", url: servers.urls.serverError });
    await run();
    expect(rows()).toEqual([
      {
        utcDate: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) as unknown,
        utcTime: expect.stringMatching(/^\d\d:\d\d:\d\d\.\d{3}Z#good#[0-9a-f]{8}$/) as unknown,
        target: "good",
        latency: expect.any(Number) as unknown,
        outcome: { ok: true, status: 200 },
        event: scheduledEvent(),
        ttl: expect.any(Number) as unknown,
      },
      expect.objectContaining({
        target: "bad",
        outcome: { ok: false, reason: "status", message: "status 500, expected 200-299", status: 500 },
      }),
    ]);
    expect(Number(rows()[0]?.["ttl"]) - Date.now() / 1_000).toBeCloseTo(90 * 86_400, -2);
  });

  it("keeps the state of each target, one write a tick", async () => {
    givenTargets({ name: "good", url: servers.urls.good }, { name: "bad", url: servers.urls.serverError });
    await run();
    const states = dynamodb.commandCalls(PutItemCommand).map(({ args }) => args[0].input);
    expect(states.map(({ Item = {} }) => unmarshall(Item))).toEqual([
      expect.objectContaining({ subject: "good", item: "state", health: "up", revision: 1 }),
      expect.objectContaining({ subject: "bad", item: "state", health: "unknown", revision: 1 }),
    ]);
    expect(states[0]).toMatchObject({
      TableName: "almanac-test-heartbeats-state",
      ConditionExpression: "attribute_not_exists(subject)",
    });
  });

  it("hands its tick on to the publisher of the status page, even when it fails", async () => {
    givenTargets({ name: "good", url: servers.urls.good });
    dynamodb.on(PutItemCommand).rejects(new Error("no"));
    await expect(run()).rejects.toThrow();
    const [invoked] = lambda.commandCalls(InvokeCommand).map(({ args }) => args[0].input);
    expect(invoked).toMatchObject({ FunctionName: "publish", InvocationType: "Event" });
    expect(JSON.parse(Buffer.from(invoked?.Payload as Uint8Array).toString())).toEqual(scheduledEvent());
  });

  it("fails with what went wrong first, though the publisher cannot be reached either", async () => {
    givenTargets({ name: "good", url: servers.urls.good });
    dynamodb.on(PutItemCommand).rejects(new Error("no"));
    lambda.on(InvokeCommand).rejects(new Error("throttled"));
    await expect(run()).rejects.toMatchObject({ name: "StateNotSavedError" });
    expect(output.lines()).toContainEqual(expect.objectContaining({ level: "ERROR", message: "failed as well" }));
  });

  it("saves telemetry though states cannot be kept, and fails", async () => {
    givenTargets({ name: "good", url: servers.urls.good });
    dynamodb.on(BatchGetItemCommand).rejects(new Error("no such table"));
    await expect(run()).rejects.toMatchObject({ name: "StateNotReadError" });
    expect(rows()).toHaveLength(1);
  });

  it("gives a doubled tick rows of its own", async () => {
    givenTargets({ name: "good", url: servers.urls.good });
    await Promise.all([run(), run()]);
    expect(new Set(rows().map(({ utcTime }) => String(utcTime))).size).toBe(2);
  });

  it("reports counts and each failed target, but neither headers nor bodies", async () => {
    givenTargets(
      { name: "good", url: servers.urls.good },
      { name: "bad", url: servers.urls.good, headers: { "X-Key": "private" }, body: "private", bodyContains: "ill" },
    );
    await run();
    expect(output.lines()).toEqual([
      expect.objectContaining({
        level: "WARN",
        message: "check failed",
        target: "bad",
        reason: "body-mismatch",
        service: "heartbeats",
        environment: "almanac-test",
        eventId: scheduledEvent()["id"],
        function_request_id: lambdaContext().awsRequestId,
      }),
      expect.objectContaining({ level: "INFO", message: "run finished", checks: 2, failed: 1, broken: 0 }),
      expect.objectContaining({
        checks: 2,
        failedChecks: 1,
        brokenChecks: 0,
        service: "heartbeats",
        environment: "almanac-test",
      }),
    ]);
    expect(JSON.stringify(output.lines())).not.toContain("private");
  });

  it("saves 25 rows a call, and again what DynamoDB left unprocessed", async () => {
    givenTargets(...many(60));
    const left: WriteRequest[] = [];
    dynamodb
      .on(BatchWriteItemCommand)
      .callsFake(({ RequestItems }: { RequestItems: Record<string, WriteRequest[]> }) => {
        if (left.length > 0) return {};
        left.push(...(RequestItems[TABLE] ?? []).slice(0, 3));
        return { UnprocessedItems: { [TABLE]: left } };
      });
    await run();
    expect(requests().map(({ length }) => length)).toEqual([25, 25, 10, 3]);
    expect(requests()[3]).toEqual(left);
  });

  it("fails when rows stay unsaved, having saved the others", async () => {
    givenTargets(...many(30));
    dynamodb.on(BatchWriteItemCommand).resolvesOnce({}).rejects(new Error("no such table"));
    await expect(run()).rejects.toMatchObject({
      name: "TelemetryNotSavedError",
      message: "5 of 30 rows not saved: DynamoDB refused",
      cause: expect.objectContaining({ message: "no such table" }) as unknown,
    });
    expect(output.lines()).toContainEqual(expect.objectContaining({ level: "ERROR", message: "invocation failed" }));
  });

  it("fails when DynamoDB stays too busy for the time left", async () => {
    givenTargets(...many(2));
    dynamodb.on(BatchWriteItemCommand).callsFake(({ RequestItems }: object & { RequestItems: unknown }) => ({
      UnprocessedItems: RequestItems,
    }));
    await expect(handler(scheduledEvent(), lambdaContext(1_200))).rejects.toMatchObject({
      name: "TelemetryNotSavedError",
      message: "2 of 2 rows not saved: DynamoDB was too busy for the time left",
    });
  });

  it.each<[string, unknown, RegExp]>([
    ["nothing", null, /expected object/],
    ["another kind of event", scheduledEvent({ "detail-type": "Object Created" }), /detail-type: .*Scheduled Event/],
    ["an event without its time", { ...scheduledEvent(), time: undefined }, /time: /],
  ])("refuses %s, saying what is wrong and not what was sent", async (_name, event, message) => {
    givenTargets(...many(1));
    await expect(run(event)).rejects.toMatchObject({
      name: "InvalidInputError",
      message: expect.stringMatching(message) as unknown,
    });
    expect(output.lines()).toHaveLength(1);
    expect(JSON.stringify(output.lines())).not.toContain("aws.events");
    expect(requests()).toEqual([]);
  });

  it.each<[string, string, RegExp]>([
    ["not JSON", "[", /^s3:\/\/almanac-test-configuration\/targets.json is not JSON$/],
    ["malformed", '[{"name":"A","url":"ftp://x"}]', /is malformed: 0.name: is not lower case.*; 0.url: is not an http/],
  ])("fails when the target list is %s", async (_name, text, message) => {
    given(text);
    await expect(run()).rejects.toMatchObject({
      name: "TargetListError",
      message: expect.stringMatching(message) as unknown,
    });
  });

  it("fails when the target list cannot be read", async () => {
    s3.reset();
    s3.on(GetObjectCommand).rejects(new NoSuchKey({ message: "none", $metadata: {} }));
    await expect(run()).rejects.toMatchObject({
      name: "TargetListError",
      message: "s3://almanac-test-configuration/targets.json cannot be read",
    });
  });
});
