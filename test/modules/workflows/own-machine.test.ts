/** Runs a user's machine between the writes of its row, on a virtual clock. */
import { readFileSync } from "node:fs";
import * as z from "zod";
import { sleep } from "../../../functions/shared/clock";
import { jsonata } from "../../../modules/asl/asl";
import { MachineError } from "../../../modules/asl/machine";
import { loadDefinition } from "../../../modules/workflows/load-definition";
import { ownMachine } from "../../../modules/workflows/own-machine";
import { nestedApprovalsOf, permissionsOf, unusedOf } from "../../../modules/workflows/permissions";
import { approval } from "../../../modules/workflows/record";
import { aslFaultsOf } from "../../support/asl-faults";
import { fakeTaskTable } from "../../support/fake-task-table";
import { mermaidOf } from "../../support/mermaid";
import { runMachine, StatesError, type Service } from "../../support/states-interpreter";
import { virtualClock } from "../../support/virtual-clock";

const { stateMachine, pass, lambdaInvoke, sqsSend, startExecutionSync, dynamoGet, task } = jsonata;

const START = Date.parse("2026-11-21T12:00:00Z");
const refs = { table: "tasks", timeLimitSeconds: 3_600, keepDays: 90 };
const refund = loadDefinition("workflows/refund.ts").machine({
  functions: { pay: "pay" },
  approval: (fields) => approval(refs, fields),
});
const machine = ownMachine({ ...refs, machine: refund });
const at = (seconds: number) => new Date(START + seconds * 1_000).toISOString();

function start(
  amount: unknown,
  pay: Service,
  update: (service: Service) => Service = (service) => service,
  enter: (service: Service) => Service = (service) => service,
) {
  const clock = virtualClock(START);
  const table = fakeTaskTable();
  const input = { taskId: "refund-1", timestamp: START / 1_000, input: { amount: z.json().parse(amount) } };
  const services = {
    ...table.services,
    "dynamodb:updateItem": update(table.services["dynamodb:updateItem"]),
    "dynamodb:updateItem.waitForTaskToken": enter(table.services["dynamodb:updateItem"]),
    "lambda:invoke": pay,
  };
  const run = runMachine(machine, input, { clock, services, name: "refund-1" });
  return { clock, run, input, row: () => table.row("refund-1") };
}

const paid: Service = () => Promise.resolve({ StatusCode: 200, Payload: { receipt: "r", parts: [1, null] } });

describe("a user's machine", () => {
  it("is Amazon States Language between the writes of its row", () => {
    expect(aslFaultsOf(machine)).toEqual([]);
  });

  it("is drawn in its README as it is", () => {
    expect(readFileSync("workflows/README.md", "utf8")).toContain(`\`\`\`mermaid\n${mermaidOf(machine)}\`\`\``);
  });

  it("has the task as its input, and its output is the execution's", async () => {
    const events: unknown[] = [];
    const { run, row, input } = start(12, (parameters, context) => {
      events.push(parameters);
      return paid(parameters, context);
    });
    await expect(run.ended).resolves.toEqual({ status: "SUCCEEDED", output: { receipt: "r", parts: [1, null] } });
    expect(events).toEqual([{ FunctionName: "pay", Payload: input }]);
    expect(row()).toMatchObject({
      status: "DONE",
      resultLocation: "arn:execution:refund-1",
      history: [
        { status: "STARTED", at: at(0) },
        { status: "DONE", at: at(0) },
      ],
      ttl: START / 1_000 + 90 * 86_400,
    });
  });

  it("waits for a person: the row has the token with which the state ends", async () => {
    const done: { approve?: () => void } = {};
    const { clock, run, row } = start(
      500,
      paid,
      (service) => service,
      (write) => async (parameters, context) => {
        await write(parameters, context);
        return new Promise((resolve) => {
          done.approve = () => {
            resolve({ decision: "approved" });
          };
        });
      },
    );
    await sleep(clock, 60_000);
    expect(run.status()).toBe("RUNNING");
    expect(row()).toMatchObject({
      status: "STARTED",
      approvals: [{ state: "Approve", requestedAt: at(0), token: expect.stringContaining("Approve") as unknown }],
    });
    done.approve?.();
    await expect(run.ended).resolves.toMatchObject({ status: "SUCCEEDED", output: { receipt: "r" } });
  });

  it("fails when the approval expires", async () => {
    const { clock, run } = start(500, paid, undefined, () => () => new Promise(() => undefined));
    await sleep(clock, 1_801_000);
    await expect(run.ended).resolves.toMatchObject({ status: "FAILED", error: "States.Timeout" });
    expect(run.path.at(-1)).toBe("Approve");
  });

  it("waits once at a time: an approval within branches is refused", () => {
    const inner = stateMachine({ StartAt: "In", States: { In: approval(refs, { TimeoutSeconds: 60, End: true }) } });
    const outer = stateMachine({ StartAt: "A", States: { A: jsonata.parallel({ Branches: [inner], End: true }) } });
    expect(nestedApprovalsOf(outer)).toEqual(["In"]);
    expect(nestedApprovalsOf(inner)).toEqual([]);
  });

  it("fails in the state that failed: the reconciler writes the row", async () => {
    const { run, row } = start(12, () => Promise.reject(new StatesError("PaymentRefused", "no funds")));
    await expect(run.ended).resolves.toEqual({ status: "FAILED", error: "PaymentRefused", cause: "no funds" });
    expect(run.path.at(-1)).toBe("Pay");
    expect(row()).toMatchObject({ status: "STARTED" });
  });

  it("succeeds when the response to its last write is lost: the row has one end", async () => {
    let writes = 0; // of STARTED, of DONE
    const { run, row } = start(12, paid, (service) => async (parameters, context) => {
      const result = await service(parameters, context);
      if (++writes === 2) throw new StatesError("DynamoDB.SdkClientException", "timeout");
      return result;
    });
    await expect(run.ended).resolves.toMatchObject({ status: "SUCCEEDED" });
    expect(run.path.at(-1)).toBe("Recorded");
    expect(row()).toMatchObject({ history: [{ status: "STARTED" }, { status: "DONE" }] });
  });

  it("has no time limit of its own", () => {
    const limited = stateMachine({ StartAt: "A", TimeoutSeconds: 5, States: { A: pass({ End: true }) } });
    expect(() => ownMachine({ ...refs, machine: limited })).toThrow("set the workflow's timeLimitSeconds");
  });

  it("has no state with the name of one of ours", () => {
    const own = stateMachine({ StartAt: "RecordStart", States: { RecordStart: pass({ End: true }) } });
    expect(() => ownMachine({ ...refs, machine: own })).toThrow(MachineError);
  });
});

describe("its permissions", () => {
  const source = { partitionName: "aws", arn: (service: string, name: string) => `arn:${service}:${name}` };
  const of = (state: ReturnType<typeof lambdaInvoke>, stated: Parameters<typeof permissionsOf>[1]["stated"] = []) =>
    permissionsOf(
      { StartAt: "My state", States: { "My state": state } },
      { taken: [], bound: ["mine"], stated, source },
    );
  const actionsOf = (...args: Parameters<typeof of>) =>
    Object.entries(of(...args)).map(([name, { actions, resources }]) => [name, ...actions, ...resources]);

  it("follow from what its tasks call", () => {
    const End = true;
    expect(actionsOf(lambdaInvoke({ Arguments: { FunctionName: "theirs" }, End }))).toEqual([
      ["Mystate", "lambda:InvokeFunction", "arn:lambda:function:theirs"],
    ]);
    expect(actionsOf(lambdaInvoke({ Arguments: { FunctionName: "mine" }, End }))).toEqual([]);
    const QueueUrl = "https://sqs.eu-central-1.amazonaws.com/123456789012/orders";
    expect(actionsOf(sqsSend({ Arguments: { QueueUrl, MessageBody: "m" }, End }))).toEqual([
      ["Mystate", "sqs:SendMessage", "arn:aws:sqs:eu-central-1:123456789012:orders"],
    ]);
    expect(actionsOf(dynamoGet({ Arguments: { TableName: "orders", Key: { id: { S: "1" } } }, End }))).toEqual([
      ["Mystate", "dynamodb:GetItem", "arn:dynamodb:table/orders"],
    ]);
    const StateMachineArn = "arn:aws:states:eu-central-1:123456789012:stateMachine:other";
    expect(actionsOf(startExecutionSync({ Arguments: { StateMachineArn }, End }))).toEqual([
      ["Mystate", "states:StartExecution", StateMachineArn],
      [
        "Mystate1",
        "states:DescribeExecution",
        "states:StopExecution",
        "arn:aws:states:eu-central-1:123456789012:execution:other:*",
      ],
      [
        "Mystate2",
        "events:DescribeRule",
        "events:PutRule",
        "events:PutTargets",
        "arn:events:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule",
      ],
    ]);
  });

  it("are stated where they do not follow", () => {
    const computed = lambdaInvoke({ Arguments: { FunctionName: "{% $states.input.f %}" }, End: true });
    expect(() => of(computed)).toThrow("My state computes its FunctionName: state the permission for lambda:Invoke");
    const stated = [{ actions: ["lambda:InvokeFunction"], resources: ["arn:f"] }];
    expect(actionsOf(computed, stated)).toEqual([["Stated", "lambda:InvokeFunction", "arn:f"]]);
    const other = task({ Resource: "arn:aws:states:::aws-sdk:s3:getObject", Arguments: {}, End: true });
    expect(() => of(other)).toThrow("My state calls aws-sdk:s3:getObject: state the permission for s3:getObject");
    expect(actionsOf(other, [{ actions: ["s3:GetObject"], resources: ["arn:o"] }])).toHaveLength(1);
  });

  it("follow from the ARN of a function, and an activity needs none", () => {
    const Resource = "arn:aws:lambda:eu-central-1:123456789012:function:theirs:live";
    expect(actionsOf(task({ Resource, End: true }))).toEqual([["Mystate", "lambda:InvokeFunction", Resource]]);
    const activity = "arn:aws:states:eu-central-1:123456789012:activity:theirs";
    expect(actionsOf(task({ Resource: activity, End: true }))).toEqual([]);
  });

  it.each([
    ["aws-sdk:sfn:startExecution", "states:StartExecution"],
    ["aws-sdk:cloudwatchlogs:putLogEvents", "logs:PutLogEvents"],
    ["aws-sdk:cloudwatch:putMetricData", "cloudwatch:PutMetricData"],
    ["aws-sdk:eventbridge:putEvents", "events:PutEvents"],
    ["aws-sdk:sesv2:sendEmail", "ses:SendEmail"],
    ["aws-sdk:cognitoidentityprovider:adminGetUser", "cognito-idp:AdminGetUser"],
    ["aws-sdk:s3:listObjectsV2", "s3:ListBucket"],
    ["aws-sdk:quantumledgers:createBlock", "quantumledgers:CreateBlock"],
    ["http:invoke", "states:InvokeHTTPEndpoint"],
    ["glue:startJobRun.sync", "glue:StartJobRun"],
  ])("of %s are stated with IAM's name of it, %s", (call, action) => {
    const calling = task({ Resource: `arn:aws:states:::${call}`, Arguments: {}, End: true });
    expect(() => of(calling)).toThrow("state the permission for");
    expect(actionsOf(calling, [{ actions: [action], resources: ["*"] }])).toEqual([["Stated", action, "*"]]);
    expect(() => of(calling, [{ actions: ["s3:GetObject"], resources: ["*"] }])).toThrow("state the permission for");
  });

  it("have a name each, whatever the names of states", () => {
    const call = (FunctionName: string, Next: string) => lambdaInvoke({ Arguments: { FunctionName }, Next });
    const states = ["支払", "検査", "Pay", "PAY", "Pay 1", "payFunction", "TasksTable", "Stated"];
    const machine = {
      StartAt: "支払",
      States: Object.fromEntries(states.map((name, index) => [name, call(`f${index}`, states[index + 1] ?? "End")])),
    };
    const stated = [{ actions: ["s3:GetObject"], resources: ["arn:o"] }];
    const taken = ["TASKS_TABLE", "payFunction"];
    const found = permissionsOf(machine, { bound: [], taken, stated, source });
    const resources = Object.values(found).flatMap((binding) => binding.resources);
    expect(resources).toEqual(["arn:o", ...states.map((_, index) => `arn:lambda:function:f${index}`)]);
    expect(Object.keys(found).filter((name) => taken.includes(name))).toEqual([]);
  });

  it("are for the alias that is invoked, and for the role that is assumed", () => {
    const Arguments = { FunctionName: "theirs", Qualifier: "live" };
    const RoleArn = "arn:aws:iam::111122223333:role/theirs";
    expect(actionsOf(lambdaInvoke({ Arguments, End: true }))).toEqual([
      ["Mystate", "lambda:InvokeFunction", "arn:lambda:function:theirs:live"],
    ]);
    expect(actionsOf(lambdaInvoke({ Arguments, Credentials: { RoleArn }, End: true }))).toEqual([
      ["Mystate", "sts:AssumeRole", RoleArn],
    ]);
    const computed = lambdaInvoke({ Arguments, Credentials: { RoleArn: "{% $states.input.role %}" }, End: true });
    expect(() => of(computed)).toThrow("My state computes its RoleArn: state the permission for sts:AssumeRole");
  });

  it("are for what a distributed map reads and writes", () => {
    const inner = stateMachine({ StartAt: "In", States: { In: pass({ End: true }) } });
    const reading = (Bucket: string) =>
      jsonata.distributedMap({
        ExecutionType: "STANDARD",
        ItemReader: {
          Resource: "arn:aws:states:::s3:getObject",
          ReaderConfig: { InputType: "JSON" },
          Arguments: { Bucket, Key: "orders.json" },
        },
        ResultWriter: { Resource: "arn:aws:states:::s3:putObject", Arguments: { Bucket: "results", Prefix: "runs" } },
        ItemProcessor: inner,
        End: true,
      });
    expect(actionsOf(reading("orders")).map((each) => each.slice(-2))).toEqual([
      ["s3:GetObject", "arn:aws:s3:::orders/orders.json"],
      ["s3:PutObject", "arn:aws:s3:::results/runs/*"],
    ]);
    expect(() => of(reading("{% $states.input.bucket %}"))).toThrow(
      "My state computes the place of its getObject: state the permission for s3:GetObject",
    );
  });

  it("include nested machines, and know functions that no task invokes", () => {
    const inner = stateMachine({
      StartAt: "B",
      States: { B: lambdaInvoke({ Arguments: { FunctionName: "mine" }, End: true }) },
    });
    const outer = stateMachine({ StartAt: "A", States: { A: jsonata.parallel({ Branches: [inner], End: true }) } });
    expect(unusedOf(outer, ["mine", "idle"])).toEqual(["idle"]);
  });
});
