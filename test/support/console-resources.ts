/** Resources of a deployed environment as its Terraform state has them: enough for a drawing of each feature. */
import type { Resource } from "../../modules/synthesized/resources";

const arn = (service: string, rest: string) => `arn:aws:${service}:eu-central-1:000000000000:${rest}`;
const PREFIX = "almanac-local-";

/** Resources of one feature. */
function featureOf(module: string) {
  const full = (name: string) => `${PREFIX}${name === "" ? module : `${module}-${name}`}`;
  const resource = (type: string, name: string, values: Resource["values"]): Resource => ({
    address: `module.${module}.${type}.${name || "main"}`,
    module,
    type,
    values: { tags_all: { App: "almanac", Environment: "local" }, ...values },
  });
  const table = (name: string) => arn("dynamodb", `table/${full(name)}`);
  const queue = (name: string) => arn("sqs", full(name));
  const bucket = (name: string) => `arn:aws:s3:::${full(name)}`;
  const lambda = (name: string) => arn("lambda", `function:${full(name)}`);
  return {
    tableArn: table,
    queueArn: queue,
    bucketArn: bucket,
    lambdaArn: lambda,
    table: (name: string) =>
      resource("aws_dynamodb_table", name, {
        name: full(name),
        arn: table(name),
        stream_arn: `${table(name)}/stream/2026`,
      }),
    queue: (name: string) =>
      resource("aws_sqs_queue", name, {
        name: full(name),
        arn: queue(name),
        url: `http://127.0.0.1:4566/000000000000/${full(name)}`,
      }),
    bucket: (name: string) => resource("aws_s3_bucket", name, { bucket: full(name), arn: bucket(name) }),
    api: (name: string) => resource("aws_api_gateway_rest_api", name, { name: full(name), id: `${module}api` }),
    route: (name: string, to: string) =>
      resource("aws_api_gateway_integration", name, {
        rest_api_id: `${module}api`,
        uri: `arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/${lambda(to)}/invocations`,
      }),
    rule: (name: string, expression: string, targetArn: string): Resource[] => [
      resource("aws_cloudwatch_event_rule", name, {
        name: full(name),
        schedule_expression: expression,
        state: "ENABLED",
      }),
      resource("aws_cloudwatch_event_target", name, { rule: full(name), arn: targetArn }),
    ],
    mapping: (from: string, to: string) =>
      resource("aws_lambda_event_source_mapping", to, { event_source_arn: from, function_arn: lambda(to) }),
    /** @param may actions by resource */
    lambda: (name: string, may: Readonly<Record<string, string>>, variables: Readonly<Record<string, string>> = {}) => [
      resource("aws_lambda_function", name, {
        function_name: full(name),
        arn: lambda(name),
        role: arn("iam", `role/${full(name)}`),
        environment: [{ variables }],
      }),
      resource("aws_cloudwatch_log_group", name, { name: `/aws/lambda/${full(name)}` }),
      permissions(resource, name, full(name), may),
    ],
    machine: (name: string, may: Readonly<Record<string, string>>, definition: string) => [
      resource("aws_sfn_state_machine", name, {
        name: full(name),
        arn: arn("states", `stateMachine:${full(name)}`),
        role_arn: arn("iam", `role/${full(name)}`),
        definition,
      }),
      permissions(resource, `${name}-machine`, full(name), may),
    ],
    machineArn: (name: string) => arn("states", `stateMachine:${full(name)}`),
  };
}

function permissions(
  resource: (type: string, name: string, values: Resource["values"]) => Resource,
  name: string,
  role: string,
  may: Readonly<Record<string, string>>,
): Resource {
  const Statement = Object.entries(may).map(([to, actions]) => ({
    Effect: "Allow",
    Action: actions.split(" "),
    Resource: [to],
  }));
  return resource("aws_iam_role_policy", name, { role, policy: JSON.stringify({ Version: "2012-10-17", Statement }) });
}

/** With work, as main.ts's own would be. */
export const TASK_MACHINE = JSON.stringify({
  StartAt: "RecordStart",
  States: {
    RecordStart: { Type: "Task", Next: "Pause", Catch: [{ ErrorEquals: ["States.ALL"], Next: "Failed" }] },
    Pause: { Type: "Wait", Seconds: 10, Next: "Work" },
    Work: {
      Type: "Task",
      Next: "RecordDone",
      Catch: [
        { ErrorEquals: ["States.Timeout"], Next: "RecordTimeout" },
        { ErrorEquals: ["States.ALL"], Next: "RecordFailure" },
      ],
    },
    RecordTimeout: { Type: "Task", Next: "TimedOut" },
    TimedOut: { Type: "Fail" },
    RecordDone: { Type: "Task", End: true, Catch: [{ ErrorEquals: ["States.ALL"], Next: "RecordFailure" }] },
    RecordFailure: { Type: "Task", Next: "Failed" },
    Failed: { Type: "Fail" },
  },
});

/** Two branches, one of which handles each item of a list. */
export const NESTED_MACHINE = JSON.stringify({
  StartAt: "Prepare",
  States: {
    Prepare: { Type: "Pass", Next: "Both" },
    Both: {
      Type: "Parallel",
      Branches: [
        {
          StartAt: "Charge",
          States: { Charge: { Type: "Task", Next: "Receipt" }, Receipt: { Type: "Task", End: true } },
        },
        {
          StartAt: "Each item",
          States: {
            "Each item": {
              Type: "Map",
              ItemProcessor: { StartAt: "Ship", States: { Ship: { Type: "Task", End: true } } },
              End: true,
            },
          },
        },
      ],
      Catch: [{ ErrorEquals: ["States.ALL"], Next: "Undo" }],
      Next: "Done",
    },
    Undo: { Type: "Task", Next: "Done" },
    Done: { Type: "Succeed" },
  },
});

export function consoleResources(): readonly Resource[] {
  const heartbeats = featureOf("heartbeats");
  const timers = featureOf("timers");
  const exports = featureOf("exports");
  const pipelines = featureOf("pipelines");
  const workflows = featureOf("workflows");
  return [
    heartbeats.table(""),
    heartbeats.table("state"),
    heartbeats.bucket("configuration"),
    heartbeats.bucket("status"),
    heartbeats.queue("dlq"),
    ...heartbeats.rule("check-schedule", "rate(1 minute)", heartbeats.lambdaArn("check")),
    ...heartbeats.lambda("check", {
      [heartbeats.tableArn("")]: "dynamodb:BatchWriteItem",
      [heartbeats.tableArn("state")]: "dynamodb:BatchGetItem dynamodb:PutItem",
      [`${heartbeats.bucketArn("configuration")}/targets.json`]: "s3:GetObject",
      [heartbeats.lambdaArn("publish")]: "lambda:InvokeFunction",
      [heartbeats.queueArn("dlq")]: "sqs:SendMessage",
    }),
    ...heartbeats.lambda("publish", {
      [heartbeats.tableArn("state")]: "dynamodb:BatchGetItem dynamodb:Query",
      [`${heartbeats.bucketArn("status")}/index.html`]: "s3:PutObject",
    }),
    heartbeats.api("api"),
    heartbeats.route("api", "api"),
    ...heartbeats.lambda("api", { [heartbeats.tableArn("state")]: "dynamodb:UpdateItem" }),
    timers.table(""),
    timers.table("history"),
    timers.queue("callback"),
    timers.queue("callback-dlq"),
    ...timers.rule("dispatch-0", "rate(1 minute)", timers.lambdaArn("dispatch")),
    ...timers.rule("dispatch-1", "rate(1 minute)", timers.lambdaArn("dispatch")),
    timers.api("api"),
    timers.route("put", "api"),
    timers.route("get", "api"),
    ...timers.lambda("api", {
      [timers.tableArn("")]: "dynamodb:GetItem dynamodb:PutItem",
      [timers.queueArn("callback")]: "sqs:SendMessage",
    }),
    ...timers.lambda("dispatch", {
      [`${timers.tableArn("")}/index/due`]: "dynamodb:Query",
      [timers.queueArn("callback")]: "sqs:SendMessage",
    }),
    timers.mapping(timers.queueArn("callback"), "callback"),
    ...timers.lambda("callback", {
      [timers.tableArn("")]: "dynamodb:BatchGetItem",
      [timers.tableArn("history")]: "dynamodb:BatchWriteItem dynamodb:PutItem",
      [timers.queueArn("callback")]: "sqs:ReceiveMessage sqs:DeleteMessage",
    }),
    exports.bucket(""),
    exports.table("state"),
    ...exports.rule("start", "cron(0 17 * * ? *)", exports.lambdaArn("start-export")),
    ...exports.lambda("start-export", { [exports.machineArn("run")]: "states:StartExecution" }),
    ...exports.machine("run", { [exports.lambdaArn("read-segment")]: "lambda:InvokeFunction" }, "{}"),
    ...exports.lambda("read-segment", {
      [heartbeats.tableArn("")]: "dynamodb:Scan",
      [exports.tableArn("state")]: "dynamodb:UpdateItem",
      [`${exports.bucketArn("")}/*`]: "s3:PutObject",
    }),
    pipelines.api("api"),
    pipelines.route("ingress", "job-order-ingress"),
    pipelines.queue("job-order"),
    pipelines.queue("job-order-dlq"),
    pipelines.table("job-order"),
    pipelines.table("notifications"),
    pipelines.bucket("archive"),
    ...pipelines.lambda("job-order-ingress", { [pipelines.queueArn("job-order")]: "sqs:SendMessage" }),
    pipelines.mapping(pipelines.queueArn("job-order"), "job-order-ingest"),
    ...pipelines.lambda("job-order-ingest", {
      [pipelines.tableArn("job-order")]: "dynamodb:PutItem",
      [`${pipelines.bucketArn("archive")}/*`]: "s3:PutObject",
    }),
    pipelines.mapping(`${pipelines.tableArn("job-order")}/stream/2026`, "job-order-notify"),
    ...pipelines.lambda("job-order-notify", {
      [pipelines.tableArn("notifications")]: "dynamodb:BatchWriteItem",
      [pipelines.lambdaArn("send")]: "lambda:InvokeFunction",
    }),
    ...pipelines.rule("send", "rate(1 minute)", pipelines.lambdaArn("send")),
    ...pipelines.lambda(
      "send",
      { [pipelines.tableArn("notifications")]: "dynamodb:Query dynamodb:BatchWriteItem" },
      { SLACK_PARAMETERS: "jobOrder=/almanac/slack/orders,invoice=" },
    ),
    workflows.table("tasks"),
    workflows.api("api"),
    workflows.route("tasks", "tasks"),
    ...workflows.lambda("tasks", {
      [workflows.machineArn("task")]: "states:StartExecution",
      [workflows.tableArn("tasks")]: "dynamodb:Query",
    }),
    ...workflows.lambda("start", { [workflows.machineArn("task")]: "states:StartExecution" }),
    ...workflows.machine("task", { [workflows.tableArn("tasks")]: "dynamodb:UpdateItem" }, TASK_MACHINE),
    ...workflows.rule("sweep", "rate(5 minutes)", workflows.lambdaArn("sweep")),
    ...workflows.lambda("sweep", { [workflows.tableArn("tasks")]: "dynamodb:Query dynamodb:UpdateItem" }),
  ];
}
