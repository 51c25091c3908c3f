import { DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import {
  DescribeExecutionCommand,
  ListExecutionsCommand,
  RedriveExecutionCommand,
  SFNClient,
  StopExecutionCommand,
} from "@aws-sdk/client-sfn";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";
import { systemClock } from "../../functions/shared/clock";
import { taskSchema, type Task } from "../../functions/workflows/contract";
import { executionNameOf } from "../../functions/workflows/task/execution-name";
import { stepFunctions } from "../../functions/workflows/task/executions";
import { taskTable } from "../../functions/workflows/task/task-table";
import { startTask } from "../../functions/workflows/task/lifecycle";
import { scheduledEvent } from "../support/lambda";
import { signedFetch } from "../support/signed-fetch";
import { awsConfiguration, eventually, npmRun, readSystem, startArguments, withDeployment } from "./support/system";

const outputsSchema = z.object({
  table_name: z.string(),
  state_machine_arn: z.string(),
  execution_arn_prefix: z.string(),
  start_function_name: z.string(),
  sweep_function_name: z.string(),
  api_id: z.string(),
});
const featureSchema = z.object({ workflows: z.object({ task: outputsSchema, refund: outputsSchema }) });
const startedSchema = z.strictObject({
  taskId: z.string(),
  timestamp: z.number(),
  executionArn: z.string(),
  startDate: z.string(),
});

describe("workflows, deployed", () => {
  let outputs: z.output<typeof outputsSchema>;
  let refunds: z.output<typeof outputsSchema>;
  let aws: ReturnType<typeof awsConfiguration>;
  let sfn: SFNClient;
  let lambda: LambdaClient;

  beforeAll(async () => {
    const running = await readSystem();
    aws = awsConfiguration(running.endpoint);
    sfn = new SFNClient(aws);
    lambda = new LambdaClient(aws);
    const { workflows } = featureSchema.parse(running.deployment?.features["workflows"]);
    ({ task: outputs, refund: refunds } = workflows);
  });

  const invoke = async (FunctionName: string, event: unknown): Promise<unknown> => {
    const { Payload, FunctionError } = await lambda.send(
      new InvokeCommand({ FunctionName, Payload: Buffer.from(JSON.stringify(event)) }),
    );
    const result: unknown = JSON.parse(Buffer.from(Payload ?? []).toString() || "null");
    if (FunctionError !== undefined) throw new Error(JSON.stringify(result));
    return result;
  };
  const start = async (taskId: string, input?: object) =>
    startedSchema.parse(await invoke(outputs.start_function_name, { taskId, ...(input && { input }) }));
  const rowOf = async (taskId: string): Promise<Task | undefined> => {
    const { Items: [item] = [] } = await new DynamoDBClient(aws).send(
      new QueryCommand({
        TableName: outputs.table_name,
        KeyConditionExpression: "taskId = :id",
        ExpressionAttributeValues: { ":id": { S: taskId } },
        ConsistentRead: true,
      }),
    );
    return item && taskSchema.parse(unmarshall(item));
  };
  const rowWith = (taskId: string, status: string) =>
    eventually(
      () => rowOf(taskId),
      (row) => row?.status === status,
    );
  const statusOf = async (taskId: string) =>
    (
      await sfn.send(
        new DescribeExecutionCommand({
          executionArn: `${outputs.execution_arn_prefix}:${executionNameOf(taskId)}`,
        }),
      )
    ).status;
  const call = async (
    method: string,
    path: string,
    { body, signed = true, api = outputs.api_id }: { body?: unknown; signed?: boolean; api?: string } = {},
  ) => {
    const address = `${aws.endpoint}/restapis/${api}/live/_user_request_${path}`;
    const request = { method, ...(body !== undefined && { body: JSON.stringify(body) }) };
    // A client repeats a 503, which a busy machine gives as well.
    const response = await eventually(
      () => (signed ? signedFetch(address, request, aws) : fetch(address, request)),
      ({ status }) => status !== 503,
    );
    return [response.status, await response.json()] as const;
  };

  it("writes STARTED, waits, invokes the work, writes DONE", async () => {
    const { timestamp, executionArn } = await start("plain-1");
    expect(Math.abs(Date.now() - timestamp * 1_000)).toBeLessThan(60_000);
    const first = await eventually(() => rowOf("plain-1"), Boolean);
    expect(first).toMatchObject({ taskId: "plain-1", timestamp, executionArn });
    const done = await rowWith("plain-1", "DONE");
    expect(done?.history.map(({ status }) => status)).toEqual(["STARTED", "DONE"]);
    const [started = 0, ended = 0] = done?.history.map(({ at }) => Date.parse(at)) ?? [];
    expect(ended - started).toBeGreaterThanOrEqual(3_000);
    await eventually(
      () => statusOf("plain-1"),
      (status) => status === "SUCCEEDED",
    );
  });

  it("keeps a result that is too long for a row in S3", async () => {
    await start("large-1", { characters: 40_000 });
    await rowWith("large-1", "DONE");
    expect(await call("GET", "/tasks/large-1")).toMatchObject([
      200,
      { resultLocation: expect.stringMatching(/^s3:\/\//) as unknown },
    ]);
  });

  it("ends work that fails as FAILED, with its own reason, after a retry", async () => {
    await start("failing-1", { fails: "no funds" });
    const failed = await rowWith("failing-1", "FAILED");
    expect(failed?.reason).toMatch(/: no funds$/);
    expect(failed?.history.map(({ status }) => status)).toEqual(["STARTED", "FAILED"]);
    await eventually(
      () => statusOf("failing-1"),
      (status) => status === "FAILED",
    );
    // Redriven in the console, it fails at once in the state that failed: the row has the later end, too.
    await sfn.send(new RedriveExecutionCommand({ executionArn: failed?.executionArn }));
    const again = await eventually(
      () => rowWith("failing-1", "FAILED"),
      (row) => row?.history.length === 4,
    );
    expect(again?.history.map(({ status }) => status)).toEqual(["STARTED", "FAILED", "STARTED", "FAILED"]);
  });

  it("ends work that is too slow as TIMED_OUT", async () => {
    await start("slow-1", { ms: 30_000 });
    expect(await rowWith("slow-1", "TIMED_OUT")).toMatchObject({ reason: "the work took longer than 20 s" });
  });

  it("starts one execution per ID, for any number of concurrent requests", async () => {
    const taskId = "a hundred times/at once ü";
    // Through the function and the API. Most without Lambda, because the emulator starts a process per concurrent invocation.
    const executions = stepFunctions(sfn, outputs.state_machine_arn, outputs.execution_arn_prefix);
    const table = taskTable(new DynamoDBClient(aws), outputs.table_name, 90);
    const responses = await Promise.all(
      Array.from({ length: 100 }, async (_, index) =>
        index % 10 > 1
          ? startTask({ taskId }, { executions, table, clock: systemClock })
          : index % 10 === 0
            ? start(taskId)
            : startedSchema.parse((await call("POST", "/tasks", { body: { taskId } }))[1]),
      ),
    );
    expect(new Set(responses.map((response) => JSON.stringify(response))).size).toBe(1);
    const { executions: all = [] } = await sfn.send(
      new ListExecutionsCommand({ stateMachineArn: outputs.state_machine_arn }),
    );
    expect(all.filter(({ name }) => name === executionNameOf(taskId))).toHaveLength(1);
    // However the task ends, the response stays the first one.
    await eventually(
      () => rowOf(taskId),
      (row) => row !== undefined && row.status !== "STARTED",
    );
    expect(await start(taskId)).toEqual(responses[0]);
  });

  it.each([
    ["at once", 0, "ABORTED"],
    ["in its wait", 1_000, "ABORTED"],
    ["at work", 4_000, "ABORTED"],
  ])("is cancelled over the API: %s", async (when, afterMs, status) => {
    const taskId = `cancelled ${when}`;
    await start(taskId, { ms: 6_000 });
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    const [code, cancelled] = await call("DELETE", `/tasks/${encodeURIComponent(taskId)}`);
    expect([code, taskSchema.parse(cancelled)]).toMatchObject([
      200,
      { status, reason: "Cancelled: the task was cancelled" },
    ]);
    // The work goes on in Lambda, and ends.
    await new Promise((resolve) => setTimeout(resolve, 7_000));
    expect(await rowOf(taskId)).toEqual(cancelled);
    expect(await statusOf(taskId)).toBe("ABORTED");
    expect(await call("DELETE", `/tasks/${encodeURIComponent(taskId)}`)).toEqual([200, cancelled]);
  });

  it("does not change a task that is DONE when it is cancelled", async () => {
    expect(await call("DELETE", "/tasks/plain-1")).toMatchObject([200, { status: "DONE" }]);
  });

  it("reconciles an abort from outside, by the event", async () => {
    const { executionArn } = await start("aborted-1", { ms: 6_000 });
    await sfn.send(new StopExecutionCommand({ executionArn, error: "Operator", cause: "enough" }));
    expect(await rowWith("aborted-1", "ABORTED")).toMatchObject({ reason: "Operator: enough" });
  });

  it("reconciles rows whose event was lost, by the sweep", async () => {
    const lost = ["lost-1", "lost-2"];
    await withDeployment(async () => {
      await eventBridge("DisableRule");
      try {
        for (const taskId of lost) {
          await start(taskId, { ms: 6_000 });
          const row = await rowWith(taskId, "STARTED");
          await sfn.send(new StopExecutionCommand({ executionArn: row?.executionArn ?? "" }));
        }
        await new Promise((resolve) => setTimeout(resolve, 3_500)); // No event arrives, and they are older than their wait.
        for (const taskId of lost) expect(await rowOf(taskId)).toMatchObject({ status: "STARTED" });
        await invoke(outputs.sweep_function_name, scheduledEvent({ time: new Date().toISOString() }));
        for (const taskId of lost)
          expect(await rowOf(taskId)).toMatchObject({
            status: "ABORTED",
            reason: "stopped without a reason",
          });
      } finally {
        await eventBridge("EnableRule");
      }
    });
  });

  /** A request in EventBridge's protocol. Two requests do not justify a dependency on its client. */
  async function eventBridge(action: "DisableRule" | "EnableRule"): Promise<void> {
    const request = {
      method: "POST",
      service: "events",
      headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": `AWSEvents.${action}` },
      body: JSON.stringify({ Name: "almanac-local-workflows-executions-ended" }),
    };
    const response = await signedFetch(aws.endpoint, request, aws);
    if (!response.ok) throw new Error(`${action}: ${response.status} ${await response.text()}`);
  }

  it("runs a machine of the user's, whose output is the result", async () => {
    const refund = (method: string, path: string, body?: unknown) =>
      call(method, path, { api: refunds.api_id, ...(body !== undefined && { body }) });
    const started = await refund("POST", "/tasks", { taskId: "refund-1", input: { amount: 12, customer: "ü" } });
    expect(started[0]).toBe(200);
    const ended = await eventually(
      async () => taskSchema.parse((await refund("GET", "/tasks/refund-1"))[1]),
      ({ status }) => status !== "STARTED",
    );
    expect(ended).toMatchObject({ status: "DONE", result: { receipt: "refund-refund-1", amount: 12, customer: "ü" } });
    // The reconciler writes its failure, for the machine has no Catch.
    await refund("POST", "/tasks", { taskId: "refund-2", input: { amount: -1 } });
    const failed = await eventually(
      async () => taskSchema.parse((await refund("GET", "/tasks/refund-2"))[1]),
      ({ status }) => status !== "STARTED",
    );
    expect(failed).toMatchObject({ status: "FAILED", reason: "NoRefund: its amount is not a number above 0" });
    // Each workflow has tasks of its own.
    expect((await call("GET", "/tasks/refund-1"))[0]).toBe(404);
  });

  it("waits for a person, who approves over the API, or rejects at a terminal, and redrives from there", async () => {
    const task = async (id: string) =>
      taskSchema.parse((await call("GET", `/tasks/${id}`, { api: refunds.api_id }))[1]);
    const waiting = async (id: string) => {
      const body = { taskId: id, input: { amount: 500 } };
      expect((await call("POST", "/tasks", { api: refunds.api_id, body }))[0]).toBe(200);
      return eventually(
        () => task(id),
        ({ approvals }) => approvals !== undefined,
      );
    };
    const ended = (id: string) =>
      eventually(
        () => task(id),
        ({ status }) => status !== "STARTED",
      );
    const approve = () =>
      call("POST", "/tasks/refund-3/approve", { api: refunds.api_id, body: { comment: "fine", state: "Approve" } });
    expect((await waiting("refund-3")).approvals).toEqual([
      { state: "Approve", requestedAt: expect.any(String) as unknown },
    ]);
    const [code, approved] = await approve();
    expect([code, approved]).toMatchObject([200, { approvals: [{ decision: "approved", comment: "fine" }] }]);
    expect((await approve())[0]).toBe(200);
    expect((await call("POST", "/tasks/refund-3/reject", { api: refunds.api_id }))[0]).toBe(409);
    expect(await ended("refund-3")).toMatchObject({ status: "DONE", result: { amount: 500 } });

    await waiting("refund-4");
    const atTerminal = (...command: readonly [noun: string, verb: string, ...options: string[]]) =>
      npmRun(...command, "refund-4", "--workflow", "refund", ...startArguments);
    const rejected = await atTerminal("workflows", "reject", "--comment", "no receipt");
    expect([rejected.code, rejected.output]).toEqual([0, expect.stringContaining("Approve rejected by arn:")]);
    expect(await ended("refund-4")).toMatchObject({
      status: "FAILED",
      reason: expect.stringMatching(/^Rejected: no receipt \(by arn:\S+\)$/) as unknown,
    });

    // From the state that failed: it asks again.
    const asked = (times: number) =>
      eventually(
        () => task("refund-4"),
        ({ approvals = [] }) => approvals.length === times,
      );
    const redriven = await atTerminal("workflows", "redrive");
    expect([redriven.code, redriven.output]).toEqual([0, expect.stringContaining("STARTED")]);
    await asked(2);
    const overApi = (verb: string) => call("POST", `/tasks/refund-4/${verb}`, { api: refunds.api_id });
    expect((await overApi("reject"))[0]).toBe(200);
    expect(await ended("refund-4")).toMatchObject({ status: "FAILED" });
    expect((await overApi("redrive"))[0]).toBe(200);
    await asked(3);
    const other = await atTerminal("workflows", "approve", "--state", "Pay");
    expect(other.output).toContain("does not wait for an approval of Pay");
    expect((await atTerminal("workflows", "approve")).code).toBe(0);
    const done = await ended("refund-4");
    expect(done).toMatchObject({ status: "DONE", result: { receipt: "refund-refund-4" } });
    expect(done.history.map(({ status }) => status)).toEqual([
      "STARTED",
      "FAILED",
      "STARTED",
      "FAILED",
      "STARTED",
      "DONE",
    ]);
    expect((await overApi("redrive"))[0]).toBe(409);
  });

  it("follows an execution that is redriven in the console, and decides nothing for one that was stopped", async () => {
    const task = async (id: string) =>
      taskSchema.parse((await call("GET", `/tasks/${id}`, { api: refunds.api_id }))[1]);
    const post = (path: string, body?: object) => call("POST", path, { api: refunds.api_id, ...(body && { body }) });
    const asked = (id: string, times: number) =>
      eventually(
        () => task(id),
        ({ status, approvals = [] }) => status === "STARTED" && approvals.length === times,
      );
    const ended = (id: string) =>
      eventually(
        () => task(id),
        ({ status }) => status !== "STARTED",
      );
    for (const taskId of ["refund-5", "refund-6"])
      expect((await post("/tasks", { taskId, input: { amount: 500 } }))[0]).toBe(200);
    const { executionArn } = await asked("refund-5", 1);
    expect((await post("/tasks/refund-5/reject"))[0]).toBe(200);
    expect(await ended("refund-5")).toMatchObject({ status: "FAILED" });
    await sfn.send(new RedriveExecutionCommand({ executionArn }));
    expect((await asked("refund-5", 2)).reason).toBeUndefined();
    expect((await post("/tasks/refund-5/approve"))[0]).toBe(200);
    const done = await ended("refund-5");
    expect(done).toMatchObject({ status: "DONE", result: { receipt: "refund-refund-5" } });
    expect(done.history.map(({ status }) => status)).toEqual(["STARTED", "FAILED", "STARTED", "DONE"]);

    const stopped = await asked("refund-6", 1);
    await sfn.send(new StopExecutionCommand({ executionArn: stopped.executionArn }));
    const [code, answer] = await post("/tasks/refund-6/approve");
    expect([code, answer]).toMatchObject([409, { message: expect.stringContaining("its task has ended") as unknown }]);
    expect(await ended("refund-6")).toMatchObject({ status: "ABORTED" });
    expect((await task("refund-6")).approvals).toEqual([
      { state: "Approve", requestedAt: expect.any(String) as unknown },
    ]);
  });

  it("lists tasks by their status, page by page", async () => {
    const pageSchema = z.object({ tasks: z.array(taskSchema), next: z.string().optional() });
    const found: string[] = [];
    let next: string | undefined = "";
    while (next !== undefined) {
      const query = next === "" ? "" : `&next=${next}`;
      const page: z.output<typeof pageSchema> = pageSchema.parse(
        (await call("GET", `/tasks?status=ABORTED&limit=2${query}`))[1],
      );
      found.push(...page.tasks.map(({ taskId }) => taskId));
      next = page.next;
    }
    expect(new Set(found).size).toBe(found.length);
    expect(found).toEqual(expect.arrayContaining(["aborted-1", "lost-1", "lost-2", "cancelled at once"]));
  });

  it("rejects unsigned and malformed requests", async () => {
    expect((await call("GET", "/tasks/plain-1", { signed: false }))[0]).toBe(403);
    expect((await call("GET", "/tasks/nobody"))[0]).toBe(404);
    expect((await call("GET", "/tasks?status=GONE"))[0]).toBe(400);
    expect((await call("POST", "/tasks", { body: { taskId: "" } }))[0]).toBe(400);
  });

  it("is followed at a terminal, listed, and cancelled there", async () => {
    const run = (...args: readonly string[]) => npmRun("workflows", ...args, ...startArguments);
    const watched = await run("start", "terminal-1", "--watch", "--input", '{"ms": 100}');
    expect(watched.output).toMatch(/Z {2}STARTED\n.*Z {2}DONE {2}after \d/);
    expect(watched.code).toBe(0);
    const shown = await run("show", "failing-1");
    expect([shown.code, shown.output]).toEqual([0, expect.stringMatching(/failing-1 {2}FAILED\n[^]*no funds/)]);
    expect((await run("ls", "--status", "TIMED_OUT")).output).toContain("slow-1");
    expect((await run("cancel", "terminal-1")).output).toContain("terminal-1  DONE");
    const none = await run("show", "nobody");
    expect([none.code, none.output]).toEqual([1, expect.stringContaining("there is no task with this id")]);
  });
});
