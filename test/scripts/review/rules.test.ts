import { parsePlan } from "../../../scripts/review/plan";
import { reviewPlan } from "../../../scripts/review/report";
import { samplePlan, type SampleChange } from "./sample-plan";

const whatOf = (change: SampleChange) =>
  reviewPlan(parsePlan(samplePlan([change])), new Set()).findings.map(
    ({ refused, verdict, what }) => `${refused ? "refused" : "warning"}: ${verdict}: ${what}`,
  );
const update = (address: string, before: object, after: object): SampleChange => ({
  address,
  actions: ["update"],
  before: { ...before },
  after: { ...after },
});
const create = (address: string, after: object): SampleChange => ({
  address,
  actions: ["create"],
  after: { ...after },
});

const alarm = (before: object, after: object) => update("aws_cloudwatch_metric_alarm.a", before, after);
const above = (threshold: number) => ({ threshold, comparison_operator: "GreaterThanOrEqualToThreshold" });
const below = (threshold: number) => ({ threshold, comparison_operator: "LessThanThreshold" });
const queue = (maxReceiveCount: number, more = {}) => ({
  redrive_policy: JSON.stringify({ deadLetterTargetArn: "q", maxReceiveCount }),
  ...more,
});
const ofQueue = (before: object, after: object) => update("aws_sqs_queue.q", before, after);
const content = (value: unknown) => ({ key: "targets.json", content: JSON.stringify(value) });
const ofObject = (before: object, after: object) => update("aws_s3_object.o", before, after);
const ofFunction = (before: object, after: object) => update("aws_lambda_function.f", before, after);
const variables = (of: object) => ({ source_code_hash: "h", environment: [{ variables: of }] });

const DEAF = "refused: exposure: no longer alarms at what it alarmed at";
const DEAF_LATER = "refused: exposure: alarms after ten times as long, or longer";
const DEAF_WITHOUT_DATA = "refused: exposure: no longer alarms when its metric stops";
const OTHERWISE = "warning: exposure: alarms in other cases";
const FOR_EVER =
  "refused: data: retries messages that cannot be processed for so long that none reaches its dead-letter queue in time";
const LATER = "warning: data: gives up on messages later: its dead-letter queue alarms later";
const EMPTY = "refused: data: is empty: what it configured is no longer done";
const FEWER = "warning: data: has fewer entries: what they configured is no longer done";
const REDIRECTED = "refused: exposure: loads other code, or sends its requests elsewhere";
const NO_SOURCE = "reads or writes in another place";

describe("a change for the worse", () => {
  it.each<[what: string, change: SampleChange, found: readonly string[]]>([
    ["an alarm that never alarms", alarm(above(1), above(1_000_000)), [DEAF]],
    ["an alarm from below that never alarms", alarm(below(1), below(0)), [DEAF]],
    ["an alarm in the other direction", alarm(above(1), below(1)), [DEAF]],
    ["an alarm that is adjusted", alarm(above(2), above(5)), [OTHERWISE]],
    ["an alarm that is sooner", alarm(above(100), above(1)), [OTHERWISE]],
    ["an alarm after hours", alarm({ evaluation_periods: 1 }, { evaluation_periods: 60 }), [DEAF_LATER]],
    ["an alarm over a day", alarm({ period: 60 }, { period: 86_400 }), [DEAF_LATER]],
    [
      "an alarm that waits for data",
      alarm({ treat_missing_data: "breaching" }, { treat_missing_data: "ignore" }),
      [DEAF_WITHOUT_DATA],
    ],
    [
      "an alarm that is made without effect",
      create("aws_cloudwatch_metric_alarm.a", { actions_enabled: false }),
      ["refused: exposure: no longer notifies anybody"],
    ],
    [
      "an alarm that is made without a topic",
      create("aws_cloudwatch_metric_alarm.a", { alarm_name: "a", alarm_actions: [] }),
      ["refused: exposure: notifies no topic"],
    ],
    [
      "an alarm whose topic is made with it",
      { ...create("aws_cloudwatch_metric_alarm.a", { alarm_name: "a" }), after_unknown: { alarm_actions: true } },
      [],
    ],
    [
      "a layer more",
      ofFunction({ layers: ["a:1"] }, { layers: ["b:1", "a:1"] }),
      ["warning: exposure: loads the code of another layer"],
    ],
    [
      "a bucket that deletes nothing",
      { address: "aws_s3_bucket_lifecycle_configuration.b", actions: ["delete"], before: { bucket: "b" } },
      ["warning: exposure: no longer deletes anything: it keeps objects that would be deleted"],
    ],
    ["a thousand receives", ofQueue(queue(3), queue(1_000)), [FOR_EVER]],
    [
      "receives beyond a queue's retention",
      ofQueue(
        queue(3, { visibility_timeout_seconds: 3_600, message_retention_seconds: 86_400 }),
        queue(25, { visibility_timeout_seconds: 3_600, message_retention_seconds: 86_400 }),
      ),
      [FOR_EVER],
    ],
    ["a few more receives", ofQueue(queue(3), queue(5)), [LATER]],
    [
      "a queue that is late",
      ofQueue({ delay_seconds: 0 }, { delay_seconds: 900 }),
      ["warning: data: delivers its messages later"],
    ],
    [
      "a new queue that is not encrypted",
      create("aws_sqs_queue.q", { sqs_managed_sse_enabled: false }),
      ["refused: exposure: is not encrypted"],
    ],
    [
      "a queue with a key of its own",
      create("aws_sqs_queue.q", { sqs_managed_sse_enabled: false, kms_master_key_id: "k" }),
      [],
    ],
    [
      "another input",
      update("aws_cloudwatch_event_target.t", { input: '{"a":1}' }, { input: "{}" }),
      ["warning: data: receives another input"],
    ],
    [
      "a key that is deleted sooner",
      update("aws_kms_key.k", {}, { deletion_window_in_days: 7 }),
      ["warning: data: can be restored for fewer days after a deletion"],
    ],
    ["targets that are none", ofObject(content([{ name: "a" }]), content([])), [EMPTY]],
    ["settings that are none", ofObject(content({ slack: { a: 1 } }), content({})), [EMPTY]],
    ["a file without a byte", ofObject(content([{ name: "a" }]), { key: "targets.json", content: "" }), [EMPTY]],
    ["a target less", ofObject(content([{ name: "a" }, { name: "b" }]), content([{ name: "b" }])), [FEWER]],
    ["a setting less", ofObject(content({ a: { b: 1, c: 2 } }), content({ a: { b: 1 } })), [FEWER]],
    ["another target", ofObject(content([{ name: "a" }]), content([{ name: "b" }])), []],
    ["a first target", ofObject(content([]), content([{ name: "b" }])), []],
    ["a file that stays empty", ofObject(content([]), { key: "targets.json", content: "{}" }), []],
    [
      "a file of which nothing is known",
      { ...ofObject(content([{ a: 1 }]), { key: "targets.json" }), after_unknown: { content: true } },
      [],
    ],
    [
      "code before a function's own",
      ofFunction(variables({ A: "1" }), variables({ A: "1", NODE_OPTIONS: "--require /tmp/x" })),
      [REDIRECTED],
    ],
    [
      "another endpoint of AWS",
      create("aws_lambda_function.f", variables({ AWS_ENDPOINT_URL_S3: "https://s3.example" })),
      [REDIRECTED],
    ],
    [
      "a server that is trusted",
      create("aws_lambda_function.f", variables({ NODE_TLS_REJECT_UNAUTHORIZED: "0" })),
      [REDIRECTED],
    ],
    [
      "our own options of Node.js",
      create("aws_lambda_function.f", variables({ NODE_OPTIONS: "--enable-source-maps --max-semi-space-size=16" })),
      [],
    ],
    [
      "another table for the same code",
      ofFunction(variables({ STATE_TABLE: "a" }), variables({ STATE_TABLE: "b" })),
      [`warning: identity: has the same code with another resource: it ${NO_SOURCE}`],
    ],
    [
      "another table for other code",
      ofFunction(variables({ STATE_TABLE: "a" }), { ...variables({ STATE_TABLE: "b" }), source_code_hash: "i" }),
      [],
    ],
    [
      "another role",
      ofFunction({ role: "a" }, { role: "b" }),
      ["warning: exposure: has the permissions of another role"],
    ],
    [
      "code from another bucket",
      ofFunction({ s3_bucket: "a" }, { s3_bucket: "b" }),
      ["warning: exposure: has its code from another bucket"],
    ],
    [
      "a new function that never runs",
      create("aws_lambda_function.f", { reserved_concurrent_executions: 0 }),
      ["refused: data: is never run: it has no concurrency"],
    ],
    [
      "a new mapping that reads nothing",
      create("aws_lambda_event_source_mapping.m", { enabled: false }),
      ["refused: data: no longer reads its source: a stream's records expire after 24 hours"],
    ],
    [
      "a new bucket that lets everybody in",
      create("aws_s3_bucket_public_access_block.b", { block_public_acls: false, restrict_public_buckets: true }),
      ["refused: exposure: no longer refuses all public access"],
    ],
    [
      "a route to another server",
      update("aws_api_gateway_integration.i", { type: "AWS" }, { type: "HTTP_PROXY" }),
      ["refused: exposure: sends the requests of its callers to another server"],
    ],
    [
      "a lower limit of requests",
      update(
        "aws_api_gateway_method_settings.m",
        { settings: [{ throttling_rate_limit: 100 }] },
        { settings: [{ throttling_rate_limit: 1 }] },
      ),
      ["warning: data: refuses requests beyond a lower limit"],
    ],
    [
      "an API without its URL",
      update(
        "aws_api_gateway_rest_api.a",
        { disable_execute_api_endpoint: false },
        { disable_execute_api_endpoint: true },
      ),
      ["refused: identity: no longer answers at its URL"],
    ],
    [
      "notifications in the open",
      create("aws_sns_topic_subscription.s", { protocol: "http" }),
      ["refused: exposure: sends notifications over plain HTTP"],
    ],
    [
      "messages in another form",
      update("aws_sns_topic_subscription.s", { raw_message_delivery: false }, { raw_message_delivery: true }),
      ["warning: identity: receives messages in another form"],
    ],
  ])("%s", (_, change, found) => {
    expect(whatOf(change)).toEqual(found);
  });
});

const ofPolicy = (...Statement: readonly object[]) => JSON.stringify({ Statement });
const DEPUTIZED =
  "refused: exposure: lets a service of AWS do this for any account: no condition names its source (aws:SourceArn, aws:SourceAccount)";
const CANNOT_BE_JUDGED = "refused: exposure: gets a policy that is known after the apply only: it cannot be judged";

describe("a role", () => {
  const ADMINISTERING = "refused: exposure: is allowed to change permissions or code: it can allow itself more";
  const allowing = (Action: string) =>
    create("aws_iam_role_policy.p", {
      role: "r",
      policy: ofPolicy({ Effect: "Allow", Action, Resource: "arn:of:one" }),
    });

  it.each([
    "iam:PutRolePolicy",
    "iam:*",
    "iam:Attach*",
    "IAM:updateassumerolepolicy",
    "kms:Put*",
    "lambda:UpdateFunctionCode",
    "lambda:*",
  ])("is refused when it may administer what it is not allowed itself: %s", (action) => {
    expect(whatOf(allowing(action))).toEqual([ADMINISTERING]);
  });

  it.each([
    "s3:DeleteObject",
    "dynamodb:DeleteTable",
    "sqs:SendMessage",
    "lambda:InvokeFunction",
    "ssm:PutParameter",
    "s3:Get*",
  ])("is refused when it may do this with everything: %s", (action) => {
    const everything = ofPolicy({ Effect: "Allow", Action: action, Resource: "*" });
    expect(whatOf(create("aws_iam_role_policy.p", { role: "r", policy: everything }))).toEqual([
      "refused: exposure: is allowed this on everything",
    ]);
  });

  it("is refused when everybody at an identity provider may assume it", () => {
    const Federated = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com";
    const trusting = (Condition?: object) =>
      create("aws_iam_role.r", {
        name: "r",
        assume_role_policy: ofPolicy({
          Effect: "Allow",
          Principal: { Federated },
          Action: "sts:AssumeRoleWithWebIdentity",
          Condition,
        }),
      });
    const of = (key: string, value: string) => ({
      StringLike: { [`token.actions.githubusercontent.com:${key}`]: value },
    });
    const EVERYBODY = ["refused: exposure: can be used by everybody"];
    expect(whatOf(trusting())).toEqual(EVERYBODY);
    expect(whatOf(trusting(of("aud", "sts.amazonaws.com")))).toEqual(EVERYBODY);
    expect(whatOf(trusting(of("sub", "*")))).toEqual(EVERYBODY);
    expect(whatOf(trusting(of("sub", "repo:us/almanac:*")))).toEqual([]);
  });

  it("is refused when others may assume it, too", () => {
    const root = { AWS: "arn:aws:iam::111111111111:root" };
    const trusting = (...Principal: readonly object[]) => ({
      name: "r",
      assume_role_policy: ofPolicy(
        ...Principal.map((each) => ({ Effect: "Allow", Action: "sts:AssumeRole", Principal: each })),
      ),
    });
    const lambda = { Service: "lambda.amazonaws.com" };
    const [both, ec2] = [{ Service: ["lambda.amazonaws.com", "ec2.amazonaws.com"] }, { Service: "ec2.amazonaws.com" }];
    const ENTRUSTED = ["refused: exposure: can be assumed by others than before, who get its permissions"];
    const changed = (before: object, after: object) => whatOf(update("aws_iam_role.r", before, after));
    expect(changed(trusting(lambda), trusting(both))).toEqual(ENTRUSTED);
    expect(changed(trusting(lambda), trusting(lambda, root))).toEqual(ENTRUSTED);
    expect(changed(trusting(both), trusting(lambda, ec2))).toEqual([]);
    expect(whatOf(create("aws_iam_role.r", trusting(both)))).toEqual([]);
  });

  it.each(["iam:PassRole", "iam:GetRole", "kms:Decrypt", "lambda:InvokeFunction", "sqs:*"])(
    "is no finding when it may do no more than %s",
    (action) => {
      expect(whatOf(allowing(action))).toEqual([]);
    },
  );
});

describe("a service of AWS", () => {
  const Principal = { Service: "events.amazonaws.com" };
  const send = { Effect: "Allow", Action: "sqs:SendMessage", Resource: "q", Principal };
  const account = { Condition: { StringEquals: { "aws:SourceAccount": "111111111111" } } };
  const invoke = { function_name: "f", action: "lambda:InvokeFunction", principal: "s3.amazonaws.com" };
  const permission = (more: object) => create("aws_lambda_permission.p", { ...invoke, ...more });
  const encrypt = { ...send, Action: "kms:Decrypt" };

  it.each<[what: string, change: SampleChange]>([
    ["sends to a queue", create("aws_sqs_queue.q", { policy: ofPolicy(send) })],
    ["sends to a queue that has had no policy", ofQueue({ policy: "" }, { policy: ofPolicy(send) })],
    [
      "sends from any source",
      create("aws_sqs_queue.q", { policy: ofPolicy({ ...send, Condition: { ArnLike: { "aws:SourceArn": "*" } } }) }),
    ],
    ["uses a key", create("aws_kms_key.k", { policy: ofPolicy(encrypt) })],
    [
      "reads a bucket",
      create("aws_s3_bucket_policy.b", { bucket: "b", policy: ofPolicy({ ...send, Action: "s3:GetObject" }) }),
    ],
    ["invokes a function", permission({})],
    // A bucket's name is free to other accounts once it is deleted.
    ["invokes a function for a bucket of any account", permission({ source_arn: "arn:aws:s3:::files" })],
  ])("is refused when it %s without saying for whom", (_, change) => {
    expect(whatOf(change)).toEqual([DEPUTIZED]);
  });

  it.each<[what: string, change: SampleChange]>([
    ["sends for its own account", create("aws_sqs_queue.q", { policy: ofPolicy({ ...send, ...account }) })],
    [
      "uses a key for a group of logs",
      create("aws_kms_key.k", {
        policy: ofPolicy({
          ...encrypt,
          Condition: {
            ArnLike: { "kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:eu-central-1:111111111111:log-group:l" },
          },
        }),
      }),
    ],
    [
      "invokes a function for a bucket of an account",
      permission({ source_arn: "arn:aws:s3:::files", source_account: "111111111111" }),
    ],
    [
      "assumes a role",
      create("aws_iam_role.r", { name: "r", assume_role_policy: ofPolicy({ ...send, Action: "sts:AssumeRole" }) }),
    ],
    ["has been allowed it before", ofQueue({ policy: ofPolicy(send) }, { policy: ofPolicy({ ...send, Sid: "A" }) })],
  ])("is no finding when it %s", (_, change) => {
    expect(whatOf(change)).toEqual([]);
  });

  it("is refused when a permission no longer says for which account", () => {
    const was = { ...invoke, source_account: "111111111111" };
    const found = whatOf(update("aws_lambda_permission.p", was, invoke));
    expect(found).toContain("refused: exposure: allows this without a condition");
  });
});

describe("a policy that is known after the apply only", () => {
  it.each<[what: string, address: string, attribute: string, before: object | undefined]>([
    ["a new bucket's", "aws_s3_bucket_policy.b", "policy", undefined],
    ["a new role's", "aws_iam_role_policy.p", "policy", undefined],
    ["a new role's trust", "aws_iam_role.r", "assume_role_policy", undefined],
    [
      "a queue's that changes",
      "aws_sqs_queue.q",
      "policy",
      { policy: ofPolicy({ Effect: "Allow", Action: "a", Resource: "q" }) },
    ],
  ])("cannot be judged, and is refused: %s", (_, address, attribute, before) => {
    const actions = [before === undefined ? "create" : "update"];
    const change = {
      address,
      actions,
      before: before ? { ...before } : null,
      after: {},
      after_unknown: { [attribute]: true },
    };
    expect(whatOf(change)).toContain(CANNOT_BE_JUDGED);
  });

  it.each(["aws_sns_topic.t", "aws_api_gateway_rest_api.a", "aws_sqs_queue.q"])(
    "is none of ours where AWS gives %s one of its own",
    (address) => {
      expect(whatOf({ address, actions: ["create"], after: {}, after_unknown: { policy: true } })).toEqual([]);
    },
  );
});
