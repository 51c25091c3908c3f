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
import { sdkJson } from "../../support/sdk-json";
import { startTargetServers, type TargetServers } from "../../support/target-servers";

jest.mock("../../../functions/shared/aws/clients/aws-json", () => ({ createAwsJsonClient: () => sdkJson() }));

let mockLagMs = 0;
jest.mock("../../../functions/heartbeats/probe/event-loop-lag", () => ({
  ...jest.requireActual<object>("../../../functions/heartbeats/probe/event-loop-lag"),
  startLagMeter: () => ({ read: () => mockLagMs, stop: () => undefined }),
}));

const TABLE = "almanac-test-heartbeats";

describe("the checker", () => {
  const s3 = mockClient(S3Client);
  const dynamodb = mockClient(DynamoDBClient);
  const lambda = mockClient(LambdaClient);
  let servers: TargetServers;

  beforeAll(async () => (servers = await startTargetServers()));
  afterAll(() => servers.close());
  const output = setupHandler("heartbeats", {
    TELEMETRY_TABLE: TABLE,
    CONFIGURATION_BUCKET: "almanac-test-configuration",
    TELEMETRY_DAYS: "90",
    STATE_TABLE: "almanac-test-heartbeats-state",
    INTERVAL_MINUTES: "5",
    MEMORY_MB: "512",
    PUBLISH_FUNCTION: "publish",
    NOTIFICATION_TOPIC: "arn:topic",
    SLACK_WEBHOOK_PARAMETER: "",
  });
  beforeEach(() => {
    mockLagMs = 0;
    dynamodb.reset();
    dynamodb.on(BatchWriteItemCommand).resolves({});
    dynamodb.on(BatchGetItemCommand).resolves({});
    dynamodb.on(GetItemCommand).resolves({});
    dynamodb.on(UpdateItemCommand).resolves({});
    dynamodb.on(PutItemCommand).resolves({});
    lambda.reset();
    lambda.on(InvokeCommand).resolves({});
  });

  const given = (text: string, settings = "{}"): void => {
    s3.reset();
    for (const [Key, content] of Object.entries({ "targets.json": text, "monitors.json": settings }))
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

  it("saves the state of each target, one write a tick", async () => {
    givenTargets({ name: "good", url: servers.urls.good }, { name: "bad", url: servers.urls.serverError });
    await run();
    const states = dynamodb.commandCalls(PutItemCommand).map(({ args }) => args[0].input);
    expect(states.map(({ Item = {} }) => unmarshall(Item))).toEqual([
      expect.objectContaining({ monitor: "good", item: "state", health: "up", revision: 1 }),
      expect.objectContaining({ monitor: "bad", item: "state", health: "unknown", revision: 1 }),
    ]);
    expect(states[0]).toMatchObject({
      TableName: "almanac-test-heartbeats-state",
      ConditionExpression: "attribute_not_exists(monitor)",
    });
  });

  it("invokes the publisher with its tick, even when it fails", async () => {
    givenTargets({ name: "good", url: servers.urls.good });
    dynamodb.on(PutItemCommand).rejects(new Error("no"));
    await expect(run()).rejects.toThrow();
    const [invoked] = lambda.commandCalls(InvokeCommand).map(({ args }) => args[0].input);
    expect(invoked).toMatchObject({ FunctionName: "publish", InvocationType: "Event" });
    expect(JSON.parse(Buffer.from(invoked?.Payload as Uint8Array).toString())).toEqual(scheduledEvent());
  });

  it("fails with the first error, though the publisher cannot be invoked either", async () => {
    givenTargets({ name: "good", url: servers.urls.good });
    dynamodb.on(PutItemCommand).rejects(new Error("no"));
    lambda.on(InvokeCommand).rejects(new Error("throttled"));
    await expect(run()).rejects.toMatchObject({ name: "StateWriteError" });
    expect(output.lines()).toContainEqual(expect.objectContaining({ level: "ERROR", message: "another step failed" }));
  });

  it("saves telemetry though states cannot be read, and fails", async () => {
    givenTargets({ name: "good", url: servers.urls.good });
    dynamodb.on(BatchGetItemCommand).rejects(new Error("no such table"));
    await expect(run()).rejects.toMatchObject({ name: "StateReadError" });
    expect(rows()).toHaveLength(1);
    // The page shows that data is missing.
    expect(lambda.commandCalls(InvokeCommand)).toHaveLength(1);
  });

  const lastChecks = () =>
    dynamodb
      .commandCalls(PutItemCommand)
      .map(({ args }) => unmarshall(args[0].input.Item ?? {})["lastCheck"] as unknown);

  it("calls no target down while it was busy itself", async () => {
    givenTargets({ name: "site", url: servers.urls.slow, timeoutSeconds: 0.1 });
    await run();
    mockLagMs = Infinity;
    await run();
    expect(rows().map(({ outcome }) => outcome as unknown)).toMatchObject([
      { reason: "timeout" },
      { reason: "unmeasured" },
    ]);
    expect(lastChecks()).toMatchObject([{ health: "down" }, { health: "unknown" }]);
  });

  it("judges no target while its own network reaches no canary", async () => {
    const targets = [{ name: "site", url: "https://site.invalid/", timeoutSeconds: 5 }];
    given(JSON.stringify(targets), JSON.stringify({ canaries: ["canary.invalid"] }));
    await run();
    expect(rows().map(({ outcome }) => outcome as unknown)).toMatchObject([{ reason: "unmeasured" }]);
    expect(lastChecks()).toContainEqual(expect.objectContaining({ health: "unknown", reason: "unmeasured" }));
  });

  it("writes separate rows for a duplicate tick", async () => {
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

  it("saves 25 rows a call, and retries unprocessed rows", async () => {
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

  it("fails when rows are not saved, after saving the others", async () => {
    givenTargets(...many(30));
    dynamodb.on(BatchWriteItemCommand).resolvesOnce({}).rejects(new Error("no such table"));
    await expect(run()).rejects.toMatchObject({
      name: "TelemetryWriteError",
      message: "5 of 30 rows not saved: rejected by DynamoDB",
      cause: expect.objectContaining({ message: "no such table" }) as unknown,
    });
    expect(output.lines()).toContainEqual(expect.objectContaining({ level: "ERROR", message: "invocation failed" }));
  });

  it("fails when DynamoDB throttles until the deadline", async () => {
    givenTargets(...many(2));
    dynamodb.on(BatchWriteItemCommand).callsFake(({ RequestItems }: object & { RequestItems: unknown }) => ({
      UnprocessedItems: RequestItems,
    }));
    await expect(handler(scheduledEvent(), lambdaContext(1_200))).rejects.toMatchObject({
      name: "TelemetryWriteError",
      message: "2 of 2 rows not saved: throttled until the deadline",
    });
  });

  it.each<[string, unknown, RegExp]>([
    ["nothing", null, /expected object/],
    ["another kind of event", scheduledEvent({ "detail-type": "Object Created" }), /detail-type: .*Scheduled Event/],
    ["an event without its time", { ...scheduledEvent(), time: undefined }, /time: /],
  ])("refuses %s, with the reason but not the event", async (_name, event, message) => {
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
      name: "ConfigurationError",
      message: expect.stringMatching(message) as unknown,
    });
  });

  it("sets a malformed target aside, says so, and checks the others", async () => {
    const [first, second] = many(2).map((target) => ({ private: true, ...target }));
    given(JSON.stringify([first, { name: "typo", url: "ftp://x" }, 7, second, first]));
    await run();
    const reported = output.lines().filter(({ message }) => message === "malformed, and not checked");
    expect(reported.map(({ monitor, problem }) => [monitor, problem])).toEqual([
      ["typo", expect.stringContaining("url: is not an http")],
      [undefined, expect.stringContaining("expected object")],
      [expect.any(String), "the name is used twice"],
    ]);
    expect(rows()).toHaveLength(2);
  });

  it("fails when the target list cannot be read", async () => {
    s3.reset();
    s3.on(GetObjectCommand).rejects(new NoSuchKey({ message: "none", $metadata: {} }));
    await expect(run()).rejects.toMatchObject({
      name: "ConfigurationError",
      message: "s3://almanac-test-configuration/targets.json cannot be read",
    });
  });
});
