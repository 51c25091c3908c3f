/** How Step Functions' refusals are read. */
import {
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
