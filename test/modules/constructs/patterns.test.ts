import type { AlarmSpec } from "../../../modules/constructs/alarm-spec";
import type { Feature } from "../../../modules/constructs/feature";
import { ApiFunction } from "../../../modules/constructs/patterns/api-function";
import { QueueFunction } from "../../../modules/constructs/patterns/queue-function";
import { ScheduledFunction } from "../../../modules/constructs/patterns/scheduled-function";
import { describePolicy, resource, synthesizeConstructs, type TerraformJson } from "../../support/synthesized";

const spec: AlarmSpec = { description: "It fails", impact: "Users notice.", runbook: "sample#it-fails" };
const common = { entry: "functions/heartbeats/publish.ts", environment: {}, timeoutSeconds: 20 };
const alarmsOf = (json: TerraformJson) => Object.keys(json.resource["aws_cloudwatch_metric_alarm"] ?? {});

describe("a scheduled function", () => {
  const asynchronous = { retries: 0, maxEventAgeSeconds: 60 } as const;
  const everyFiveMinutes = (feature: Feature, id: string) =>
    new ScheduledFunction(feature, id, {
      ...common,
      ...asynchronous,
      schedule: { everyMinutes: 5, description: "Sweeps" },
      alarms: { errors: spec, noInvocations: spec },
    });
  const json = synthesizeConstructs((feature) => {
    everyFiveMinutes(feature, "sweep");
    new ScheduledFunction(feature, "report", {
      ...common,
      ...asynchronous,
      schedule: { cron: "0 17 * * ? *", description: "Reports" },
      alarms: { errors: spec },
    });
  });

  it("is invoked at a rate or by cron", () => {
    expect(resource(json, "aws_cloudwatch_event_rule", "sweep_schedule")).toMatchObject({
      name: "${var.app}-${var.environment}-sample-sweep-schedule",
      schedule_expression: "rate(5 minutes)",
    });
    expect(resource(json, "aws_cloudwatch_event_rule", "report_schedule")).toMatchObject({
      schedule_expression: "cron(0 17 * * ? *)",
    });
  });

  it("shares its feature's dead-letter queue, an output of the module", () => {
    expect(Object.keys(json.resource["aws_sqs_queue"] ?? {})).toEqual(["dlq"]);
    expect(json.output).toHaveProperty("dead_letter_queue_url");
    for (const id of ["sweep", "report"]) {
      const destination_config = { on_failure: { destination: "${aws_sqs_queue.dlq.arn}" } };
      expect(resource(json, "aws_lambda_function_event_invoke_config", `${id}_event_invoke_config`)).toMatchObject({
        destination_config,
        maximum_retry_attempts: 0,
      });
    }
    expect(describePolicy(resource(json, "aws_sqs_queue", "dlq")["policy"])).toHaveLength(2);
  });

  it("is invoked again when EventBridge cannot deliver, until the event is too old", () => {
    for (const id of ["sweep", "report"])
      expect(resource(json, "aws_cloudwatch_event_target", `${id}_schedule_target`)).toMatchObject({
        retry_policy: { maximum_event_age_in_seconds: 60, maximum_retry_attempts: 185 },
        depends_on: [`aws_lambda_permission.${id}_rules`],
      });
  });

  it("alarms on errors and, at a rate, when three runs are missing", () => {
    expect(alarmsOf(json)).toEqual(["sweep_errors", "sweep_no_invocations", "report_errors"]);
    expect(resource(json, "aws_cloudwatch_metric_alarm", "sweep_no_invocations")).toMatchObject({
      metric_name: "Invocations",
      period: 900,
      threshold: 1,
      treat_missing_data: "breaching",
    });
  });
});

describe("a queue function", () => {
  const json = synthesizeConstructs((feature) => {
    new QueueFunction<{ readonly JOBS_QUEUE: string }>(feature, "work", {
      ...common,
      memoryMb: 1_024,
      threads: 32,
      semiSpaceMb: 64,
      environment: (queue) => ({ JOBS_QUEUE: queue.grantChangeVisibility() }),
      queue: { nameSuffix: "jobs", maxReceives: 3 },
      batch: { batchSize: 10 },
      alarms: { deadLetterQueue: { depth: spec }, oldestMessageAge: { ...spec, seconds: 600 } },
    });
  });

  it("hides received messages for six times its timeout, and reports those that failed", () => {
    expect(resource(json, "aws_sqs_queue", "work_queue")).toMatchObject({
      name: "${var.app}-${var.environment}-sample-jobs",
      visibility_timeout_seconds: 120,
    });
    expect(resource(json, "aws_lambda_event_source_mapping", "work_event_source")).toMatchObject({
      event_source_arn: "${aws_sqs_queue.work_queue.arn}",
      function_response_types: ["ReportBatchItemFailures"],
    });
  });

  it("has the memory, threads and receives that it asks for", () => {
    expect(resource(json, "aws_lambda_function", "work")).toMatchObject({
      memory_size: 1_024,
      environment: {
        variables: { UV_THREADPOOL_SIZE: "32", NODE_OPTIONS: "--enable-source-maps --max-semi-space-size=64" },
      },
    });
    expect(JSON.parse(String(resource(json, "aws_sqs_queue", "work_queue")["redrive_policy"]))).toMatchObject({
      maxReceiveCount: 3,
    });
  });

  it("alarms on dead letters and old messages", () => {
    expect(alarmsOf(json)).toEqual(["work_queue_dlq_depth", "work_queue_oldest_message_age"]);
    expect(resource(json, "aws_cloudwatch_metric_alarm", "work_queue_oldest_message_age")).toMatchObject({
      threshold: 600,
    });
  });

  it("may use its queue", () => {
    expect(describePolicy(resource(json, "aws_iam_role_policy", "work_policy")["policy"]).slice(0, 2)).toEqual([
      "Allow sqs:ChangeMessageVisibility on ${aws_sqs_queue.work_queue.arn} (JobsQueue)",
      "Allow sqs:DeleteMessage, sqs:GetQueueAttributes, sqs:ReceiveMessage on ${aws_sqs_queue.work_queue.arn} (Queue)",
    ]);
  });
});

describe("an API function", () => {
  it("handles all routes of its API, and leaves alarms to it", () => {
    const json = synthesizeConstructs((feature) => {
      new ApiFunction(feature, "api", {
        ...common,
        routes: [{ method: "GET", path: "/orders/{id}" }],
        api: { description: "Orders", throttling: { requestsPerSecond: 10, burst: 20 } },
        alarms: { serverErrors: spec },
      });
    });
    expect(resource(json, "aws_api_gateway_integration", "api_rest_get_orders_item_integration")).toMatchObject({
      uri: "${aws_lambda_function.api.invoke_arn}",
    });
    expect(alarmsOf(json)).toEqual(["api_rest_server_errors"]);
  });
});
