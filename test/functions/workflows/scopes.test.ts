/** The API of tasks where each caller may name its own ids only. */
import { DynamoDBClient, QueryCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { SFNClient, StartExecutionCommand, StopExecutionCommand } from "@aws-sdk/client-sfn";
import { marshall } from "@aws-sdk/util-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { handler } from "../../../functions/workflows/tasks";
import { lambdaContext, setupHandler } from "../../support/lambda";

const EXECUTIONS = "arn:aws:states:eu-central-1:000000000000:execution:almanac-test-workflows-task";
const rowOf = (taskId: string) => ({
  taskId,
  timestamp: 1_795_000_000,
  status: "DONE",
  executionArn: `${EXECUTIONS}:${taskId}`,
  history: [{ status: "STARTED", at: "2026-11-21T12:00:00.100Z" }],
  startDate: "2026-11-21T12:00:00.050Z",
  inputHash: "none",
});

const sfn = mockClient(SFNClient);
const dynamodb = mockClient(DynamoDBClient);

setupHandler("workflows", {
  STATE_MACHINE_ARN: "arn:aws:states:eu-central-1:000000000000:stateMachine:almanac-test-workflows-task",
  EXECUTION_ARN_PREFIX: EXECUTIONS,
  TASKS_TABLE: "almanac-test-workflows",
  KEEP_DAYS: "90",
  SCOPES: JSON.stringify({ "arn:aws:iam::111122223333:role/billing": ["billing-"] }),
});
beforeEach(() => {
  sfn.reset();
  dynamodb.reset();
  sfn.on(StartExecutionCommand).resolves({ executionArn: `${EXECUTIONS}:billing-1`, startDate: new Date() });
  dynamodb.on(QueryCommand).resolves({ Items: ["billing-1", "payroll-1"].map((id) => marshall(rowOf(id))) });
});

const call = async (role: string, method: string, resource: string, fields: object = {}) => {
  const identity = { userArn: `arn:aws:sts::111122223333:assumed-role/${role}/session` };
  const requestContext = { requestId: "request-1", identity };
  const event = { httpMethod: method, resource, body: null, requestContext, ...fields };
  const { statusCode, body } = await handler(event, lambdaContext());
  return [statusCode, JSON.parse(body) as unknown] as const;
};
const start = (taskId: string) => ({ body: JSON.stringify({ taskId }) });
const path = (id: string) => ({ pathParameters: { id } });

it.each([
  ["POST", "/tasks", start("payroll-1")],
  ["GET", "/tasks/{id}", path("payroll-1")],
  ["DELETE", "/tasks/{id}", path("payroll-1")],
  ["DELETE", "/tasks/{id}", path("payroll%2F1")],
])("answers 403 to %s %s of another's id: %j", async (method, resource, fields) => {
  for (const role of ["billing", "guest"]) expect((await call(role, method, resource, fields))[0]).toBe(403);
  expect([...sfn.calls(), ...dynamodb.calls()]).toEqual([]);
});

it("answers 403 to a caller that is not listed, whatever the id", async () => {
  expect((await call("guest", "POST", "/tasks", start("billing-1")))[0]).toBe(403);
  expect((await call("guest", "GET", "/tasks/{id}", path("billing-1")))[0]).toBe(403);
  expect(sfn.calls()).toEqual([]);
});

it("starts, shows and cancels what is the caller's", async () => {
  dynamodb.on(QueryCommand).resolves({ Items: [marshall(rowOf("billing-1"))] });
  expect((await call("billing", "POST", "/tasks", start("billing-1")))[0]).toBe(200);
  expect((await call("billing", "GET", "/tasks/{id}", path("billing-1")))[0]).toBe(200);
  expect((await call("billing", "DELETE", "/tasks/{id}", path("billing-1")))[0]).toBe(200);
  expect(sfn.commandCalls(StopExecutionCommand)).toHaveLength(0); // it has ended
  expect(dynamodb.commandCalls(UpdateItemCommand)).toHaveLength(0);
});

it("lists what is the caller's, and goes on after a page without any", async () => {
  const list = (role: string) => call(role, "GET", "/tasks", { queryStringParameters: { status: "DONE", limit: "2" } });
  expect(await list("billing")).toMatchObject([200, { tasks: [{ taskId: "billing-1" }] }]);
  expect(await list("guest")).toEqual([200, { tasks: [] }]);
  const LastEvaluatedKey = marshall({ taskId: "payroll-1", timestamp: 1_795_000_000, status: "DONE" });
  dynamodb.on(QueryCommand).resolves({ Items: [marshall(rowOf("payroll-1"))], LastEvaluatedKey });
  expect(await list("billing")).toEqual([200, { tasks: [], next: expect.any(String) as unknown }]);
});
