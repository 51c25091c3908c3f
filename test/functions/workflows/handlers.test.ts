/** The handlers, with mocked SDK clients. */
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  QueryCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  ListExecutionsCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from "@aws-sdk/client-sfn";
import { marshall } from "@aws-sdk/util-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { handler as reconcile } from "../../../functions/workflows/reconcile";
import { handler as start } from "../../../functions/workflows/start";
import { handler as sweep } from "../../../functions/workflows/sweep";
import { handler as tasks } from "../../../functions/workflows/tasks";
import { lambdaContext, scheduledEvent, setupHandler } from "../../support/lambda";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const MACHINE = "arn:aws:states:eu-central-1:000000000000:stateMachine:almanac-test-workflows-task";
const EXECUTIONS = "arn:aws:states:eu-central-1:000000000000:execution:almanac-test-workflows-task";
const TIMESTAMP = NOW / 1_000;
const INPUT = JSON.stringify({ taskId: "order-1", timestamp: TIMESTAMP });
const TASK = {
  taskId: "order-1",
  timestamp: TIMESTAMP,
  status: "STARTED",
  executionArn: `${EXECUTIONS}:order-1`,
  history: [{ status: "STARTED", at: "2026-11-21T12:00:00.100Z" }],
};
const ROW = { ...TASK, startDate: "2026-11-21T12:00:00.050Z", inputHash: "none" };

const sfn = mockClient(SFNClient);
const dynamodb = mockClient(DynamoDBClient);

const output = setupHandler("workflows", {
  STATE_MACHINE_ARN: MACHINE,
  EXECUTION_ARN_PREFIX: EXECUTIONS,
  TASKS_TABLE: "almanac-test-workflows",
  KEEP_DAYS: "90",
  TIME_LIMIT_SECONDS: "3600",
});
beforeEach(() => {
  jest.spyOn(Date, "now").mockReturnValue(NOW);
  sfn.reset();
  dynamodb.reset();
  sfn.on(StartExecutionCommand).resolves({ executionArn: `${EXECUTIONS}:order-1`, startDate: new Date(NOW + 50) });
  dynamodb.on(UpdateItemCommand).resolves({});
  dynamodb.on(QueryCommand).resolves({ Items: [marshall(ROW)] });
});

const describes = (fields: object) =>
  sfn.on(DescribeExecutionCommand).resolves({ startDate: new Date(NOW + 50), input: INPUT, ...fields });
const metric = (name: string) => output.lines().find((line) => name in line)?.[name];

describe("the function that starts tasks", () => {
  it("starts an execution with the task's ID and the time, and responds with it", async () => {
    expect(await start({ taskId: "order-1", other: "ignored" }, lambdaContext())).toEqual({
      taskId: "order-1",
      timestamp: TIMESTAMP,
      executionArn: `${EXECUTIONS}:order-1`,
      startDate: "2026-11-21T12:00:00.050Z",
    });
    expect(sfn.commandCalls(StartExecutionCommand)[0]?.args[0].input).toEqual({
      stateMachineArn: MACHINE,
      name: "order-1",
      input: INPUT,
    });
    expect(metric("startRequests")).toBe(1);
  });

  it("responds with the first start when there is an execution of that name: from its row, or from it", async () => {
    sfn.on(StartExecutionCommand).rejects(new ExecutionAlreadyExists({ message: "no", $metadata: {} }));
    sfn.on(DescribeExecutionCommand).rejects(new ExecutionDoesNotExist({ message: "not yet", $metadata: {} }));
    dynamodb.on(QueryCommand).resolves({ Items: [marshall({ ...ROW, timestamp: 5 })] });
    const first = { timestamp: 5, startDate: "2026-11-21T12:00:00.050Z" };
    expect(await start({ taskId: "order-1" }, lambdaContext())).toMatchObject(first);
    expect(dynamodb.commandCalls(QueryCommand)[0]?.args[0].input).toMatchObject({ ConsistentRead: true });
    dynamodb.on(QueryCommand).resolves({ Items: [] });
    describes({ status: "SUCCEEDED", input: JSON.stringify({ taskId: "order-1", timestamp: 5 }) });
    expect(await start({ taskId: "order-1" }, lambdaContext())).toMatchObject(first);
  });

  it.each([{}, { taskId: "" }, { taskId: 1 }, { taskId: "a\nb" }, { taskId: "x".repeat(257) }, "order-1"])(
    "rejects malformed tasks, and starts nothing: %j",
    async (event) => {
      await expect(start(event, lambdaContext())).rejects.toThrow(/taskId|expected object/);
      expect(sfn.commandCalls(StartExecutionCommand)).toEqual([]);
    },
  );
});

describe("the API", () => {
  const call = async (method: string, resource: string, fields: object = {}) => {
    const event = { httpMethod: method, resource, body: null, requestContext: { requestId: "request-1" }, ...fields };
    const { statusCode, body } = await tasks(event, lambdaContext());
    return [statusCode, JSON.parse(body) as unknown] as const;
  };

  it("starts tasks", async () => {
    const body = JSON.stringify({ taskId: "order-1", input: { amount: 12 } });
    expect(await call("POST", "/tasks", { body })).toEqual([
      200,
      expect.objectContaining({ taskId: "order-1", timestamp: TIMESTAMP }),
    ]);
    expect(sfn.commandCalls(StartExecutionCommand)[0]?.args[0].input.input).toContain('"input":{"amount":12}');
  });

  it.each([
    ["a number that is rounded", '{"taskId":"order-1","input":{"n":9007199254740993}}', /^body.input: .*more digits/],
    [
      "a name twice",
      '{"taskId":"order-1","input":[{"a":1,"b":"{","\\u0061":2}]}',
      /^body: has a name that stands twice/,
    ],
    ["two ids", '{"taskId":"order-2","taskId":"order-1"}', /^body: has a name that stands twice/],
  ])("refuses a body with %s, which would be another one", async (_, body, message) => {
    const refusal = { error: "BadRequest", message: expect.stringMatching(message) as unknown };
    expect(await call("POST", "/tasks", { body })).toEqual([400, refusal]);
    expect(sfn.commandCalls(StartExecutionCommand)).toEqual([]);
    const same = '{"taskId":"order-1","input":[{"a":{"a":["a"]},"b":"a"},{"a":1}]}';
    expect((await call("POST", "/tasks", { body: same }))[0]).toBe(200);
  });

  it("shows a task as its row has it, read consistently", async () => {
    expect(await call("GET", "/tasks/{id}", { pathParameters: { id: "order-1" } })).toEqual([200, TASK]);
    expect(dynamodb.commandCalls(QueryCommand)[0]?.args[0].input).toMatchObject({ ConsistentRead: true });
  });

  it("shows and lists a result as it is stored, every digit of it", async () => {
    const result = '{"n":9007199254740993,"x":1.10,"__proto__":{"y":1e400}}';
    const DONE = { ...ROW, status: "DONE" };
    const text = async (resource: string, fields: object) => {
      const event = { httpMethod: "GET", resource, body: null, requestContext: { requestId: "r" }, ...fields };
      return (await tasks(event, lambdaContext())).body;
    };
    for (const row of [
      { ...DONE, result, resultLocation: "" },
      { ...DONE, resultLocation: ROW.executionArn },
    ]) {
      dynamodb.on(QueryCommand).resolves({ Items: [marshall(row)] });
      describes({ status: "SUCCEEDED", output: result });
      expect(await text("/tasks/{id}", { pathParameters: { id: "order-1" } })).toContain(`"result":${result}`);
    }
    dynamodb.on(QueryCommand).resolves({ Items: [marshall({ ...DONE, result })] });
    expect(await text("/tasks", { queryStringParameters: { status: "DONE" } })).toContain(`"result":${result}`);
    dynamodb.on(QueryCommand).resolves({ Items: [marshall({ ...DONE, result: "{" })] });
    expect(await text("/tasks/{id}", { pathParameters: { id: "order-1" } })).not.toContain("result");
  });

  it("shows a task from its execution when another program has made its row unreadable, and says so", async () => {
    dynamodb.on(QueryCommand).resolves({ Items: [marshall({ ...ROW, history: "none" })] });
    describes({ status: "FAILED", stopDate: new Date(NOW + 9_000), error: "PaymentRefused" });
    expect(await call("GET", "/tasks/{id}", { pathParameters: { id: "order-1" } })).toMatchObject([
      200,
      { taskId: "order-1", status: "FAILED", reason: "PaymentRefused" },
    ]);
    expect(output.lines()).toContainEqual(
      expect.objectContaining({ message: "malformed rows", taskIds: ["order-1"] }) as unknown,
    );
    sfn.on(DescribeExecutionCommand).rejects(new ExecutionDoesNotExist({ message: "no", $metadata: {} }));
    expect((await call("GET", "/tasks/{id}", { pathParameters: { id: "order-1" } }))[0]).toBe(404);
  });

  it("lists tasks by status, page by page", async () => {
    const { taskId, timestamp, status } = ROW;
    dynamodb
      .on(QueryCommand)
      .resolves({ Items: [marshall(ROW)], LastEvaluatedKey: marshall({ taskId, timestamp, status }) });
    const [, page] = await call("GET", "/tasks", { queryStringParameters: { status: "STARTED", limit: "1" } });
    expect(page).toEqual({ tasks: [TASK], next: expect.any(String) as unknown });
    const { next } = page as { next: string };
    await call("GET", "/tasks", { queryStringParameters: { status: "STARTED", next } });
    expect(dynamodb.commandCalls(QueryCommand)[1]?.args[0].input).toMatchObject({
      IndexName: "byStatus",
      ExclusiveStartKey: marshall({ taskId, timestamp, status }),
      ScanIndexForward: false,
    });
    expect(await call("GET", "/tasks", { queryStringParameters: { status: "DONE", next } })).toEqual([
      400,
      { error: "BadRequest", message: "query.next: is not the `next` of an earlier page of this status" },
    ]);
  });

  it("cancels a task, and responds with its end", async () => {
    sfn.on(StopExecutionCommand).resolves({});
    describes({
      status: "ABORTED",
      stopDate: new Date(NOW + 9_000),
      error: "Cancelled",
      cause: "the task was cancelled",
    });
    dynamodb
      .on(QueryCommand)
      .resolvesOnce({ Items: [marshall(ROW)] })
      .resolves({ Items: [marshall({ ...ROW, status: "ABORTED" })] });
    expect((await call("DELETE", "/tasks/{id}", { pathParameters: { id: "order-1" } }))[0]).toBe(200);
    expect(sfn.commandCalls(StopExecutionCommand)[0]?.args[0].input).toMatchObject({ executionArn: ROW.executionArn });
    expect(dynamodb.commandCalls(UpdateItemCommand)[0]?.args[0].input).toMatchObject({
      ConditionExpression:
        "attribute_not_exists(#status) OR #status = :running AND executionArn = :arn " +
        "AND (attribute_not_exists(redrivenAfter) OR redrivenAfter < :endedAt)",
      Key: marshall({ taskId: "order-1", timestamp: TIMESTAMP }),
    });
  });

  it("answers 202 to a cancellation whose end Step Functions does not confirm in time", async () => {
    jest.spyOn(globalThis, "setTimeout").mockImplementation((callback, _delay, ...args) => {
      setImmediate(callback, ...args);
      return {} as NodeJS.Timeout;
    });
    sfn.on(StopExecutionCommand).resolves({});
    describes({ status: "RUNNING" });
    const cancelled = await call("DELETE", "/tasks/{id}", { pathParameters: { id: "order-1" } });
    expect(cancelled).toMatchObject([202, { taskId: "order-1", status: "STARTED" }]);
    expect(sfn.commandCalls(StopExecutionCommand)).not.toEqual([]);
    expect(dynamodb.commandCalls(UpdateItemCommand)).toEqual([]);
  });

  it.each([
    ["GET", "/tasks/{id}", { pathParameters: { id: "other" } }, 404, /there is no task with this id/],
    ["DELETE", "/tasks/{id}", { pathParameters: { id: "other" } }, 404, /there is no task with this id/],
    ["POST", "/tasks", {}, 400, /body/],
    ["POST", "/tasks", { body: "{" }, 400, /is not JSON/],
    ["POST", "/tasks", { body: '{"taskId":""}' }, 400, /body\.taskId: is empty/],
    [
      "POST",
      "/tasks",
      { body: '{"taskId":".."}' },
      400,
      /body\.taskId: is \. or \.\., which clients take out of a path/,
    ],
    ["POST", "/tasks", { body: '{"taskId":"a","inptu":1}' }, 400, /^body: has an unknown field$/],
    [
      "POST",
      "/tasks",
      { body: JSON.stringify({ taskId: "a", input: "x".repeat(260_000) }) },
      400,
      /longer than 250000/,
    ],
    ...["approve", "reject"].map((decision): [string, string, object, number, RegExp] => [
      "POST",
      `/tasks/{id}/${decision}`,
      { pathParameters: { id: "order-1" }, body: '{"comment":"\\ud83d"}' },
      400,
      /^body\.comment: has half of a surrogate pair$/,
    ]),
    ["GET", "/tasks", {}, 400, /query\.status: is not one of STARTED, DONE/],
    [
      "GET",
      "/tasks",
      { queryStringParameters: { status: "DONE", limt: "5" } },
      400,
      /^query: has only status, limit and next$/,
    ],
    ...[
      ["GET", "/tasks/{id}"],
      ["DELETE", "/tasks/{id}"],
      ["POST", "/tasks/{id}/redrive"],
      ["POST", "/tasks/{id}/approve"],
    ].map(([method = "", path = ""]): [string, string, object, number, RegExp] => [
      method,
      path,
      { pathParameters: { id: "order-1" }, queryStringParameters: { comment: "ok" } },
      400,
      /^query: has no parameters$/,
    ]),
    [
      "POST",
      "/tasks",
      { queryStringParameters: { taskId: "b" }, body: '{"taskId":"a"}' },
      400,
      /^query: has no parameters$/,
    ],
    [
      "GET",
      "/tasks",
      { queryStringParameters: { status: "DONE", limit: "101" } },
      400,
      /query\.limit: is more than 100/,
    ],
    ["GET", "/tasks", { queryStringParameters: { status: "DONE", next: "?" } }, 400, /query\.next/],
  ])("responds to %s %s with %j: %i", async (method, resource, fields, status, message) => {
    dynamodb.on(QueryCommand).resolves({ Items: [] });
    sfn.on(DescribeExecutionCommand).rejects(new ExecutionDoesNotExist({ message: "no", $metadata: {} }));
    const [code, body] = await call(method, resource, fields);
    expect([code, (body as { message: string }).message]).toEqual([status, expect.stringMatching(message) as unknown]);
  });
});

describe("the reconciler", () => {
  const event = (detail: object) => ({
    id: "event-1",
    source: "aws.states",
    "detail-type": "Step Functions Execution Status Change",
    detail: { executionArn: `${EXECUTIONS}:order-1`, status: "FAILED", ...detail },
  });

  it("writes how the execution ended, as Step Functions describes it and not the event", async () => {
    describes({ status: "ABORTED", stopDate: new Date(NOW + 9_000), cause: "by hand" });
    await reconcile(event({ status: "FAILED" }), lambdaContext());
    expect(dynamodb.commandCalls(UpdateItemCommand)[0]?.args[0].input).toMatchObject({
      TableName: "almanac-test-workflows",
      ExpressionAttributeValues: marshall({
        ":status": "ABORTED",
        ":running": "STARTED",
        ":started": [{ status: "STARTED", at: "2026-11-21T12:00:00.050Z" }],
        ":end": [{ status: "ABORTED", at: "2026-11-21T12:00:09.000Z", reason: "by hand" }],
        ":arn": `${EXECUTIONS}:order-1`,
        ":startDate": "2026-11-21T12:00:00.050Z",
        ":ttl": TIMESTAMP + 9 + 90 * 86_400,
        ":reason": "by hand",
      }),
    });
    expect(metric("reconciledByEvent")).toBe(1);
  });

  it("writes the machine's own reason of a task whose work took too long", async () => {
    describes({ status: "FAILED", stopDate: new Date(NOW), error: "TaskTimedOut", cause: "the work took longer" });
    await reconcile(event({}), lambdaContext());
    expect(dynamodb.commandCalls(UpdateItemCommand)[0]?.args[0].input.ExpressionAttributeValues).toMatchObject(
      marshall({ ":status": "TIMED_OUT", ":reason": "the work took longer" }),
    );
  });

  it("is retried while DescribeExecution does not have the end yet", async () => {
    describes({ status: "RUNNING" });
    await expect(reconcile(event({ stopDate: NOW }), lambdaContext())).rejects.toThrow("cannot be read yet");
    sfn.on(DescribeExecutionCommand).rejects(new ExecutionDoesNotExist({ message: "not yet", $metadata: {} }));
    await expect(reconcile(event({ stopDate: NOW }), lambdaContext())).rejects.toThrow("cannot be read yet");
    expect(dynamodb.commandCalls(UpdateItemCommand)).toEqual([]);
  });

  it("tolerates duplicate events, those of rows that have an end already, and of executions redriven since", async () => {
    dynamodb.on(UpdateItemCommand).rejects(new ConditionalCheckFailedException({ message: "no", $metadata: {} }));
    describes({ status: "FAILED", stopDate: new Date(NOW) });
    await reconcile(event({}), lambdaContext());
    describes({ status: "RUNNING", redriveDate: new Date(NOW + 1_000) });
    await reconcile(event({ stopDate: NOW }), lambdaContext());
    // DescribeExecution may have whole seconds.
    describes({ status: "FAILED", stopDate: new Date(NOW) });
    await reconcile(event({ stopDate: NOW + 999 }), lambdaContext());
    await expect(reconcile(event({ stopDate: NOW + 1_001 }), lambdaContext())).rejects.toThrow("cannot be read yet");
    expect(metric("reconciledByEvent")).toBeUndefined();
  });

  it("ignores executions of another machine, or without a task", async () => {
    await reconcile(event({ executionArn: `${EXECUTIONS}-other:order-1` }), lambdaContext());
    expect(sfn.commandCalls(DescribeExecutionCommand)).toEqual([]);
    describes({ status: "FAILED", input: "{}" });
    await reconcile(event({}), lambdaContext());
    describes({ status: "FAILED", input: "not JSON" });
    await reconcile(event({}), lambdaContext());
    expect(dynamodb.commandCalls(UpdateItemCommand)).toEqual([]);
  });

  it("fails when it cannot write, so that the event is retried", async () => {
    describes({ status: "FAILED", stopDate: new Date(NOW) });
    dynamodb.on(UpdateItemCommand).rejects(new Error("away"));
    await expect(reconcile(event({}), lambdaContext())).rejects.toThrow("away");
    await expect(reconcile({ other: "event" }, lambdaContext())).rejects.toThrow(/detail-type/);
  });
});

describe("the sweep", () => {
  const listed = (name: string, ago: number, status: "RUNNING" | "ABORTED" = "ABORTED") => ({
    executionArn: `${EXECUTIONS}:${name}`,
    stateMachineArn: MACHINE,
    name,
    status,
    startDate: new Date(NOW - ago),
    ...(status === "ABORTED" && { stopDate: new Date(NOW - ago) }),
  });
  const row = (taskId: string) => ({
    ...ROW,
    taskId,
    executionArn: `${EXECUTIONS}:${taskId}`,
    history: [{ status: "STARTED", at: new Date(NOW - 120_000).toISOString() }],
  });

  it("describes STARTED tasks that do not run, and executions that ended unsuccessfully without a row", async () => {
    sfn.on(ListExecutionsCommand).resolves({ executions: [] });
    sfn.on(ListExecutionsCommand, { statusFilter: "RUNNING" }).resolves({ executions: [listed("runs", 1, "RUNNING")] });
    sfn
      .on(ListExecutionsCommand, { statusFilter: "ABORTED" })
      .resolvesOnce({ executions: [listed("a", 1_000)], nextToken: "more" })
      .resolvesOnce({ executions: [listed("b", 1_799_000), listed("c", 1_801_000)], nextToken: "older" })
      .resolvesOnce({ executions: [listed("d", 1_802_000)], nextToken: "evenOlder" });
    describes({ status: "ABORTED", stopDate: new Date(NOW) });
    dynamodb.on(QueryCommand).resolves({ Items: [] });
    const started = { ":status": { S: "STARTED" } };
    dynamodb
      .on(QueryCommand, { ExpressionAttributeValues: started })
      .resolves({ Items: [marshall(row("lost")), marshall(row("runs"))] });
    await sweep(scheduledEvent(), lambdaContext());
    expect(sfn.commandCalls(ListExecutionsCommand)).toHaveLength(6);
    expect(sfn.commandCalls(DescribeExecutionCommand).map(({ args }) => args[0].input.executionArn)).toEqual(
      ["lost", "a", "b"].map((name) => `${EXECUTIONS}:${name}`),
    );
    expect([metric("reconciledBySweep"), metric("stuckTasks")]).toEqual([3, 0]);
  });

  it("does not describe, time after time, what has failed of late and has its row: of those that started long ago, none", async () => {
    const ended = (name: string, startedAgo: number) => ({
      ...listed(name, 60_000),
      startDate: new Date(NOW - startedAgo),
    });
    sfn.on(ListExecutionsCommand).resolves({ executions: [] });
    sfn
      .on(ListExecutionsCommand, { statusFilter: "ABORTED" })
      .resolves({ executions: [ended("day", 86_400_000), ended("recent", 120_000)] });
    dynamodb.on(QueryCommand).resolves({ Items: [] });
    const aborted = { ":status": { S: "ABORTED" }, ":since": { N: String(TIMESTAMP - 35 * 60 - 1) } };
    dynamodb
      .on(QueryCommand, { ExpressionAttributeValues: aborted })
      .resolves({ Items: [marshall({ ...row("recent"), status: "ABORTED" })] });
    await sweep(scheduledEvent(), lambdaContext());
    expect(sfn.commandCalls(DescribeExecutionCommand)).toEqual([]);
    // Of 90 days of failed tasks, it reads the last half hour.
    const queries = dynamodb.commandCalls(QueryCommand).map(({ args: [{ input }] }) => input);
    expect(
      queries.map(({ ExpressionAttributeValues: values }) => [values?.[":status"]?.S, values?.[":since"]?.N]),
    ).toEqual([
      ["STARTED", undefined],
      ...["FAILED", "TIMED_OUT", "ABORTED"].map((status) => [status, String(TIMESTAMP - 2_101)]),
    ]);
  });

  it("fails when it could not check an execution or a row, after all others", async () => {
    sfn.on(ListExecutionsCommand).resolves({ executions: [] });
    describes({ status: "ABORTED", stopDate: new Date(NOW) });
    sfn.on(DescribeExecutionCommand, { executionArn: `${EXECUTIONS}:bad` }).rejects(new Error("throttled"));
    const malformed = { taskId: { S: "by-hand" }, timestamp: { N: "1" }, status: { S: "STARTED" } };
    dynamodb.on(QueryCommand).resolves({ Items: [malformed, marshall(row("bad")), marshall(row("good"))] });
    await expect(sweep(scheduledEvent(), lambdaContext())).rejects.toThrow(
      `by-hand: its row is malformed; ${EXECUTIONS}:bad: throttled`,
    );
    expect(metric("reconciledBySweep")).toBe(1);
  });
});
