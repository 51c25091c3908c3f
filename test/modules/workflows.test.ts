import { ConfigurationError } from "../../modules/constructs/config";
import { overview } from "../support/overview";
import { describePolicy, resource, synthesize } from "../support/synthesized";

const work = { entry: "test/e2e/support/work.ts" };
const workflow = (input = {}) => {
  const module = synthesize({ workflows: { task: input } }).modules["workflows"];
  if (!module) throw new Error("no module");
  return module;
};
const policyOf = (role: string, module = workflow({ work })) =>
  describePolicy(resource(module, "aws_iam_role_policy", `${role}_policy`)["policy"])
    .map((statement) => statement.replace(/arn:\S+:execution:/, "execution:"))
    .filter((statement) => !/\((Logs|Traces|DeadLetterQueue)\)$/.test(statement));
const EXECUTIONS = "execution:${var.app}-${var.environment}-workflows-task:*";

describe("the workflows module", () => {
  it("is what a reviewer reads", () => {
    expect(overview(workflow({ work }))).toMatchSnapshot();
  });

  it("lets the machine write rows and do the work, and nothing else", () => {
    expect(policyOf("task")).toEqual([
      "Allow dynamodb:PutItem, dynamodb:UpdateItem on ${aws_dynamodb_table.table.arn} (TasksTable)",
      "Allow lambda:InvokeFunction on ${aws_lambda_function.task_work.arn} (WorkFunction)",
    ]);
  });

  it("lets the work keep its result, and nothing else", () => {
    expect(policyOf("task_work")).toEqual([
      "Allow s3:PutObject on ${aws_s3_bucket.results.arn}/results/* (ResultsBucket)",
    ]);
  });

  it("lets the start function start tasks, and see how they were started", () => {
    expect(policyOf("start")).toEqual([
      "Allow states:StartExecution on ${aws_sfn_state_machine.task.arn} (StateMachineArn)",
      `Allow states:DescribeExecution on ${EXECUTIONS} (ExecutionArnPrefix)`,
      "Allow dynamodb:Query on ${aws_dynamodb_table.table.arn}, ${aws_dynamodb_table.table.arn}/index/byStatus (TasksTable)",
    ]);
  });

  it("lets the reconciler read how executions ended, and write it", () => {
    expect(policyOf("reconcile")).toEqual([
      "Allow dynamodb:UpdateItem on ${aws_dynamodb_table.table.arn} (TasksTable)",
      `Allow states:DescribeExecution on ${EXECUTIONS} (ExecutionArnPrefix)`,
    ]);
  });

  it("invokes the reconciler for every unsuccessful end, of this machine only", () => {
    const { event_pattern: pattern } = resource(workflow(), "aws_cloudwatch_event_rule", "executions_ended");
    expect(JSON.parse(String(pattern))).toEqual({
      source: ["aws.states"],
      "detail-type": ["Step Functions Execution Status Change"],
      detail: { stateMachineArn: ["${aws_sfn_state_machine.task.arn}"], status: ["FAILED", "TIMED_OUT", "ABORTED"] },
    });
  });

  it("requires signed requests", () => {
    const methods = Object.values(workflow().resource["aws_api_gateway_method"] ?? {});
    expect(methods).toHaveLength(4);
    for (const method of methods) expect(method).toMatchObject({ authorization: "AWS_IAM" });
  });

  it("is the same in each environment, whatever its numbers", () => {
    expect(workflow({ waitSeconds: 1, keepDays: 7, timeLimitSeconds: 900 })).toEqual(workflow());
    const { root } = synthesize({ workflows: { task: { waitSeconds: 1, keepDays: 7 } } });
    expect(root.module["workflows"]).toMatchObject({
      task_wait_seconds: 1,
      task_keep_days: 7,
      task_time_limit_seconds: 3_600,
    });
    const { definition } = resource(workflow(), "aws_sfn_state_machine", "task");
    expect(definition).toContain('"Seconds":${var.task_wait_seconds}');
    expect(definition).toContain('"TimeoutSeconds":${var.task_time_limit_seconds}');
  });

  it("has no work state, and no function for it, where there is no work", () => {
    expect(JSON.stringify(workflow())).not.toContain("lambda:invoke");
    expect(Object.keys(workflow().resource["aws_lambda_function"] ?? {})).toEqual([
      "start",
      "api",
      "reconcile",
      "sweep",
    ]);
  });

  it("keeps a function of the user's apart from ours with the same file name", () => {
    const { resource: resources } = workflow({ work: { entry: "functions/workflows/start.ts" } });
    const sources = Object.values(resources["aws_s3_object"] ?? {}).map(({ source }) => source);
    expect(sources).toHaveLength(5);
    expect(new Set(sources).size).toBe(5);
  });

  it("protects rows from deletion in production only", () => {
    const production = synthesize({ protectData: true, workflows: { task: {} } }, "production").modules["workflows"];
    expect(production && resource(production, "aws_dynamodb_table", "table")).toMatchObject({
      deletion_protection_enabled: true,
      lifecycle: { prevent_destroy: true },
    });
  });

  it.each([
    [{ work: { entry: "no-such-file.ts" } }, 'staging.workflows.task.work.entry: "no-such-file.ts" is not a file'],
    [
      { work: { entry: "${path}" } },
      'staging.workflows.task.work.entry: "${path}" is not the path of a TypeScript file',
    ],
    [
      { waitSeconds: 3_600 },
      "staging.workflows.task.timeLimitSeconds: 3600 is less than the 3660 s that the wait and the work can take",
    ],
    [
      // Nine delays between ten retries, doubled up to a minute: 1 + 2 + 4 + 8 + 16 + 32 + 4 * 60.
      { timeLimitSeconds: 1_052, work: { ...work, retries: 10 } },
      "staging.workflows.task.timeLimitSeconds: 1052 is less than the 1053 s that the wait and the work can take",
    ],
    [
      { waitSeconds: 172_800, timeLimitSeconds: 200_000, keepDays: 1 },
      "staging.workflows.task.keepDays: 1 is less than the time limit of 200000 s",
    ],
    [{ work: { ...work, timeoutSeconds: 896 } }, "staging.workflows.task.work.timeoutSeconds: 896"],
  ])("refuses %j", (input, message) => {
    expect(() => workflow(input)).toThrow(ConfigurationError);
    expect(() => workflow(input)).toThrow(message);
  });
});
