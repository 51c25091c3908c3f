import { escapeTemplate } from "../../modules/constructs/escape-template";
import { overview } from "../support/overview";
import { resource, synthesize, type TerraformJson } from "../support/synthesized";

function timers(input: object): TerraformJson {
  const { timers: json } = synthesize({ timers: input }).modules;
  if (json === undefined) throw new Error("no timers");
  return json;
}

/** The dispatcher's rules or targets. */
const scheduleOf = (json: TerraformJson, type: "rule" | "target") =>
  Object.entries(json.resource[`aws_cloudwatch_event_${type}`] ?? {})
    .filter(([name]) => name.startsWith("dispatch_schedule"))
    .map(([, resource]) => resource);
const targetsOf = (json: TerraformJson) => scheduleOf(json, "target");
const rulesOf = (json: TerraformJson) => scheduleOf(json, "rule");

describe("timers", () => {
  it("match the overview", () => {
    expect(overview(timers({ shards: 1 }))).toMatchSnapshot();
  });

  it("send failed ticks to the dead-letter queue, and retry failed fires one by one", () => {
    const json = timers({});
    expect(resource(json, "aws_lambda_event_source_mapping", "callback_event_source")).toMatchObject({
      function_response_types: ["ReportBatchItemFailures"],
    });
    for (const target of targetsOf(json))
      expect(target).toMatchObject({ dead_letter_config: { arn: "${aws_sqs_queue.dlq.arn}" } });
  });

  it("allow browsers of any origin to read every response of the API", () => {
    expect(Object.values(timers({}).resource["aws_api_gateway_gateway_response"] ?? {})).toHaveLength(2);
  });

  it.each([
    [1, 1, 1],
    [4, 1, 1],
    [5, 2, 1],
    [24, 6, 2],
    [400, 100, 20],
    [1_000, 100, 20],
  ])("spread %i shards over %i targets and %i rules, five targets a rule", (shards, targets, rules) => {
    const json = timers({ shards });
    expect(targetsOf(json)).toHaveLength(targets);
    expect(rulesOf(json)).toHaveLength(rules);
    const perRule = new Map<unknown, number>();
    for (const { rule } of targetsOf(json)) perRule.set(rule, (perRule.get(rule) ?? 0) + 1);
    expect(Math.max(...perRule.values())).toBeLessThanOrEqual(5);
    const numbers = targetsOf(json).map(({ input_transformer: input }) =>
      /"target": (\d+), "targets": (\d+)/.exec(JSON.stringify(input).replaceAll("\\", ""))?.slice(1).map(Number),
    );
    expect(numbers).toEqual(Array.from({ length: targets }, (_, number) => [number, targets]));
  });

  it("pass the callers' scopes to the API only", () => {
    const scopes = { "arn:aws:iam::111122223333:role/billing": ["billing-", "${shared}-"] };
    const json = timers({ scopes });
    const variables = (id: string) =>
      (resource(json, "aws_lambda_function", id) as { environment: { variables: Record<string, string> } }).environment
        .variables;
    expect(variables("api")["SCOPES"]).toBe(escapeTemplate(JSON.stringify(scopes)));
    expect(variables("dispatch")).not.toHaveProperty("SCOPES");
    expect(() => timers({ scopes: { billing: ["billing-"] } })).toThrow(/is not the ARN of an IAM role or user/);
    expect(() => timers({ scopes: { "arn:aws:iam::111122223333:role/billing": [] } })).toThrow(/has no prefix/);
  });

  it("deploy a custom callback with its variables and permissions, which records fires only if it is told to", () => {
    const permissions = [
      { actions: ["ses:SendEmail"], resources: ["arn:aws:ses:eu-central-1:123456789012:identity/x"] },
    ];
    // Any handler will do.
    const entry = "functions/heartbeats/check.ts";
    const json = timers({ callbacks: { default: { entry, environment: { GREETING: "${hello}" }, permissions } } });
    expect(resource(json, "aws_lambda_function", "callback")).toMatchObject({
      environment: { variables: { GREETING: "$${hello}", HISTORY: "false" } },
    });
    expect(resource(json, "aws_iam_role_policy", "callback_policy")["policy"]).toContain("ses:SendEmail");
  });

  it.each([
    ["TIMERS_TABLE", "is reserved by Lambda or Almanac"],
    ["AWS_REGION", "is reserved by Lambda or Almanac"],
    ["A", "is not a valid variable name"],
  ])("reject the variable %s", (name, problem) => {
    const callbacks = { default: { environment: { [name]: "mine" } } };
    expect(() => timers({ callbacks })).toThrow(`environment.${name}: ${problem}`);
  });

  it("have for each callback a function, a queue, dead letters, alarms and outputs of its own", () => {
    const billing = { entry: "functions/timers/log-fire.ts", maxConcurrency: 5, history: false };
    const json = timers({ callbacks: { default: {}, billing } });
    expect(resource(json, "aws_lambda_event_source_mapping", "callback_billing_event_source")).toMatchObject({
      event_source_arn: "${aws_sqs_queue.callback_billing_queue.arn}",
      scaling_config: { maximum_concurrency: 5 },
    });
    expect(resource(json, "aws_sqs_queue", "callback_billing_queue")).toMatchObject({
      name: "${var.app}-${var.environment}-timers-fires-billing",
    });
    for (const alarm of ["callback_billing_queue_dlq_depth", "callback_billing_queue_oldest_message_age"])
      expect(resource(json, "aws_cloudwatch_metric_alarm", alarm)).toBeDefined();
    expect(Object.keys(json.output)).toEqual(
      expect.arrayContaining([
        "fires_queue_url",
        "fires_billing_queue_url",
        "fires_billing_dead_letter_queue_url",
        "callback_billing_function_name",
      ]),
    );
    const variables = JSON.stringify(resource(json, "aws_lambda_function", "dispatch")["environment"]);
    expect(variables).toContain("${aws_sqs_queue.callback_billing_queue.url}");
    const policy = String(resource(json, "aws_iam_role_policy", "dispatch_policy")["policy"]);
    expect(policy).toContain("${aws_sqs_queue.callback_billing_queue.arn}");
    expect(resource(json, "aws_lambda_function", "callback_billing")).toMatchObject({
      environment: {
        variables: {
          FIRES_QUEUE_URL: "${aws_sqs_queue.callback_billing_queue.url}",
          FIRES_DEAD_LETTER_QUEUE_URL: "${aws_sqs_queue.callback_billing_queue_dlq.url}",
          HISTORY: "false",
        },
      },
    });
    expect(resource(json, "aws_lambda_function", "callback")).toMatchObject({
      environment: { variables: { HISTORY: "true" } },
    });
    // One callback cannot take the fires of another.
    const own = String(resource(json, "aws_iam_role_policy", "callback_policy")["policy"]);
    expect(own).not.toContain("billing");
  });

  it.each([
    [{ billing: {} }, /lacks default/],
    [{ default: {}, Billing: {} }, /is not a name such as "billing"/],
  ])("reject callbacks without a default, or with other names: %j", (callbacks, message) => {
    expect(() => timers({ callbacks })).toThrow(message);
  });
});
