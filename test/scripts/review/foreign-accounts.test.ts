import { parsePlan } from "../../../scripts/review/plan";
import { reviewPlan } from "../../../scripts/review/report";
import { samplePlan, type SampleChange } from "./sample-plan";

const OWN = "111111111111";
const OTHER = "222222222222";
const arn = (service: string, name: string, account = OTHER) => `arn:aws:${service}:eu-central-1:${account}:${name}`;

/** A queue of the environment, which says what its account is. */
const QUEUE = { name: "own", arn: arn("sqs", "own", OWN) };
const own: SampleChange = { address: "aws_sqs_queue.own", actions: ["no-op"], before: QUEUE, after: QUEUE };

const findings = (
  change: SampleChange,
  rest: Readonly<Record<string, unknown>> = {},
  allowed: readonly string[] = [],
) => reviewPlan(parsePlan(samplePlan([own, change], rest)), new Set(allowed)).findings;
const namesAnother = (change: SampleChange, rest = {}) =>
  findings(change, rest).filter(({ what }) => what.startsWith("names another account"));

const arguments_: readonly (readonly [what: string, address: string, values: object])[] = [
  ["a layer", "aws_lambda_function.f", { layers: [arn("lambda", "layer:x:1")] }],
  ["a role", "aws_lambda_function.f", { role: `arn:aws:iam::${OTHER}:role/r` }],
  [
    "a variable with the URL of a queue",
    "aws_lambda_function.f",
    { environment: [{ variables: { QUEUE_URL: `https://sqs.eu-central-1.amazonaws.com/${OTHER}/q` } }] },
  ],
  ["a subscription", "aws_sns_topic_subscription.s", { protocol: "sqs", endpoint: arn("sqs", "q") }],
  ["an event source", "aws_lambda_event_source_mapping.m", { event_source_arn: arn("sqs", "q") }],
  [
    "a destination of failures",
    "aws_lambda_function_event_invoke_config.c",
    { destination_config: [{ on_failure: [{ destination: arn("sqs", "q") }] }] },
  ],
  [
    "a dead-letter queue",
    "aws_sqs_queue.q",
    { redrive_policy: JSON.stringify({ deadLetterTargetArn: arn("sqs", "q"), maxReceiveCount: 3 }) },
  ],
  ["a target", "aws_cloudwatch_event_target.t", { arn: arn("events", "event-bus/x") }],
  ["an alarm's topic", "aws_cloudwatch_metric_alarm.a", { alarm_actions: [arn("sns", "t")] }],
  [
    "the source of a permission",
    "aws_lambda_permission.p",
    { principal: "events.amazonaws.com", source_arn: arn("events", "rule/r") },
  ],
  [
    "the source account of a permission",
    "aws_lambda_permission.p",
    { principal: "s3.amazonaws.com", source_account: OTHER },
  ],
  ["a managed policy", "aws_iam_role_policy_attachment.a", { role: "r", policy_arn: `arn:aws:iam::${OTHER}:policy/p` }],
  [
    "what a role may use",
    "aws_iam_role_policy.p",
    {
      role: "r",
      policy: JSON.stringify({ Statement: { Effect: "Allow", Action: "sqs:SendMessage", Resource: arn("sqs", "q") } }),
    },
  ],
  ["a key", "aws_cloudwatch_log_group.l", { kms_key_id: arn("kms", "key/k") }],
  [
    "where an API logs",
    "aws_api_gateway_stage.s",
    { access_log_settings: [{ destination_arn: arn("firehose", "deliverystream/d"), format: "f" }] },
  ],
  [
    "a task of a state machine",
    "aws_sfn_state_machine.m",
    { definition: JSON.stringify({ States: { Send: { Resource: arn("lambda", "function:f") } } }) },
  ],
  [
    "what a route invokes",
    "aws_api_gateway_integration.i",
    {
      uri: `arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/${arn("lambda", "function:f")}/invocations`,
    },
  ],
];

describe("another account", () => {
  it.each(arguments_)("is refused in %s that is created, changed or replaced", (_, address, values) => {
    const after = { name: "x", ...values };
    for (const change of [
      { address, actions: ["create"], after },
      { address, actions: ["update"], before: { name: "x" }, after },
      { address, actions: ["delete", "create"], before: { name: "x" }, after },
    ])
      expect(namesAnother(change)).toMatchObject([{ verdict: "exposure", address, refused: true, allowed: false }]);
  });

  it.each(arguments_)("is no finding in %s that stays, or is the environment's own", (_, address, values) => {
    const mine = JSON.parse(JSON.stringify(values).replaceAll(OTHER, OWN)) as object;
    const stays = { ...values, description: "a" };
    for (const change of [
      { address, actions: ["create"], after: { ...mine } },
      { address, actions: ["update"], before: stays, after: { ...stays, description: "b" } },
      { address, actions: ["delete"], before: { ...values } },
    ])
      expect(namesAnother(change)).toEqual([]);
  });

  it("is read where a value is known after the apply only, from how it is written", () => {
    const address = "aws_sfn_state_machine.m";
    const definition = `{"States":{"A":{"Resource":"\${aws_lambda_function.f.arn}"},"B":{"Resource":"${arn("lambda", "function:f")}"}}}`;
    const rest = {
      configuration: {
        root_module: { resources: [{ address, expressions: { definition: { constant_value: definition } } }] },
      },
    };
    const change = { address, actions: ["create"], after: { name: "m" }, after_unknown: { definition: true } };
    expect(namesAnother(change, rest)).toHaveLength(1);
  });

  it("is another than that of the caller, when the plan has asked for it", () => {
    const identity = { address: "data.aws_caller_identity.account", mode: "data", type: "aws_caller_identity" };
    const asked = (account_id: string) => ({
      prior_state: { values: { root_module: { resources: [{ ...identity, values: { account_id } }] } } },
    });
    const change = {
      address: "aws_lambda_function.f",
      actions: ["create"],
      after: { layers: [arn("lambda", "layer:x:1")] },
    };
    expect(namesAnother(change, asked(OWN))).toHaveLength(1);
    expect(namesAnother(change, asked(OTHER))).toEqual([]);
  });

  it("is allowed by the address of the resource, and shows no secret", () => {
    const change: SampleChange = {
      address: "aws_lambda_function.f",
      actions: ["create"],
      after: { environment: [{ variables: { A: arn("sqs", "q") } }], layers: [arn("lambda", "layer:x:1")] },
      after_sensitive: { environment: [{ variables: { A: true } }] },
    };
    const [finding] = findings(change, {}, ["aws_lambda_function.f"]);
    expect(finding).toMatchObject({ refused: true, allowed: true });
    expect(finding?.changes).toEqual([
      "environment.0.variables.A: (sensitive)",
      `layers.0: "${arn("lambda", "layer:x:1")}"`,
    ]);
  });
});
