/** The API's handler with API Gateway's own events, and fakes at the edge of the real clients. */
import {
  BatchExecuteStatementCommand,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { mockClient } from "aws-sdk-client-mock";

import { AwsJsonError } from "../../../functions/shared/aws/aws-json";
import { handler } from "../../../functions/timers/api";
import { timerRow } from "../../../functions/timers/storage/timer-row";
import { sdkJson } from "../../support/sdk-json";
import { lambdaContext, setupHandler } from "../../support/lambda";
import { storedTimer } from "../../support/timers";

const call = jest.fn<Promise<string>, [target: string, body: string]>();
jest.mock("../../../functions/shared/aws/clients/aws-json", () => ({
  createAwsJsonClient: ({ service }: { readonly service: string }) => (service === "sqs" ? { call } : sdkJson()),
}));

const TABLE = "almanac-test-timers";
const NOW = Date.parse("2026-11-21T06:55:30.250Z");

const dynamodb = mockClient(DynamoDBClient);

const output = setupHandler("timers", {
  TIMERS_TABLE: TABLE,
  HISTORY_TABLE: "almanac-test-timers-history",
  CALLBACKS: JSON.stringify({ default: { queueUrl: "https://sqs/fires", history: false } }),
  SHARDS: "1",
});
beforeEach(() => {
  jest.spyOn(Date, "now").mockReturnValue(NOW);
  dynamodb.reset();
  dynamodb.on(PutItemCommand).resolves({});
  dynamodb.on(UpdateItemCommand).resolves({});
  dynamodb.on(DeleteItemCommand).resolves({});
  dynamodb.on(GetItemCommand).resolves({});
  dynamodb.on(QueryCommand).resolves({ Items: [] });
  dynamodb.on(BatchGetItemCommand).resolves({ Responses: {} });
  call.mockReset();
});

/** A complete event of API Gateway's REST proxy. */
function event(httpMethod: string, resource: string, id: string | null, body: string | null) {
  const path = resource.replace("{id}", encodeURIComponent(id ?? ""));
  return {
    resource,
    path,
    httpMethod,
    headers: { Accept: "*/*", Host: "abc.execute-api.eu-central-1.amazonaws.com", Origin: "https://example.org" },
    multiValueHeaders: { Accept: ["*/*"] },
    queryStringParameters: null,
    multiValueQueryStringParameters: null,
    pathParameters: id === null ? null : { id },
    stageVariables: null,
    requestContext: {
      accountId: "123456789012",
      apiId: "abc",
      httpMethod,
      identity: { userArn: "arn:aws:iam::123456789012:role/app", sourceIp: "192.0.2.1" },
      path: `/live${path}`,
      requestId: "request-1",
      requestTimeEpoch: NOW,
      stage: "live",
    },
    body,
    isBase64Encoded: false,
  };
}

async function invokeApi(method: string, resource: string, id: string | null = "tea", body?: unknown) {
  const text = typeof body === "string" || body === undefined ? (body ?? null) : JSON.stringify(body);
  const { statusCode, headers, body: responseBody } = await handler(event(method, resource, id, text), lambdaContext());
  // CORS allows browsers to read every response.
  expect(headers).toMatchObject({ "Access-Control-Allow-Origin": "*" });
  // No response exposes internals.
  expect(responseBody).not.toMatch(/\.[jt]s\b|\\n *at |AWS|Dynamo|SQS/);
  return [
    statusCode,
    headers?.["Content-Type"] === "application/json" ? (JSON.parse(responseBody) as unknown) : responseBody,
  ];
}

const failedEntry = (Code: string, SenderFault: boolean) =>
  JSON.stringify({ Failed: [{ Id: "0", Code, SenderFault, Message: "no" }] });
const failure = (name: string, httpStatusCode: number) =>
  Object.assign(new Error("AWS says: no"), { name, $metadata: { httpStatusCode } });

describe("the handler of the API", () => {
  it("responds to an hourly timer in the legacy format and stores it", async () => {
    expect(await invokeApi("PUT", "/periodic/{id}", "tea", { minuteOfHour: "45", timerCallbackData: 7 })).toEqual([
      200,
      { id: "tea", shardId: "shard0", timeShardId: "45:tea", timerCallbackData: 7 },
    ]);
    const rows = dynamodb.commandCalls(PutItemCommand).map(({ args: [{ input }] }) => input.Item);
    expect(rows).toMatchObject([
      { timer: { S: "cursor#shard0" }, cursor: { N: String(NOW) } },
      { timer: { S: "periodic#tea" }, slot: { S: "shard0#every#3600" }, dueMs: { N: "2700000" }, data: { S: "7" } },
    ]);
  });

  it("gets, deletes and lists", async () => {
    expect(await invokeApi("GET", "/periodic/{id}")).toEqual([404, "tea"]);
    const Item = timerRow(storedTimer(), undefined);
    dynamodb
      .on(GetItemCommand)
      .resolves({ Item })
      .on(QueryCommand)
      .resolvesOnce({ Items: [Item] })
      .resolves({ Items: [] });
    const tea = { id: "tea", timeShardId: "05:tea", nextFireAt: "2026-11-21T07:05:00.000Z" };
    expect(await invokeApi("GET", "/periodic/{id}")).toMatchObject([200, tea]);
    expect(await invokeApi("GET", "/periodic", null)).toMatchObject([200, { timers: [tea] }]);
    expect(await invokeApi("DELETE", "/periodic/{id}")).toEqual([200, "tea"]);
  });

  it("lets browsers read its responses; API Gateway answers their preflight requests", async () => {
    expect(await handler(event("GET", "/periodic/{id}", "tea", null), lambdaContext())).toMatchObject({
      statusCode: 404,
      headers: { "Access-Control-Allow-Origin": "*" },
    });
  });

  const bad = (message: string) => ({ error: "BadRequest", message });
  it.each<[string, unknown, unknown]>([
    ["no body", undefined, "invalid request, you are missing the parameter body"],
    ["a minute that there is not", { minuteOfHour: 75 }, bad("body.minuteOfHour: is not a minute of 0 to 59")],
    ["a field that there is not", { minutes: 5 }, bad("body: has an unknown field")],
    [
      "too much data",
      { timerCallbackData: "x".repeat(65_537) },
      bad("body.timerCallbackData: is longer than 65536 bytes of JSON"),
    ],
    [
      "a zone that there is not",
      { cron: "0 9 * * ? *", timeZone: "Mars/Base" },
      bad('body.timeZone: is not an IANA time zone such as "Europe/Berlin"'),
    ],
    ["no JSON", "{", bad(expect.stringMatching(/^body: is not JSON \(/) as string)],
  ])("answers 400 with the field and the reason: %s", async (_, body, expected) => {
    expect(await invokeApi("PUT", "/periodic/{id}", "tea", body)).toEqual([400, expected]);
    expect(dynamodb.commandCalls(PutItemCommand)).toEqual([]);
  });

  it.each(["", "a b", "a/b", "ü", "x".repeat(257), "%zz"])("answers 400 to an invalid id: %j", async (id) => {
    expect(await invokeApi("PUT", "/periodic/{id}", id, {})).toMatchObject([
      400,
      { message: expect.stringMatching(/^path\.id: is not /) as unknown },
    ]);
  });

  it("answers 409 after a lost race for a timer", async () => {
    const lost = new ConditionalCheckFailedException({ message: "The conditional request failed", $metadata: {} });
    dynamodb.on(PutItemCommand).rejects(lost);
    expect(await invokeApi("PUT", "/periodic/{id}", "tea", { ifVersion: "v0" })).toEqual([
      409,
      { error: "Conflict", message: "the timer does not have this version" },
    ]);
  });

  it.each([
    ["throttling", failure("ThrottlingException", 400), 429, "TooManyRequests", "1"],
    ["a used-up table", failure("ProvisionedThroughputExceededException", 400), 429, "TooManyRequests", "1"],
    ["a fault of DynamoDB's", failure("InternalServerError", 500), 503, "Unavailable", "1"],
    ["silence", Object.assign(new Error("late"), { name: "TimeoutError" }), 503, "Unavailable", "1"],
    ["a missing permission", failure("AccessDeniedException", 400), 500, "Internal", undefined],
    ["a bug", new TypeError("x of undefined"), 500, "Internal", undefined],
  ])("maps DynamoDB errors of every request: %s", async (_, error, status, name, retryAfter) => {
    for (const command of [GetItemCommand, PutItemCommand, DeleteItemCommand, QueryCommand] as const)
      dynamodb.on(command as typeof GetItemCommand).rejects(error);
    const requests = [
      ["GET", "/periodic/{id}", "tea", undefined],
      ["PUT", "/periodic/{id}", "tea", {}],
      ["PUT", "/oneshot/{id}", "egg", { delaySeconds: 5 }],
      ["DELETE", "/oneshot/{id}", "egg", undefined],
      ["GET", "/oneshot", null, undefined],
    ] as const;
    for (const [method, resource, id, body] of requests)
      expect(await invokeApi(method, resource, id, body)).toMatchObject([status, { error: name }]);
    const { headers } = await handler(event("GET", "/periodic/{id}", "tea", null), lambdaContext());
    expect(headers?.["Retry-After"]).toBe(retryAfter);
    const errors = output.lines().filter(({ level }) => level === "ERROR");
    expect(errors.length).toBe(status >= 500 ? requests.length + 1 : 0);
  });

  it("enqueues due fires immediately, and leaves unsent ones to the dispatcher", async () => {
    call.mockRejectedValue(new AwsJsonError("ServiceUnavailable", "later", 503));
    let now = NOW;
    jest.spyOn(Date, "now").mockImplementation(() => (now += 500));
    jest.spyOn(globalThis, "setTimeout").mockImplementation((work: () => void) => setImmediate(work) as never);
    expect(await invokeApi("PUT", "/oneshot/{id}", "egg", { delaySeconds: 5 })).toMatchObject([200, { id: "egg" }]);
    expect(call.mock.calls[0]).toEqual([
      "AmazonSQS.SendMessageBatch",
      expect.stringContaining('"DelaySeconds":') as unknown,
      expect.any(Number),
    ]);
    const [advance] = dynamodb.commandCalls(BatchExecuteStatementCommand)[0]?.args[0].input.Statements ?? [];
    expect(advance?.Parameters).toContainEqual({ S: "shard0#overdue" });
  });

  it("answers and logs a 500 when SQS rejects a fire", async () => {
    call.mockResolvedValue(failedEntry("InvalidParameterValue", true));
    expect(await invokeApi("PUT", "/oneshot/{id}", "egg", { delaySeconds: 5 })).toEqual([
      500,
      { error: "Internal", message: "The request failed; see the logs." },
    ]);
    expect(output.lines()).toContainEqual(expect.objectContaining({ level: "ERROR", message: "request failed" }));
  });

  it("runs batch requests independently", async () => {
    const slow = failure("ThrottlingException", 400);
    dynamodb.on(DeleteItemCommand).rejects(slow);
    const requests = [
      { method: "PUT", path: "/periodic/tea", body: {} },
      { method: "PUT", path: "/periodic/milk", body: { minuteOfHour: 75 } },
      { method: "DELETE", path: "/oneshot/egg" },
    ];
    expect(await invokeApi("POST", "/batch", null, { requests })).toMatchObject([
      200,
      { results: [{ status: 200 }, { status: 400 }, { status: 429 }] },
    ]);
  });

  it("answers 404 to an unknown path", async () => {
    expect(await invokeApi("PATCH", "/periodic/{id}")).toMatchObject([404, { error: "NotFound" }]);
  });
});
