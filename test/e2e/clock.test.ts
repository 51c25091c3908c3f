import { setTimeout as pause } from "node:timers/promises";
import { CloudWatchLogsClient, FilterLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import {
  CreateTableCommand,
  DynamoDBClient,
  PutItemCommand,
  ScanCommand,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from "@aws-sdk/client-eventbridge";
import { CreateRoleCommand, IAMClient } from "@aws-sdk/client-iam";
import {
  CreateEventSourceMappingCommand,
  CreateFunctionCommand,
  GetFunctionCommand,
  InvokeCommand,
  LambdaClient,
} from "@aws-sdk/client-lambda";
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  ListExecutionsCommand,
  SFNClient,
  StartExecutionCommand,
} from "@aws-sdk/client-sfn";
import { CreateQueueCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { zipSync } from "fflate";
import { LAMBDA_RUNTIME } from "../../modules/constructs/versions";
import {
  advanceClock,
  backToNow,
  beginAdvance,
  readClock,
  setClockSpeed,
  stopClock,
} from "../../scripts/emulator/clock";
import { bareEmulator, type BareEmulator } from "./support/bare-emulator";
import { awsConfiguration, npmRun } from "./support/system";

/** Logs when it was invoked, then waits as the event says, and logs when it was done. */
const HANDLER = `
  exports.handler = async (event) => {
    const body = event.Records?.[0]?.body ?? "";
    const { name = body, waitMs } = body.startsWith("{") ? JSON.parse(body) : event;
    console.log(JSON.stringify({ what: "began", at: Date.now(), name }));
    if (waitMs) await new Promise((done) => setTimeout(done, waitMs));
    console.log(JSON.stringify({ what: "done", at: Date.now(), name }));
    class Later extends Date {}
    return {
      now: new Date().getTime(),
      isDate: new Date() instanceof Date && new Later() instanceof Date,
      given: new Date(5).toISOString(),
      called: typeof Date(),
      utc: Date.UTC(1970, 0, 1),
    };
  };`;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const FunctionName = "clock-probe";
const TableName = "clock-table";

let emulator: BareEmulator;
let aws: ReturnType<typeof clients>;

function clients() {
  const configuration = awsConfiguration(emulator.endpoint);
  return {
    dynamodb: new DynamoDBClient(configuration),
    events: new EventBridgeClient(configuration),
    iam: new IAMClient(configuration),
    lambda: new LambdaClient(configuration),
    logs: new CloudWatchLogsClient(configuration),
    sfn: new SFNClient(configuration),
    sqs: new SQSClient(configuration),
  };
}

interface Logged {
  readonly what: "began" | "done";
  readonly at: number;
  readonly name: string;
}

async function logged(name: string, what: Logged["what"] = "began"): Promise<readonly number[]> {
  const { events = [] } = await aws.logs.send(
    new FilterLogEventsCommand({ logGroupName: `/aws/lambda/${FunctionName}`, limit: 10_000 }),
  );
  return events
    .flatMap(({ message = "" }) => (message.startsWith("{") ? [JSON.parse(message) as Logged] : []))
    .filter((each) => each.name === name && each.what === what)
    .map(({ at }) => at);
}

let roleArn = "";
let queueUrl: string | undefined;

beforeAll(async () => {
  emulator = await bareEmulator();
  aws = clients();
  const trust = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: "*" }, Action: "sts:AssumeRole" }],
  };
  const role = await aws.iam.send(
    new CreateRoleCommand({ RoleName: "clock", AssumeRolePolicyDocument: JSON.stringify(trust) }),
  );
  roleArn = role.Role?.Arn ?? "";
  await aws.lambda.send(
    new CreateFunctionCommand({
      ...{ FunctionName, Role: roleArn, Runtime: LAMBDA_RUNTIME, Handler: "index.handler", Timeout: 120 },
      Code: { ZipFile: zipSync({ "index.js": Buffer.from(HANDLER) }) },
    }),
  );
  const state = () => aws.lambda.send(new GetFunctionCommand({ FunctionName }));
  while ((await state()).Configuration?.State !== "Active") await pause(100);
  queueUrl = (
    await aws.sqs.send(new CreateQueueCommand({ QueueName: "clock-queue", Attributes: { VisibilityTimeout: "120" } }))
  ).QueueUrl;
  const EventSourceArn = "arn:aws:sqs:eu-central-1:000000000000:clock-queue";
  await aws.lambda.send(new CreateEventSourceMappingCommand({ FunctionName, EventSourceArn, BatchSize: 1 }));
}, 60_000);
afterAll(() => emulator.close(), 60_000);

async function schedule(name: string, expression: string): Promise<void> {
  await aws.events.send(new PutRuleCommand({ Name: name, ScheduleExpression: expression }));
  const Arn = `arn:aws:lambda:eu-central-1:000000000000:function:${FunctionName}`;
  await aws.events.send(
    new PutTargetsCommand({ Rule: name, Targets: [{ Id: "1", Arn, Input: JSON.stringify({ name }) }] }),
  );
}

async function execute(name: string, seconds: number): Promise<string> {
  const definition = { StartAt: "Wait", States: { Wait: { Type: "Wait", Seconds: seconds, End: true } } };
  const { stateMachineArn } = await aws.sfn.send(
    new CreateStateMachineCommand({ name, roleArn, definition: JSON.stringify(definition) }),
  );
  return (await aws.sfn.send(new StartExecutionCommand({ stateMachineArn }))).executionArn ?? "";
}

it("happens hour by hour what would: schedules, delayed messages, waits, expiry; nothing early, nothing skipped, in order", async () => {
  await schedule("every-five", "rate(5 minutes)");
  await schedule("hourly", "cron(0 * * * ? *)");
  const created = Date.now();
  await aws.sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: "delayed", DelaySeconds: 900 }));
  const execution = await execute("half-an-hour", 1_800);
  await aws.dynamodb.send(
    new CreateTableCommand({
      ...{ TableName, BillingMode: "PAY_PER_REQUEST" },
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    }),
  );
  const ttl = { Enabled: true, AttributeName: "expires" };
  await aws.dynamodb.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification: ttl }));
  for (const [id, minutes] of [
    ["soon", 1],
    ["late", 600],
  ] as const) {
    const expires = { N: String(Math.floor(created / 1_000) + minutes * 60) };
    await aws.dynamodb.send(new PutItemCommand({ TableName, Item: { id: { S: id }, expires } }));
  }

  const began = performance.now();
  const { ran, failed, offsetMs } = await advanceClock(emulator.endpoint, created + 3 * HOUR_MS);
  expect((performance.now() - began) / 1_000).toBeLessThan(60);
  expect(failed).toEqual({});
  expect(offsetMs).toBeGreaterThan(3 * HOUR_MS - 120_000);

  const fives = await logged("every-five");
  // The last one may be due a moment after the end.
  expect([35, 36]).toContain(fives.length);
  fives.forEach((at, index) => {
    const late = at - (fives[0] ?? 0) - index * 5 * MINUTE_MS;
    expect(Math.abs(late)).toBeLessThan(1_500);
  });
  expect((fives[0] ?? 0) - created).toBeGreaterThanOrEqual(5 * MINUTE_MS - 1_000);

  const hours = await logged("hourly");
  expect(hours).toHaveLength(Math.floor((created + 3 * HOUR_MS) / HOUR_MS) - Math.floor(created / HOUR_MS));
  for (const at of hours) expect(at % HOUR_MS).toBeLessThan(1_500);

  const [delayed = 0, ...more] = await logged("delayed");
  expect(more).toEqual([]);
  expect(delayed - created).toBeGreaterThanOrEqual(900_000);
  expect(delayed - created).toBeLessThan(902_000);

  const { status, startDate, stopDate } = await aws.sfn.send(new DescribeExecutionCommand({ executionArn: execution }));
  expect(status).toBe("SUCCEEDED");
  const waited = ((stopDate?.getTime() ?? 0) - (startDate?.getTime() ?? 0)) / 1_000;
  expect(waited).toBeGreaterThanOrEqual(1_800);
  expect(waited).toBeLessThan(1_803);

  const { Items } = await aws.dynamodb.send(new ScanCommand({ TableName }));
  expect(Items?.map(({ id }) => id?.S)).toEqual(["late"]);
  expect(ran[FunctionName]).toBe(fives.length + hours.length + 1);
}, 120_000);

it("is the clock of a function that waits in the middle of an invocation", async () => {
  const { nowMs } = await readClock(emulator.endpoint);
  const MessageBody = JSON.stringify({ name: "waits", waitMs: 40_000 });
  await aws.sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody, DelaySeconds: 5 }));
  const began = performance.now();
  await advanceClock(emulator.endpoint, nowMs + MINUTE_MS);
  expect(performance.now() - began).toBeLessThan(20_000);
  const [[start = 0, ...twice], [end = 0]] = [await logged("waits"), await logged("waits", "done")];
  expect(twice).toEqual([]);
  expect(start - nowMs).toBeGreaterThanOrEqual(5_000);
  expect(end - start).toBeGreaterThanOrEqual(40_000);
  expect(end - start).toBeLessThan(41_000);
}, 60_000);

it("has Date as Node has it", async () => {
  const answer = await aws.lambda.send(new InvokeCommand({ FunctionName, Payload: JSON.stringify({ name: "date" }) }));
  const seen = JSON.parse(answer.Payload?.transformToString() ?? "{}") as Record<string, unknown>;
  expect(seen).toMatchObject({ isDate: true, given: "1970-01-01T00:00:00.005Z", called: "string", utc: 0 });
  const { nowMs } = await readClock(emulator.endpoint);
  expect(Math.abs(Number(seen["now"]) - nowMs)).toBeLessThan(5_000);
});

it("can be stopped, sped up, and moved forward only", async () => {
  const { nowMs } = await readClock(emulator.endpoint);
  await expect(beginAdvance(emulator.endpoint, nowMs - 1)).rejects.toThrow("The clock only moves forward.");
  await beginAdvance(emulator.endpoint, nowMs + 1_000 * HOUR_MS);
  await expect(beginAdvance(emulator.endpoint, nowMs + HOUR_MS)).rejects.toThrow("The clock is being moved already.");
  const stopped = await stopClock(emulator.endpoint);
  expect([stopped.moving, stopped.error]).toEqual([false, null]);
  expect(stopped.nowMs).toBeLessThan(nowMs + 1_000 * HOUR_MS);

  await setClockSpeed(emulator.endpoint, 600);
  await pause(2_000);
  const { nowMs: fast } = await setClockSpeed(emulator.endpoint, 1);
  const passed = fast - stopped.nowMs;
  expect(passed).toBeGreaterThan(5 * MINUTE_MS);
  await expect(setClockSpeed(emulator.endpoint, 0)).rejects.toThrow("The speed is a number from 1 to 86400.");
}, 60_000);

it("is moved by commands, which show what ran", async () => {
  const clock = (...args: readonly string[]) => npmRun("clock", ...args, "--home", emulator.home);
  const advanced = await clock("advance", "1h");
  expect(advanced).toEqual({ code: 0, output: expect.stringMatching(/clock-probe +1[34]\n/) as string });
  expect(advanced.output).toMatch(/Z, \d+ h \d+ min ahead of the machine/);
  const json = await clock("status", "--json");
  expect(JSON.parse(json.output)).toMatchObject({ moving: false, speed: 1 });
  await expect(clock("advance", "--until", "2020-01-01T00:00:00Z")).resolves.toMatchObject({ code: 2 });
  await expect(clock("advance")).resolves.toMatchObject({ code: 2 });
  await expect(npmRun("clock", "status", "--home", `${emulator.home}/none`)).resolves.toMatchObject({ code: 3 });
  await expect(clock("speed", "60")).resolves.toMatchObject({
    code: 0,
    output: expect.stringContaining("60 times") as string,
  });
  await expect(clock("speed", "1")).resolves.toMatchObject({ code: 0 });
}, 60_000);

it("is kept with the state, and returns to now with the state of then", async () => {
  const before = await readClock(emulator.endpoint);
  expect(before.offsetMs).toBeGreaterThan(3 * HOUR_MS);
  await emulator.stop();
  await emulator.start();
  aws = clients();
  const after = await readClock(emulator.endpoint);
  expect(Math.abs(after.offsetMs - before.offsetMs)).toBeLessThan(60_000);
  await expect(aws.dynamodb.send(new ScanCommand({ TableName }))).resolves.toMatchObject({ Count: 1 });

  const { offsetMs, nowMs } = await backToNow(emulator.endpoint);
  expect(offsetMs).toBe(0);
  expect(Math.abs(nowMs - Date.now())).toBeLessThan(2_000);
  // As it was: both rows, no execution that succeeded, no fire.
  await expect(aws.dynamodb.send(new ScanCommand({ TableName }))).resolves.toMatchObject({ Count: 2 });
  const stateMachineArn = "arn:aws:states:eu-central-1:000000000000:stateMachine:half-an-hour";
  const { executions = [] } = await aws.sfn.send(new ListExecutionsCommand({ stateMachineArn }));
  expect(executions.map(({ status }) => status)).toEqual(["FAILED"]);
  await expect(logged("every-five")).rejects.toThrow("log group");
}, 60_000);
