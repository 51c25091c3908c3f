import { TYPES } from "../../../scripts/review/classification";
import { classesOf } from "../../../scripts/review/findings";
import { parsePlan } from "../../../scripts/review/plan";
import { reviewPlan } from "../../../scripts/review/report";
import { fieldsOf } from "../../../scripts/shared/fields";
import { samplePlan, type SampleChange } from "./sample-plan";

const destroy = (address: string, before: Readonly<Record<string, unknown>> = {}): SampleChange => ({
  address: `module.bells.${address}`,
  actions: ["delete"],
  before,
});

const BUCKET = destroy("aws_s3_bucket.b", { id: "files", bucket: "files", arn: "arn:aws:s3:::files" });
const FUNCTION = destroy("aws_lambda_function.f", {
  function_name: "ring",
  arn: "arn:aws:lambda:r:1:function:ring",
  s3_key: "ring.zip",
});
const API = destroy("aws_api_gateway_rest_api.a", {
  id: "api",
  name: "bells",
  execution_arn: "arn:aws:execute-api:r:1:api",
});
const STAGE = destroy("aws_api_gateway_stage.s", { rest_api_id: "api", stage_name: "live" });
const PATH = destroy("aws_api_gateway_resource.r", { rest_api_id: "api", id: "r1", path: "/ping/{key}" });
const METHOD = destroy("aws_api_gateway_method.m", { rest_api_id: "api", resource_id: "r1", http_method: "GET" });
const QUEUE = destroy("aws_sqs_queue.q", { id: "https://q", name: "bells", arn: "arn:aws:sqs:r:1:bells" });
const TABLE = destroy("aws_dynamodb_table.t", {
  name: "rings",
  stream_arn: "arn:aws:dynamodb:r:1:table/rings/stream/1",
});
const RULE = destroy("aws_cloudwatch_event_rule.r", {
  name: "almanac-x-bells-schedule-noon",
  arn: "arn:aws:events:r:1:rule/noon",
});
const TARGET = destroy("aws_cloudwatch_event_target.t", {
  rule: "almanac-x-bells-schedule-noon",
  arn: "arn:aws:lambda:r:1:function:ring",
});
const MACHINE = destroy("aws_sfn_state_machine.m", { arn: "arn:aws:states:r:1:stateMachine:m" });
const TOPIC = destroy("aws_sns_topic.t", { name: "bells", arn: "arn:aws:sns:r:1:bells" });
const KEY = destroy("aws_kms_key.k", { id: "k1" });
const DISTRIBUTION = destroy("aws_cloudfront_distribution.d", {
  id: "d1",
  origin: [{ origin_access_control_id: "o1" }],
  default_cache_behavior: [{ response_headers_policy_id: "p1" }],
});

const alarm = (dimensions: object) => destroy("aws_cloudwatch_metric_alarm.a", { metric_name: "m", dimensions });
const OF_BOTH = destroy("aws_cloudwatch_metric_alarm.a", {
  metric_name: "",
  metric_query: [
    { expression: "a + b" },
    { metric: [{ dimensions: { FunctionName: "ring" } }] },
    { metric: [{ dimensions: { QueueName: "bells" } }] },
  ],
});
const settings = (path: string) =>
  destroy("aws_api_gateway_method_settings.s", { rest_api_id: "api", stage_name: "live", method_path: path });
const ofBucket = (type: string) => destroy(`aws_s3_bucket_${type}.b`, { bucket: "files" });
const ofMethod = (type: string) =>
  destroy(`aws_api_gateway_${type}.m`, { rest_api_id: "api", resource_id: "r1", http_method: "GET" });

/** Each resource that serves others, and for each way in which its use ends, what the plan destroys too. */
const ROWS: readonly (readonly [what: string, companion: SampleChange, ...uses: (readonly SampleChange[])[]])[] = [
  ...["policy", "ownership_controls", "public_access_block", "server_side_encryption_configuration", "versioning"].map(
    (type) => [`a bucket's ${type}`, ofBucket(type), [BUCKET]] as const,
  ),
  ["an object", destroy("aws_s3_object.o", { bucket: "files", key: "targets.json" }), [BUCKET]],
  ["a function's code", destroy("aws_s3_object.o", { bucket: "code", key: "ring.zip" }), [FUNCTION]],
  ["a route's limits", settings("~1ping~1{key}/GET"), [METHOD, PATH], [STAGE], [API]],
  ["an API's limits", settings("*/*"), [STAGE], [API]],
  ...["integration", "integration_response", "method_response"].map(
    (type) => [`a route's ${type}`, ofMethod(type), [METHOD], [PATH], [API]] as const,
  ),
  ["a route", ofMethod("method"), [API]],
  ["a path", PATH, [API]],
  ["a stage", STAGE, [API]],
  ["a response of an API", destroy("aws_api_gateway_gateway_response.r", { rest_api_id: "api" }), [API]],
  ["an alarm of a function", alarm({ FunctionName: "ring" }), [FUNCTION]],
  ["an alarm of a queue", alarm({ QueueName: "bells" }), [QUEUE]],
  ["an alarm of an API", alarm({ ApiName: "bells", Stage: "live" }), [API]],
  ["an alarm of a machine", alarm({ StateMachineArn: "arn:aws:states:r:1:stateMachine:m" }), [MACHINE]],
  ["an alarm of a table", alarm({ TableName: "rings", Operation: "Query" }), [TABLE]],
  ["an alarm of a schedule", alarm({ service: "bells", environment: "almanac-x", bell: "noon" }), [RULE]],
  ["an alarm of a function and a queue", OF_BOTH, [FUNCTION, QUEUE]],
  [
    "a permission for rules",
    destroy("aws_lambda_permission.p", {
      function_name: "ring",
      principal: "events.amazonaws.com",
      source_arn: "arn:aws:events:r:1:rule/*",
    }),
    [FUNCTION],
    [TARGET, RULE],
  ],
  [
    "a permission for an API",
    destroy("aws_lambda_permission.p", {
      function_name: "ring",
      principal: "apigateway.amazonaws.com",
      source_arn: "arn:aws:execute-api:r:1:api/live/*",
    }),
    [FUNCTION],
    [API],
  ],
  ["a function's retries", destroy("aws_lambda_function_event_invoke_config.c", { function_name: "ring" }), [FUNCTION]],
  [
    "what reads a queue",
    destroy("aws_lambda_event_source_mapping.m", { event_source_arn: "arn:aws:sqs:r:1:bells" }),
    [QUEUE],
  ],
  [
    "what reads a stream",
    destroy("aws_lambda_event_source_mapping.m", { event_source_arn: "arn:aws:dynamodb:r:1:table/rings/stream/1" }),
    [TABLE],
  ],
  ["a rule", RULE, [TARGET, FUNCTION]],
  ["a target", TARGET, [FUNCTION], [RULE]],
  ["a topic's policy", destroy("aws_sns_topic_policy.p", { arn: "arn:aws:sns:r:1:bells" }), [TOPIC]],
  ["a subscription", destroy("aws_sns_topic_subscription.s", { topic_arn: "arn:aws:sns:r:1:bells" }), [TOPIC]],
  ["a key's name", destroy("aws_kms_alias.k", { target_key_id: "k1" }), [KEY]],
  [
    "an Athena table",
    destroy("aws_glue_catalog_table.t", { database_name: "d" }),
    [destroy("aws_glue_catalog_database.d", { name: "d" })],
  ],
  ["CloudFront's access", destroy("aws_cloudfront_origin_access_control.o", { id: "o1" }), [DISTRIBUTION]],
  ["CloudFront's headers", destroy("aws_cloudfront_response_headers_policy.h", { id: "p1" }), [DISTRIBUTION]],
];

const COMPANIONS = ROWS.map(([what, companion, ...uses]) => ({ what, companion, uses }));

/** Others of the feature stay. */
const OTHER: SampleChange = {
  address: "module.bells.aws_lambda_function.other",
  actions: ["no-op"],
  before: { function_name: "other" },
  after: { function_name: "other" },
};

const findingsOf = ({ address }: SampleChange, ...changes: readonly SampleChange[]) =>
  reviewPlan(parsePlan(samplePlan(changes)), new Set()).findings.filter((finding) => finding.address === address);

/** With other names. */
const renamed = (values: SampleChange["before"]) =>
  fieldsOf(JSON.parse(JSON.stringify(values), (_, part: unknown) => (typeof part === "string" ? `${part}-2` : part)));

describe("a resource that serves another", () => {
  it.each(COMPANIONS)("$what: destroyed alone is a finding, destroyed with it is none", ({ companion, uses }) => {
    expect(findingsOf(companion, companion, OTHER)).toHaveLength(1);
    for (const use of uses) expect(findingsOf(companion, companion, OTHER, ...use)).toEqual([]);
  });

  it.each(COMPANIONS)(
    "$what: is a finding while what it serves is replaced, kept or forgotten",
    ({ companion, uses }) => {
      for (const actions of [["delete", "create"], ["no-op"], ["update"], ["forget"]])
        for (const use of uses) {
          const kept = use.map((it) => ({
            ...it,
            actions,
            after: actions.includes("forget") ? null : (it.before ?? null),
          }));
          expect(findingsOf(companion, companion, OTHER, ...kept)).toHaveLength(1);
        }
    },
  );

  it.each(COMPANIONS)("$what: is a finding when another of the kind is destroyed", ({ companion, uses }) => {
    for (const use of uses) {
      const another = use.map((it) => ({
        ...it,
        address: `${it.address}_2`,
        before: renamed(it.before),
      }));
      expect(findingsOf(companion, companion, OTHER, ...another)).toHaveLength(1);
    }
  });

  it("is a finding when what it serves is created at another address, under the same name", () => {
    const policy = ofBucket("policy");
    const moved: SampleChange = {
      ...BUCKET,
      address: "aws_s3_bucket.elsewhere",
      actions: ["create"],
      before: null,
      after: { bucket: "files" },
    };
    expect(findingsOf(policy, policy, BUCKET, moved)).toHaveLength(1);
  });

  it("is a finding while one of two that it serves is left", () => {
    for (const one of [FUNCTION, QUEUE]) expect(findingsOf(OF_BOTH, OF_BOTH, OTHER, one)).toHaveLength(1);
    const distribution = {
      ...DISTRIBUTION,
      address: "module.bells.aws_cloudfront_distribution.d2",
      actions: ["no-op"],
    };
    const access = destroy("aws_cloudfront_origin_access_control.o", { id: "o1" });
    expect(findingsOf(access, access, DISTRIBUTION, distribution)).toHaveLength(1);
  });

  it("is no finding for an alarm of a feature that is removed whole", () => {
    const own = alarm({ service: "bells", environment: "almanac-x" });
    expect(findingsOf(own, own, FUNCTION)).toEqual([]);
    expect(findingsOf(own, own, FUNCTION, OTHER)).toHaveLength(1);
    const root = { ...own, address: "aws_cloudwatch_metric_alarm.a" };
    expect(findingsOf(root, root)).toHaveLength(1);
  });
});

/** Of these types, the destruction means nothing beyond the list of changes, or is reported elsewhere. */
const SILENT: Readonly<Record<string, string>> = {
  aws_api_gateway_deployment: "its stage has another, or goes with it",
  aws_cloudwatch_dashboard: "shows, and keeps nothing",
  aws_iam_role: "what it allowed is in the permissions",
  aws_iam_role_policy: "what it allowed is in the permissions",
  aws_iam_role_policy_attachment: "what it allowed is in the permissions",
  terraform_data: "is in the state alone",
};

it.each(Object.keys(TYPES))("the destruction of an %s is data loss, a finding, or known to mean nothing", (type) => {
  const { findings, dataLoss } = reviewPlan(parsePlan(samplePlan([destroy(`${type}.x`), OTHER])), new Set());
  expect(findings.length + dataLoss.length).toBe(type in SILENT ? 0 : 1);
});

describe("a resource that is destroyed at one address, and is at another", () => {
  /** As a state has them: with all attributes. */
  const whole = (type: string, values: object) => ({
    ...Object.fromEntries(
      `${TYPES[type]?.key ?? ""} ${TYPES[type]?.content ?? ""}`.split(" ").map((attribute) => [attribute, null]),
    ),
    ...values,
  });
  const findingsOf = (type: string, before: object, after: object, after_unknown: object = {}) =>
    reviewPlan(
      parsePlan(
        samplePlan([
          destroy(`${type}.old`, whole(type, before)),
          { address: `module.bells.${type}.new`, actions: ["create"], after: { ...after }, after_unknown },
        ]),
      ),
      new Set(),
    ).findings.filter(({ address }) => address.endsWith(".old"));

  const permission = {
    function_name: "ring",
    action: "lambda:InvokeFunction",
    principal: "events.amazonaws.com",
    source_arn: "arn:aws:events:r:1:rule/bells-*",
    qualifier: "",
  };
  const target = { rule: "noon", event_bus_name: "default", arn: "arn:f", input: "{}", retry_policy: [] };
  const alarm = {
    metric_name: "Errors",
    namespace: "AWS/Lambda",
    dimensions: { FunctionName: "ring" },
    threshold: 1,
    alarm_actions: ["arn:topic"],
  };

  it.each<[what: string, type: string, same: object, oldKey: object, newKey: object]>([
    ["a permission", "aws_lambda_permission", permission, { statement_id: "a" }, { statement_id: "b" }],
    ["a target", "aws_cloudwatch_event_target", target, { target_id: "a" }, { target_id: "b" }],
    ["an alarm", "aws_cloudwatch_metric_alarm", alarm, { alarm_name: "a" }, { alarm_name: "b" }],
  ])("is no loss where %s does the same by another name", (_, type, same, oldKey, newKey) => {
    expect(findingsOf(type, { ...same, ...oldKey }, { ...same, qualifier: null, ...newKey })).toEqual([]);
    const [attribute = ""] = Object.keys(newKey);
    expect(findingsOf(type, { ...same, ...oldKey }, same, { [attribute]: true })).toEqual([]);
  });

  it("is one where the other does something else, or what it does is not known yet", () => {
    const was = { ...permission, statement_id: "a" };
    for (const other of [{ principal: "s3.amazonaws.com" }, { source_arn: "arn:other" }, { function_name: "other" }])
      expect(findingsOf("aws_lambda_permission", was, { ...was, statement_id: "b", ...other })).toHaveLength(1);
    const { source_arn: _, ...rest } = was;
    const changed = { ...rest, statement_id: "b" };
    expect(findingsOf("aws_lambda_permission", was, changed, { source_arn: true })).toHaveLength(1);
    expect(findingsOf("aws_lambda_permission", rest, changed, { source_arn: true })).toHaveLength(1);
  });

  it.each<[type: string, values: object]>([
    ["aws_lambda_permission", { ...permission, statement_id: "rules" }],
    ["aws_cloudwatch_event_target", { ...target, target_id: "t" }],
    ["aws_cloudwatch_metric_alarm", { ...alarm, alarm_name: "a" }],
    ["aws_iam_role_policy", { role: "ring", name: "own", policy: "{}" }],
    ["aws_iam_role_policy_attachment", { role: "ring", policy_arn: "arn:aws:iam::aws:policy/X" }],
    ["aws_lambda_event_source_mapping", { event_source_arn: "arn:q", function_name: "ring" }],
    ["aws_s3_bucket_policy", { bucket: "files", policy: "{}" }],
    ["aws_sns_topic", { name: "bells" }],
    ["aws_sns_topic_policy", { arn: "arn:t", policy: "{}" }],
    ["aws_sns_topic_subscription", { topic_arn: "arn:t", protocol: "email", endpoint: "a@example.com" }],
  ])("is refused where %s is one thing at both: AWS loses it with the old one", (type, values) => {
    const what =
      "is at another address, too: AWS refuses that one, or loses it with this one. Keep it by a moved block";
    expect(findingsOf(type, values, values)).toMatchObject([{ what, refused: true }]);
  });

  it("is recognised by attributes that its type has", () => {
    const unknown = Object.entries(TYPES).flatMap(([type, known]) =>
      [known.key, known.content]
        .flatMap((attributes) => attributes?.split(" ") ?? [])
        .filter((attribute) => !classesOf(known).has(attribute))
        .map((attribute) => `${type}.${attribute}`),
    );
    expect(unknown).toEqual([]);
  });
});
