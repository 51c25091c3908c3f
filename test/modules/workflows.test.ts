import * as z from "zod";
import { ConfigurationError } from "../../modules/constructs/config";
import { escapeTemplate } from "../../modules/constructs/escape-template";
import { workflowsSchema } from "../../modules/workflows";
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
      "Allow dynamodb:UpdateItem on ${aws_dynamodb_table.table.arn} (TasksTable)",
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

  it("lets the API start and stop tasks, and decide nothing: a task waits for no approval", () => {
    expect(policyOf("api")).toEqual([
      "Allow dynamodb:Query, dynamodb:UpdateItem on ${aws_dynamodb_table.table.arn}, ${aws_dynamodb_table.table.arn}/index/byStatus (TasksTable)",
      "Allow states:StartExecution on ${aws_sfn_state_machine.task.arn} (StateMachineArn)",
      `Allow states:DescribeExecution, states:StopExecution on ${EXECUTIONS} (ExecutionArnPrefix)`,
    ]);
  });

  it("passes the callers' scopes to the API only", () => {
    const scopes = { "arn:aws:iam::111122223333:role/billing": ["billing-", "${shared}-"] };
    const module = workflow({ scopes });
    const variables = (id: string) => JSON.stringify(resource(module, "aws_lambda_function", id)["environment"]);
    expect(variables("api")).toContain(JSON.stringify(escapeTemplate(JSON.stringify(scopes))).slice(1, -1));
    expect(variables("start")).not.toContain("SCOPES");
    expect(() => workflow({ scopes: { billing: ["billing-"] } })).toThrow(/is not the ARN of an IAM role or user/);
  });

  it("lets the reconciler read how executions ended, and write it", () => {
    expect(policyOf("reconcile")).toEqual([
      "Allow dynamodb:Query, dynamodb:UpdateItem on ${aws_dynamodb_table.table.arn}, ${aws_dynamodb_table.table.arn}/index/byStatus (TasksTable)",
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

  it("invokes the reconciler for what was redriven in the console, and for no other start", () => {
    const { event_pattern: pattern } = resource(workflow(), "aws_cloudwatch_event_rule", "executions_redriven");
    expect(JSON.parse(String(pattern))).toMatchObject({
      detail: { status: ["RUNNING", "SUCCEEDED"], redriveCount: [{ numeric: [">", 0] }] },
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
    [
      { definition: "workflows/refund.ts", waitSeconds: 1 },
      "staging.workflows.task.waitSeconds: 1 is for workflows without a definition of their own",
    ],
  ])("refuses %j", (input, message) => {
    expect(() => workflow(input)).toThrow(ConfigurationError);
    expect(() => workflow(input)).toThrow(message);
  });
});

describe("a second workflow", () => {
  const { modules, root } = synthesize({
    workflows: { task: {}, refund: { definition: "workflows/refund.ts", timeLimitSeconds: 7_200 } },
  });
  const both = modules["workflows"];
  if (!both) throw new Error("no module");
  const alone = workflow();

  it("renames nothing of the first one", () => {
    for (const [type, resources] of Object.entries(alone.resource))
      expect(both.resource[type]).toMatchObject(resources);
  });

  it("has its own table, functions, API, rules and alarms, with its name", () => {
    const added = Object.entries(both.resource).flatMap(([type, resources]) =>
      Object.keys(resources)
        .filter((name) => alone.resource[type]?.[name] === undefined)
        .map((name) => [type, name]),
    );
    expect(added.filter(([, name = ""]) => !name.startsWith("refund_"))).toEqual([]);
    expect(added).toEqual(
      expect.arrayContaining([
        ["aws_dynamodb_table", "refund_table"],
        ["aws_sfn_state_machine", "refund_machine"],
        ["aws_lambda_function", "refund_pay"],
        ["aws_lambda_function", "refund_start"],
        ["aws_lambda_function", "refund_api"],
        ["aws_lambda_function", "refund_reconcile"],
        ["aws_lambda_function", "refund_sweep"],
        ["aws_cloudwatch_event_rule", "refund_ended"],
        ["aws_cloudwatch_metric_alarm", "refund_machine_executions_failed"],
      ]),
    );
    expect(resource(both, "aws_dynamodb_table", "refund_table")["name"]).toBe(
      "${var.app}-${var.environment}-workflows-refund",
    );
    expect(root.module["workflows"]).toMatchObject({ refund_time_limit_seconds: 7_200, task_wait_seconds: 30 });
    expect(Object.keys(z.object({ value: z.looseObject({}) }).parse(both.output["workflows"]).value)).toEqual([
      "task",
      "refund",
    ]);
  });

  it("may do what its tasks do, and nothing else", () => {
    expect(policyOf("refund_machine", both)).toEqual([
      "Allow dynamodb:UpdateItem on ${aws_dynamodb_table.refund_table.arn} (TasksTable)",
      "Allow lambda:InvokeFunction on ${aws_lambda_function.refund_pay.arn} (PayFunction)",
    ]);
    expect(policyOf("refund_pay", both)).toEqual([]);
  });

  it("cannot have the name of a part of all workflows, whose resources it would repeat", () => {
    const firstWords = Object.values(workflow({ work }).resource)
      .flatMap((resources) => Object.keys(resources))
      .map((name) => name.replace(/_.*/, ""))
      .filter((name) => name !== "task" && name.length <= 12);
    const accepted = [...new Set(firstWords), "provider", "account", "partition", "region"].filter(
      (name) => workflowsSchema.safeParse({ [name]: {} }).success,
    );
    // Of an alarm that ends otherwise.
    expect(accepted).toEqual(["stuck"]);
    expect(() => synthesize({ workflows: { stuck: {}, task: {} } })).not.toThrow();
  });

  it.each([
    ["Refund", "staging.workflows.Refund: is not 1 to 12 lower case letters and digits, a letter first"],
    ["start", "staging.workflows.start: is the name of a part of all workflows"],
  ])("refuses the name %s", (name, message) => {
    expect(() => synthesize({ workflows: { [name]: {} } })).toThrow(message);
  });
});
