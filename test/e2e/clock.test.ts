import { execFile } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
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
import { findEmulator } from "../../scripts/emulator/find";
import { pythonEnvironment } from "../../scripts/emulator/python";
import { bareEmulator, type BareEmulator } from "./support/bare-emulator";
import { awsConfiguration, eventually, npmRun } from "./support/system";
import { UNTIL_HUNG_MS } from "../support/time-limit";

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
});
afterAll(() => emulator.close());

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
  const created = Date.now();
  await schedule("every-five", "rate(5 minutes)");
  await schedule("hourly", "cron(0 * * * ? *)");
  const sending = Date.now();
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
    ["late", 600 * 24 * 60],
  ] as const) {
    const expires = { N: String(Math.floor(created / 1_000) + minutes * 60) };
    await aws.dynamodb.send(new PutItemCommand({ TableName, Item: { id: { S: id }, expires } }));
  }

  const [before, began] = [await readClock(emulator.endpoint), performance.now()];
  // In the middle between two fires of each schedule: none is due just before or after the end.
  const end = created + 3 * HOUR_MS + 2.5 * MINUTE_MS;
  const { ran, failed, nowMs, steps } = await advanceClock(emulator.endpoint, end);
  const elapsedMs = performance.now() - began;
  expect(failed).toEqual({});
  expect(nowMs).toBeGreaterThanOrEqual(end);
  // 36 fives, 4 hours, a message, a wait, the end: what the emulator does for itself is no reason to stop, such as every 30 s.
  expect(steps).toBeLessThan(100);
  // The emulator looks at its schedules once a second. Meanwhile the clock goes on as the machine's does.
  const latestMs = 1_000 + elapsedMs;

  const fives = await logged("every-five");
  expect(fives).toHaveLength(36);
  const late = fives.map((at, index) => at - created - (index + 1) * 5 * MINUTE_MS);
  expect(Math.min(...late)).toBeGreaterThanOrEqual(-1_000);
  // One after the other: together they are no later than that.
  const first = Math.min(...late);
  expect(late.reduce((sum, each) => sum + each - first, 0)).toBeLessThan(fives.length * 1_000 + elapsedMs);

  const hours = await logged("hourly");
  const which = hours.map((at) => Math.floor(at / HOUR_MS));
  expect(which).toEqual([...new Set(which)].sort());
  expect(which).toEqual(expect.arrayContaining([...hoursBetween(before.nowMs, end)]));
  const { nowMs: latest } = await readClock(emulator.endpoint);
  expect(hoursBetween(created, latest)).toEqual(expect.arrayContaining(which));
  for (const at of hours) expect(at % HOUR_MS).toBeLessThan(latestMs);

  const [delayed = 0, ...more] = await logged("delayed");
  expect(more).toEqual([]);
  expect(delayed - sending).toBeGreaterThanOrEqual(900_000);
  expect(delayed - before.nowMs).toBeLessThan(900_000 + latestMs);

  const { status, startDate, stopDate } = await aws.sfn.send(new DescribeExecutionCommand({ executionArn: execution }));
  expect(status).toBe("SUCCEEDED");
  const waitedMs = (stopDate?.getTime() ?? 0) - (startDate?.getTime() ?? 0);
  expect(waitedMs).toBeGreaterThanOrEqual(1_800_000);
  expect(waitedMs).toBeLessThan(1_800_000 + latestMs);

  const { Items } = await aws.dynamodb.send(new ScanCommand({ TableName }));
  expect(Items?.map(({ id }) => id?.S)).toEqual(["late"]);
  const meanwhile = [...fives, ...hours, delayed].filter((at) => at >= before.nowMs);
  expect(ran[FunctionName]).toBe(meanwhile.length);
});

/** Since the epoch, those that begin between the instants. */
function hoursBetween(from: number, to: number): readonly number[] {
  const first = Math.floor(from / HOUR_MS) + 1;
  return Array.from({ length: Math.floor(to / HOUR_MS) - first + 1 }, (_, index) => first + index);
}

it("fires what was due since a rule's creation, and nothing from before it or from while it was disabled", async () => {
  const found = await findEmulator();
  if (found.kind !== "python") throw new Error(`Not a Python: ${found.description}`);
  const script = `
import json, sys, types
sys.path.insert(0, "scripts/emulator/server")
import advance
from ministack.services import eventbridge, scheduler

def fires(service, tick, rules, fired, looks):
    looked = []
    def record(*_): looked.append(at)
    service._invoke_target = record
    eventbridge._invoke_target = record
    service.time = types.SimpleNamespace(time=lambda: at)
    advance.clock.now = lambda: at
    ticked = advance.missing_none(tick, fired, rules)
    for at, change in looks:
        rules._data.update({("1", "eu-central-1", key): {**rules._data.get(("1", "eu-central-1", key), {}), **value} for key, value in change.items()})
        ticked()
    return looked

targets = [{"Arn": "arn:aws:lambda:eu-central-1:1:function:f"}]
def rule(expression, created, **more):
    return {"ScheduleExpression": expression, "State": "ENABLED", "CreationTime": created, "CreationDate": created,
            "Arn": "arn:aws:events:eu-central-1:1:rule/a", "Target": targets[0], **more}
eventbridge._targets._data["1", "eu-central-1", "a"] = targets
result = {}
for name, service, tick, rules, fired in (
    ("rule", eventbridge, eventbridge._tick_scheduled_rules, eventbridge._rules, eventbridge._rule_last_fired),
    ("schedule", scheduler, scheduler._tick_schedules, scheduler._schedules, scheduler._schedule_last_fired),
):
    def tried(*looks):
        rules._data.clear(); fired.clear()
        return fires(service, tick, rules, fired, looks)
    hourly = "cron(0 * * * ? *)"
    result[name] = {
        "created just before": tried((3600.3, {"a": rule(hourly, 3599.9)}), (3601.3, {})),
        "created just after": tried((3600.3, {"a": rule(hourly, 3600.1)}), (7200.2, {})),
        "created again": tried((3599, {"a": rule(hourly, 3000)}), (3600.1, {}), (90000.3, {"a": rule(hourly, 90000.1)})),
        "disabled meanwhile": tried((3000, {"a": rule(hourly, 2000)}), (3600.1, {"a": {"State": "DISABLED"}}), (3601, {"a": {"State": "ENABLED"}}), (7200.1, {})),
        "every five minutes": tried((299, {"a": rule("rate(5 minutes)", 0.5)}), (300.9, {}), (600.4, {}), (600.6, {})),
    }
print(json.dumps(result))
`;
  const { stdout } = await promisify(execFile)(found.python, ["-c", script], { env: pythonEnvironment() });
  const expected = {
    "created just before": [3600.3],
    "created just after": [7200.2],
    "created again": [3600.1],
    "disabled meanwhile": [7200.1],
    "every five minutes": [300.9, 600.6],
  };
  expect(JSON.parse(stdout)).toEqual({ rule: expected, schedule: expected });
});

it("is the clock of a function that waits in the middle of an invocation", async () => {
  const { nowMs } = await readClock(emulator.endpoint);
  const MessageBody = JSON.stringify({ name: "waits", waitMs: 110_000 });
  await aws.sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody, DelaySeconds: 5 }));
  const began = performance.now();
  await advanceClock(emulator.endpoint, nowMs + 2 * MINUTE_MS);
  const elapsedMs = performance.now() - began;
  // Less than it waits.
  expect(elapsedMs).toBeLessThan(110_000);
  const [[start = 0, ...twice], [end = 0]] = [await logged("waits"), await logged("waits", "done")];
  expect(twice).toEqual([]);
  expect(start - nowMs).toBeGreaterThanOrEqual(5_000);
  expect(end - start).toBeGreaterThanOrEqual(110_000);
  expect(end - start).toBeLessThan(110_000 + elapsedMs);
});

it("has Date as Node has it", async () => {
  const before = await readClock(emulator.endpoint);
  const answer = await aws.lambda.send(new InvokeCommand({ FunctionName, Payload: JSON.stringify({ name: "date" }) }));
  const seen = JSON.parse(answer.Payload?.transformToString() ?? "{}") as Record<string, unknown>;
  expect(seen).toMatchObject({ isDate: true, given: "1970-01-01T00:00:00.005Z", called: "string", utc: 0 });
  const after = await readClock(emulator.endpoint);
  expect(seen["now"]).toBeGreaterThanOrEqual(Math.floor(before.nowMs));
  expect(seen["now"]).toBeLessThanOrEqual(after.nowMs);
});

it("can be stopped, sped up, and moved forward only", async () => {
  const { nowMs } = await readClock(emulator.endpoint);
  await expect(beginAdvance(emulator.endpoint, nowMs - 1)).rejects.toThrow("The clock only moves forward.");
  await expect(beginAdvance(emulator.endpoint, 1e22)).rejects.toThrow("The clock ends with the year 9999.");
  await beginAdvance(emulator.endpoint, nowMs + 1_000 * HOUR_MS);
  await expect(beginAdvance(emulator.endpoint, nowMs + HOUR_MS)).rejects.toThrow("The clock is being moved already.");
  const stopped = await stopClock(emulator.endpoint);
  expect([stopped.moving, stopped.error]).toEqual([false, null]);
  expect(stopped.nowMs).toBeLessThan(nowMs + 1_000 * HOUR_MS);

  const began = performance.now();
  await setClockSpeed(emulator.endpoint, 600);
  await eventually(
    () => readClock(emulator.endpoint),
    (clock) => clock.nowMs - stopped.nowMs > UNTIL_HUNG_MS,
  );
  // Faster than the machine's, which has not been stopped.
  const { nowMs: fast } = await setClockSpeed(emulator.endpoint, 1);
  expect(fast - stopped.nowMs).toBeGreaterThan(performance.now() - began);
  await expect(setClockSpeed(emulator.endpoint, 0)).rejects.toThrow("The speed is a number from 1 to 86400.");
});

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
});

it("is kept with the state, and returns to now with the state of then", async () => {
  const before = await readClock(emulator.endpoint);
  expect(before.offsetMs).toBeGreaterThan(3 * HOUR_MS);
  await emulator.stop();
  await emulator.start();
  aws = clients();
  const after = await readClock(emulator.endpoint);
  expect(Math.abs(after.offsetMs - before.offsetMs)).toBeLessThan(60_000);
  await expect(aws.dynamodb.send(new ScanCommand({ TableName }))).resolves.toMatchObject({ Count: 1 });

  const returning = Date.now();
  const { offsetMs, nowMs } = await backToNow(emulator.endpoint);
  expect(offsetMs).toBe(0);
  expect(nowMs).toBeGreaterThanOrEqual(returning);
  expect(nowMs).toBeLessThanOrEqual(Date.now() + 1);
  // As it was: both rows, no execution that succeeded, no fire.
  await expect(aws.dynamodb.send(new ScanCommand({ TableName }))).resolves.toMatchObject({ Count: 2 });
  const stateMachineArn = "arn:aws:states:eu-central-1:000000000000:stateMachine:half-an-hour";
  const { executions = [] } = await aws.sfn.send(new ListExecutionsCommand({ stateMachineArn }));
  expect(executions.map(({ status }) => status)).toEqual(["FAILED"]);
  await expect(logged("every-five")).rejects.toThrow("log group");
});
