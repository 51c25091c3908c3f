import { taskEndOf, type Execution } from "../../../../functions/workflows/task/task";

const STARTED = Date.parse("2026-11-21T12:00:00Z");
const EXECUTION: Execution = {
  arn: "arn:aws:states:eu-central-1:000000000000:execution:almanac-test-workflows-task:order-1",
  status: "ABORTED",
  input: "{}",
  startedAt: STARTED,
  stoppedAt: STARTED + 5_000,
  error: undefined,
  cause: undefined,
};

describe("a task's end", () => {
  it("is when its execution stopped; when it started, where Step Functions names no other time", () => {
    expect(taskEndOf(EXECUTION)).toMatchObject({ status: "ABORTED", at: STARTED + 5_000 });
    expect(taskEndOf({ ...EXECUTION, stoppedAt: undefined })).toMatchObject({ status: "ABORTED", at: STARTED });
  });

  it.each([
    ["a function's error", JSON.stringify({ errorMessage: "no \ud83d" })],
    ["any text", "no \ud83d"],
  ])("has a reason that DynamoDB accepts: half of a character in %s", (_, cause) => {
    const end = taskEndOf({ ...EXECUTION, status: "FAILED", error: "Refused", cause });
    expect(end).toMatchObject({ status: "FAILED", reason: "Refused: no \ufffd" });
  });

  it.each(["RUNNING", "PENDING_REDRIVE"] as const)("is not while the execution is %s", (status) => {
    expect(taskEndOf({ ...EXECUTION, status })).toBeUndefined();
  });
});
