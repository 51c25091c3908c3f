/** Every attribute of every resource has a rule that says why it is as it is, and the rules notice when it is not. */
import type { Resource } from "../../modules/synthesized/resources";
import { EVERYTHING } from "../support/everything";
import { faultsOf, RULES, uncovered, worldOf } from "../support/infrastructure";
import { everything, mutate } from "../support/infrastructure/mutation";
import { nameOf, type World } from "../support/infrastructure/rule";
import { synthesize } from "../support/synthesized";

const world = everything();
type Fields = Readonly<Record<string, unknown>>;

it("holds where data is protected", () => {
  expect(faultsOf(world)).toEqual([]);
});

it("holds where it is not", () => {
  const input = { ...EVERYTHING, protectData: false };
  expect(faultsOf(worldOf(synthesize(input, "dev"), { prefix: "almanac-dev", protectsData: false }))).toEqual([]);
});

it("has a rule for each attribute, or a reason why it does not matter", () => {
  expect(uncovered(world)).toEqual([]);
});

it("has rules for types that exist", () => {
  const types = new Set(world.resources.map(({ type }) => type));
  expect(Object.keys(RULES).filter((type) => !types.has(type))).toEqual([]);
});

/** The world with one resource changed. */
function changed(type: string, name: string, change: (values: Fields) => Fields): World {
  const target = world.resources.find((each) => each.type === type && nameOf(each) === name);
  if (target === undefined) throw new Error(`no ${type}.${name}`);
  const replace = (each: Resource) => (each === target ? { ...each, values: change(each.values) } : each);
  return { ...world, resources: world.resources.map(replace) };
}
const without = (key: string) => (values: Fields) =>
  Object.fromEntries(Object.entries(values).filter(([name]) => name !== key));
const withoutStatement = (sid: string) => (values: Fields) => {
  const policy = JSON.parse(String(values["policy"])) as { readonly Statement: readonly { readonly Sid: string }[] };
  return {
    ...values,
    policy: JSON.stringify({ ...policy, Statement: policy.Statement.filter(({ Sid }) => Sid !== sid) }),
  };
};

it.each<[string, string, string, (values: Fields) => Fields]>([
  [
    "an alarm that tells nobody",
    "aws_cloudwatch_metric_alarm",
    "dispatch_errors",
    (values) => ({ ...values, alarm_actions: [] }),
  ],
  [
    "a rule without dead letters",
    "aws_cloudwatch_event_target",
    "check_schedule_target",
    without("dead_letter_config"),
  ],
  ["a rule without a retry policy", "aws_cloudwatch_event_target", "sweep_schedule_target", without("retry_policy")],
  ["a key that CloudWatch cannot use", "aws_kms_key", "key", withoutStatement("CloudWatchAlarms")],
  ["a topic in plain text", "aws_sns_topic", "alarms", without("kms_master_key_id")],
  [
    "an API of one request a second",
    "aws_api_gateway_method_settings",
    "api_rest_throttling",
    (values) => ({ ...values, settings: { throttling_rate_limit: 1, throttling_burst_limit: 2 } }),
  ],
  [
    "a stream of keys",
    "aws_dynamodb_table",
    "job_order_table",
    (values) => ({ ...values, stream_view_type: "KEYS_ONLY" }),
  ],
  ["functions on x86", "aws_lambda_function", "dispatch", (values) => ({ ...values, architectures: ["x86_64"] })],
  [
    "logs of a day",
    "aws_cloudwatch_log_group",
    "dispatch_log_group",
    (values) => ({ ...values, retention_in_days: 1 }),
  ],
  ["no traces", "aws_lambda_function", "check", (values) => ({ ...values, tracing_config: { mode: "PassThrough" } })],
  ["a key that is never rotated", "aws_kms_key", "key", (values) => ({ ...values, enable_key_rotation: false })],
])("notices %s", (_, type, name, change) => {
  expect(faultsOf(changed(type, name, change)).length).toBeGreaterThan(0);
});

it("notices each attribute that is dropped, changed or swapped, and each resource that is missing", () => {
  const { mutants, survivors } = mutate(world, { sample: true });
  expect(mutants).toBeGreaterThan(900);
  expect(survivors).toEqual([]);
});
