import { describeApplied, describePlan, TerraformProgress } from "../../../scripts/terraform/events";

const hook = (type: string, addr: string, action: string, rest: object = {}) =>
  JSON.stringify({ type, "@level": "info", hook: { resource: { addr }, action, ...rest } });
const summary = (operation: string, add: number, change: number, remove: number) =>
  JSON.stringify({ type: "change_summary", changes: { add, change, import: 0, remove, operation } });

describe("Terraform's progress", () => {
  it("counts what is done of what was planned", () => {
    const progress = new TerraformProgress();
    const lines = [
      JSON.stringify({ type: "version", terraform: "1.11.4" }),
      summary("plan", 2, 0, 1),
      hook("apply_start", "aws_sqs_queue.letters", "create"),
      hook("apply_progress", "aws_sqs_queue.letters", "create", { elapsed_seconds: 20 }),
      hook("apply_complete", "aws_sqs_queue.letters", "create"),
      hook("apply_complete", "data.aws_caller_identity.me", "read"),
      hook("apply_complete", "module.heartbeats.aws_lambda_function.check", "delete"),
      summary("apply", 2, 0, 1),
    ].map((line) => progress.read(line));

    expect(lines.filter((line) => line !== undefined)).toEqual([
      "planned: 2 to add, 1 to destroy",
      "creating since 20 s: aws_sqs_queue.letters",
      "created 1 of 3: aws_sqs_queue.letters",
      "destroyed 2 of 3: module.heartbeats.aws_lambda_function.check",
    ]);
    expect(progress.applied).toEqual({ add: 2, change: 0, remove: 1 });
  });

  it("gathers errors with where they stand, and leaves warnings out", () => {
    const progress = new TerraformProgress();
    const diagnostic = (severity: string, summary: string, rest: object) =>
      progress.read(JSON.stringify({ type: "diagnostic", diagnostic: { severity, summary, ...rest } }));
    diagnostic("warning", "Deprecated", { detail: "" });
    diagnostic("error", "creating Lambda Function", {
      detail: "no such role\nreally",
      address: "aws_lambda_function.f",
    });
    diagnostic("error", "Invalid reference", { range: { filename: "cdk.tf.json", start: { line: 7, column: 1 } } });

    expect(progress.errors).toBe(
      "aws_lambda_function.f: creating Lambda Function\n  no such role\n  really\ncdk.tf.json:7: Invalid reference",
    );
  });

  it("shows what is no JSON when that is all there is, as when the state is locked by a crash", () => {
    const progress = new TerraformProgress();
    expect(progress.read("panic: runtime error")).toBeUndefined();
    expect(progress.errors).toBe("panic: runtime error");
  });

  it("says nothing about events it does not know", () => {
    const progress = new TerraformProgress();
    expect(progress.read('{"type":"provision_start"}')).toBeUndefined();
    expect(progress.read("7")).toBeUndefined();
    expect(progress.errors).toBe("");
  });
});

it("puts changes into words", () => {
  expect(describePlan({ add: 1, change: 2, remove: 3 })).toBe("1 to add, 2 to change, 3 to destroy");
  expect(describePlan({ add: 0, change: 0, remove: 0 })).toBe("no changes");
  expect(describeApplied({ add: 28, change: 0, remove: 0 })).toBe("28 added");
  expect(describeApplied({ add: 0, change: 0, remove: 0 })).toBe("nothing changed");
});
