import { estimate } from "../../../scripts/cost/estimate";
import { PRICES } from "../../../scripts/shared/aws/prices";
import type { Resource } from "../../../modules/synthesized/resources";
import { measured } from "../../support/measured";

const resource = (type: string, name: string, values: Resource["values"] = {}): Resource => ({
  address: `module.bells.${type}.${name}`,
  module: "bells",
  type,
  values,
});
const policy = (...statements: readonly object[]) => JSON.stringify({ Version: "2012-10-17", Statement: statements });

/** A function of 1,024 MB that a rule invokes each minute; it writes a row and invokes another function, of 512 MB. */
const scheduled = [
  resource("aws_cloudwatch_event_rule", "tick", { name: "tick", schedule_expression: "rate(1 minute)" }),
  resource("aws_cloudwatch_event_target", "target", {
    rule: "${module.bells.aws_cloudwatch_event_rule.tick.name}",
    arn: "${module.bells.aws_lambda_function.ring.arn}",
  }),
  resource("aws_lambda_function", "ring", {
    function_name: "ring",
    memory_size: 1024,
    role: "${module.bells.aws_iam_role.ring.arn}",
    tracing_config: { mode: "Active" },
  }),
  resource("aws_iam_role", "ring", { name: "ring" }),
  resource("aws_iam_role_policy", "ring", {
    role: "${module.bells.aws_iam_role.ring.id}",
    policy: policy(
      { Effect: "Allow", Action: ["dynamodb:PutItem"], Resource: ["arn:table"] },
      { Effect: "Allow", Action: "lambda:InvokeFunction", Resource: "${module.bells.aws_lambda_function.tell.arn}" },
    ),
  }),
  resource("aws_lambda_function", "tell", {
    function_name: "tell",
    memory_size: 512,
    role: "arn:aws:iam::1:role/tell",
  }),
  resource("aws_iam_role", "tell", { name: "tell" }),
  resource("aws_iam_role_policy", "tell", {
    role: "tell",
    // It may invoke the first one: a circle, and not an endless sum.
    policy: policy({ Effect: "Allow", Action: "lambda:InvokeFunction", Resource: "arn:aws:lambda:eu:1:function:ring" }),
  }),
];
const RUNS = 30 * 24 * 60;

describe("estimate", () => {
  it("counts what a schedule runs: the function, what its role lets it call, and the function that this invokes", () => {
    const { idle, unknown } = estimate(scheduled);
    expect(unknown).toEqual([]);
    expect(idle.map(({ what }) => what)).toEqual(["ring: 43,200 runs, rate(1 minute)"]);
    const usage = Object.fromEntries(idle[0]?.usage ?? []);
    expect(usage).toEqual({
      "lambda.request": 2 * RUNS,
      "lambda.gbSecond": 1.5 * RUNS,
      "cloudWatch.logIngestedGb": expect.closeTo(2 * 3e-6 * RUNS, 9) as number,
      "xray.trace": RUNS,
      "dynamodb.writeRequestUnit": RUNS,
    });
  });

  it("adds up what costs by being there, and takes off what is free for every account", () => {
    const alarms = Array.from({ length: 12 }, (_, index) => resource("aws_cloudwatch_metric_alarm", `a${index}`));
    const { listed, free, total, most } = estimate([...alarms, resource("aws_kms_key", "key")]);
    expect(listed).toBeCloseTo(12 * PRICES.cloudWatch.alarmMonth + PRICES.kms.keyMonth);
    expect(free).toBeCloseTo(10 * PRICES.cloudWatch.alarmMonth);
    expect(total).toBeCloseTo(2 * PRICES.cloudWatch.alarmMonth + PRICES.kms.keyMonth);
    expect(most).toBeCloseTo(total); // alarms and keys cost the same everywhere
  });

  it("counts each metric of an alarm's mathematics, and an alarm on seconds three times", () => {
    const metric_query = [
      { expression: "a/b" },
      { metric: [{ metric_name: "a" }] },
      { metric: [{ metric_name: "b" }] },
    ];
    const { listed } = estimate([
      resource("aws_cloudwatch_metric_alarm", "ratio", { metric_query }),
      resource("aws_cloudwatch_metric_alarm", "fast", { period: 10 }),
    ]);
    expect(listed).toBeCloseTo(5 * PRICES.cloudWatch.alarmMonth);
  });

  it("counts custom metrics once, whether alarms or the dashboard name them; those without a schedule only when used", () => {
    const named = [
      resource("aws_cloudwatch_metric_alarm", "a", {
        namespace: "Almanac",
        metric_name: "rung",
        dimensions: { environment: "e", service: "bells" },
      }),
      resource("aws_cloudwatch_dashboard", "d", {
        dashboard_body: JSON.stringify({
          widgets: [
            { properties: { metrics: [["Almanac", "rung", "service", "bells", "environment", "e", { stat: "Sum" }]] } },
            {
              properties: {
                metrics: [
                  ["Almanac", "late", "service", "bells"],
                  ["AWS/Lambda", "Errors"],
                ],
              },
            },
          ],
        }),
      }),
    ];
    expect(estimate([...scheduled, ...named]).idle.map(({ what }) => what)).toContain("2 custom metrics");
    const daily = { name: "tick", schedule_expression: "cron(0 17 * * ? *)" };
    const rarely = estimate([resource("aws_cloudwatch_event_rule", "tick", daily), ...named]);
    const [metrics] = rarely.idle.filter(({ what }) => what === "2 custom metrics, in 30 hours");
    expect(metrics?.listed).toBeCloseTo((2 * PRICES.cloudWatch.metricMonth * 30) / 720);
    const unused = estimate(named);
    expect(unused.idle.map(({ what }) => what)).toEqual(["1 alarm", "1 dashboard"]);
    expect(unused.uses).toContainEqual({
      module: "bells",
      what: "2 custom metrics, in a month in which they are sent",
      price: 2 * PRICES.cloudWatch.metricMonth,
      unit: "all",
    });
  });

  it("counts the polls of a queue that a function reads, and each use of it", () => {
    const { idle, uses } = estimate([
      ...scheduled.slice(2, 3),
      resource("aws_sqs_queue", "jobs", { name: "jobs", arn: "arn:aws:sqs:eu:1:jobs" }),
      resource("aws_lambda_event_source_mapping", "m", {
        event_source_arn: "arn:aws:sqs:eu:1:jobs",
        function_name: "${module.bells.aws_lambda_function.ring.arn}",
      }),
    ]);
    expect(idle.map(({ what }) => what)).toEqual(["jobs: 648,000 polls"]);
    expect(uses.map(({ what }) => what)).toEqual(["messages in jobs for ring"]);
  });

  it("counts a state machine by its states, those within others included", () => {
    const definition = JSON.stringify({
      States: { A: { Type: "Map", ItemProcessor: { States: { B: {}, C: {} } } }, D: { Type: "Succeed" } },
    });
    const { uses } = estimate([resource("aws_sfn_state_machine", "m", { name: "m", definition })]);
    const perExecution = 4 * PRICES.stepFunctions.stateTransition + PRICES.xray.trace;
    expect(uses[0]?.price).toBeCloseTo(perExecution * 1_000_000);
  });

  it("says what it does not know, and never passes over it", () => {
    const { unknown } = estimate([
      resource("aws_nat_gateway", "n"),
      resource("aws_cloudwatch_event_rule", "r", { schedule_expression: "${var.schedule}" }),
      resource("aws_sfn_state_machine", "m", { definition: "${local.definition}" }),
    ]);
    expect(unknown).toEqual([
      "aws_nat_gateway: no price known",
      'bells: how often "${var.schedule}" runs is not known',
      "module.bells.aws_sfn_state_machine.m: its states are not known yet, assumed: 10",
    ]);
  });
});

/** Functions on schedules, each with a role of its own. */
const functions = (count: number): readonly Resource[] =>
  Array.from({ length: count }, (_, index) => {
    const of = (type: string, attribute: string) => `\${module.bells.${type}.f${index}.${attribute}}`;
    return [
      resource("aws_lambda_function", `f${index}`, { function_name: `f${index}`, role: of("aws_iam_role", "arn") }),
      resource("aws_iam_role", `f${index}`, { name: `f${index}` }),
      resource("aws_iam_role_policy", `f${index}`, {
        role: of("aws_iam_role", "id"),
        policy: policy({ Effect: "Allow", Action: "dynamodb:Query", Resource: "*" }),
      }),
      resource("aws_cloudwatch_event_rule", `f${index}`, { name: `r${index}`, schedule_expression: "rate(1 hour)" }),
      resource("aws_cloudwatch_event_target", `f${index}`, {
        rule: of("aws_cloudwatch_event_rule", "name"),
        arn: of("aws_lambda_function", "arn"),
      }),
    ];
  }).flat();

it("takes time in proportion to the resources", () => {
  const milliseconds = (count: number) => {
    const resources = functions(count);
    const { result, cpuMs } = measured(() => estimate(resources));
    expect(result.idle).toHaveLength(count);
    return cpuMs;
  };
  milliseconds(100);
  const few = Math.max(milliseconds(100), 5);
  // Ten times as many: quadratic would be a hundred times as long.
  expect(milliseconds(1_000)).toBeLessThan(40 * few);
});
