/** How Step Functions' refusals are read. */
import {
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  RedriveExecutionCommand,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StopExecutionCommand,
} from "@aws-sdk/client-sfn";
import { mockClient } from "aws-sdk-client-mock";
import { NotRedrivableError, stepFunctions } from "../../../../functions/workflows/task/executions";

const PREFIX = "arn:aws:states:eu-central-1:000000000000:execution:almanac-test-workflows-refund-machine";
const ARN = `${PREFIX}:order-1`;

function setup() {
  const client = new SFNClient({ region: "eu-central-1" });
  return { sfn: mockClient(client), executions: stepFunctions(client, "machine", PREFIX) };
}

class AwsError extends Error {
  constructor(override readonly name: string) {
    super("refused");
  }
}

describe("executions that ended since a time", () => {
  it("are listed up to the first page that has none", async () => {
    const { sfn, executions } = setup();
    const endedAt = (seconds: number) => ({
      executionArn: `${ARN}-${seconds}`,
      stateMachineArn: "machine",
      name: "n",
      status: "FAILED" as const,
      startDate: new Date(0),
      stopDate: new Date(seconds * 1_000),
    });
    sfn
      .on(ListExecutionsCommand)
      .resolves({ executions: [] })
      .on(ListExecutionsCommand, { statusFilter: "FAILED" })
      .resolvesOnce({ executions: [endedAt(90), endedAt(70)], nextToken: "2" })
      .resolvesOnce({ executions: [endedAt(65), endedAt(50)], nextToken: "3" })
      .resolvesOnce({ executions: [endedAt(40)], nextToken: "4" })
      .rejects(new Error("one page too many"));
    const found = await executions.unsuccessfulSince(60_000);
    expect(found.map(({ stoppedAt }) => stoppedAt)).toEqual([90_000, 70_000, 65_000]);
  });
});

describe("a state that waits for a token", () => {
  it("ends with an output, or with an error", async () => {
    const { sfn, executions } = setup();
    sfn.on(SendTaskSuccessCommand).resolves({});
    sfn.on(SendTaskFailureCommand).resolves({});
    expect(await executions.complete("t", { output: { decision: "approved" } })).toBe(true);
    expect(await executions.complete("t", { error: "Rejected", cause: "no receipt" })).toBe(true);
    expect(sfn.calls().map(({ args: [{ input }] }) => input)).toEqual([
      { taskToken: "t", output: '{"decision":"approved"}' },
      { taskToken: "t", error: "Rejected", cause: "no receipt" },
    ]);
  });

  it.each(["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])("no longer waits: %s", async (name) => {
    const { sfn, executions } = setup();
    sfn.on(SendTaskSuccessCommand).rejects(new AwsError(name));
    expect(await executions.complete("t", { output: {} })).toBe(false);
  });

  it("is not known to have ended when the request failed", async () => {
    const { sfn, executions } = setup();
    sfn.on(SendTaskFailureCommand).rejects(new AwsError("AccessDeniedException"));
    await expect(executions.complete("t", { error: "Rejected", cause: "" })).rejects.toThrow("refused");
  });
});

describe("the end of a state that waited for a token", () => {
  const at = new Date("2026-11-21T12:00:00Z");
  const scheduled = (id: number, token: string) => ({
    id,
    previousEventId: id - 1,
    type: "TaskScheduled" as const,
    timestamp: at,
    taskScheduledEventDetails: {
      resourceType: "aws-sdk:dynamodb",
      resource: "updateItem.waitForTaskToken",
      region: "eu-central-1",
      // Step Functions may escape any character.
      parameters: JSON.stringify({ Token: { S: token } }).replaceAll("=", String.raw`\u003d`),
    },
  });
  const after = (id: number, previousEventId: number, type: "TaskSubmitted" | "TaskSucceeded" | "TaskFailed") => ({
    id,
    previousEventId,
    type,
    timestamp: at,
    ...(type === "TaskSucceeded" && { taskSucceededEventDetails: { resourceType: "", resource: "", output: "{}" } }),
    ...(type === "TaskFailed" && {
      taskFailedEventDetails: { resourceType: "", resource: "", error: "Rejected", cause: "by me" },
    }),
  });

  it("is that of its own events, on whatever page they are", async () => {
    const { sfn, executions } = setup();
    sfn
      .on(GetExecutionHistoryCommand, { executionArn: ARN, reverseOrder: true })
      .resolves({
        events: [after(22, 20, "TaskFailed"), after(21, 12, "TaskSucceeded"), scheduled(20, "t2==")],
        nextToken: "2",
      })
      .on(GetExecutionHistoryCommand, { executionArn: ARN, reverseOrder: true, nextToken: "2" })
      .resolves({ events: [after(12, 11, "TaskSubmitted"), scheduled(11, "t1=="), scheduled(3, "t0==")] });
    expect(await executions.endOf(ARN, "t1==")).toMatchObject({ at: at.getTime(), output: "{}" });
    expect(await executions.endOf(ARN, "t2==")).toMatchObject({ error: "Rejected", cause: "by me" });
    expect(await executions.endOf(ARN, "t0==")).toBeUndefined();
    expect(await executions.endOf(ARN, "t9==")).toBeUndefined();
  });
});

describe("an execution", () => {
  it("is redriven once for each token", async () => {
    const { sfn, executions } = setup();
    sfn.on(RedriveExecutionCommand).resolves({});
    await executions.redrive(ARN, "1700000000000");
    expect(sfn.call(0).args[0].input).toEqual({ executionArn: ARN, clientToken: "1700000000000" });
  });

  it.each(["ExecutionNotRedrivable", "ExecutionDoesNotExist"])("cannot be redriven: %s", async (name) => {
    const { sfn, executions } = setup();
    sfn.on(RedriveExecutionCommand).rejects(new AwsError(name));
    await expect(executions.redrive(ARN, "1")).rejects.toThrow(NotRedrivableError);
  });

  it("is not refused a redrive by a limit, which is temporary", async () => {
    const { sfn, executions } = setup();
    sfn.on(RedriveExecutionCommand).rejects(new AwsError("ExecutionLimitExceeded"));
    await expect(executions.redrive(ARN, "1")).rejects.toThrow(AwsError);
  });

  it.each(["ExecutionDoesNotExist", "ValidationException"])("needs no stop when it has ended: %s", async (name) => {
    const { sfn, executions } = setup();
    sfn.on(StopExecutionCommand).rejects(new AwsError(name));
    await expect(executions.stop(ARN, { error: "Cancelled", cause: "" })).resolves.toBeUndefined();
  });
});
