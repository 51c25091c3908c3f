/** Functions, their roles, and state machines. */
import { isDeepStrictEqual } from "node:util";
import type { Resource } from "../../../modules/synthesized/resources";
import {
  arnOf,
  equals,
  hasParts,
  is,
  memberOf,
  must,
  nameOf,
  neighbour,
  neighbours,
  ownerOf,
  parsed,
  PHYSICAL_NAME,
  physicalName,
  reference,
  refersTo,
  sameStatements,
  statementsOf,
  textAt,
  textsOf,
  valuesAt,
  within,
  withoutSuffix,
  type Rules,
  type World,
} from "./rule";

/** API Gateway ends a request after 29 s. */
const API_SECONDS = 29;
const isBehindApi = (world: World, resource: Resource) =>
  neighbours(world, resource, "aws_lambda_permission").some(
    ({ values }) =>
      values["principal"] === "apigateway.amazonaws.com" &&
      values["function_name"] === reference(resource, "aws_lambda_function", nameOf(resource), "function_name"),
  );

/** A function, or a state machine, that has a role of this name. */
const workerOf = (world: World, resource: Resource, name: string) =>
  neighbour(world, resource, "aws_lambda_function", name) ?? neighbour(world, resource, "aws_sfn_state_machine", name);

const variablesOf = (resource: Resource) => {
  const [variables] = valuesAt(resource.values, ["environment", "variables"]);
  return typeof variables === "object" && variables !== null ? Object.entries(variables) : [];
};

/** Variables that name something a function may use have a statement that allows it. */
const GRANTED =
  /(^|_)(TABLE|TABLE_NAMES|BUCKET|BUCKET_NAMES|QUEUE_URL|FUNCTION|STATE_MACHINE_ARN|EXECUTION_ARN_PREFIX|TOPIC|PARAMETERS?|SECRETS?|CALLBACKS)$/;
/** Part of another variable's permission. */
const NOT_GRANTED: ReadonlySet<string> = new Set(["EXPORTS_BUCKET"]);
const sidOf = (variable: string) =>
  variable
    .toLowerCase()
    .split("_")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");

/** The statements that a function's role needs, by Sid. */
function expectedSids(world: World, resource: Resource): readonly string[] {
  const name = nameOf(resource);
  const has = (type: string, suffix: string) => neighbour(world, resource, type, `${name}${suffix}`);
  const source = has("aws_lambda_event_source_mapping", "_event_source");
  const isStream = String(source?.values["event_source_arn"]).endsWith(".stream_arn}");
  return [
    ...variablesOf(resource).flatMap(([variable, value]) =>
      GRANTED.test(variable) && !NOT_GRANTED.has(variable) && value !== "" ? [sidOf(variable)] : [],
    ),
    ...(has("aws_lambda_function_event_invoke_config", "_event_invoke_config") === undefined
      ? []
      : ["DeadLetterQueue"]),
    ...(source === undefined ? [] : isStream ? ["Stream", "StreamFailures"] : ["Queue"]),
    "Logs",
    "Traces",
  ];
}

/** Encrypted with the environment's key. */
const KEYED: Readonly<Record<string, string>> = {
  NotificationTopic: "NotificationTopicKey",
  ArchiveBucket: "ArchiveBucketKey",
};

/** Resources of which IAM knows no parts. */
const EVERYWHERE: Readonly<Record<string, RegExp>> = {
  Traces: /^xray:/,
  Logs: /^logs:\w*(LogDelivery|LogDeliveries|ResourcePolicy|ResourcePolicies|LogGroups)$/,
};

function permitsWhatItUses(policy: unknown, resource: Resource, world: World): boolean {
  const worker = workerOf(world, resource, withoutSuffix(resource, "_policy"));
  if (worker === undefined) return false;
  const statements = statementsOf(policy);
  const bySid = new Map(statements.map((statement) => [String(statement["Sid"]), statement]));
  const sids = worker.type === "aws_lambda_function" ? expectedSids(world, worker) : ["Logs", "Traces"];
  const complete = sids.every((sid) => bySid.has(sid) && (KEYED[sid] === undefined || bySid.has(KEYED[sid])));
  const values = new Map(variablesOf(worker).map(([variable, value]) => [sidOf(variable), String(value)]));
  return (
    complete &&
    (worker.type !== "aws_lambda_function" || [...bySid.keys()].every((sid) => isKnown(sid, sids, values))) &&
    statements.length === bySid.size &&
    statements.every((statement) => isNarrow(statement, values)) &&
    "Version" in parsed(policy) &&
    (worker.type === "aws_lambda_function" || allowsTasks(worker, statements))
  );
}

/** A statement for a variable, for its key, or for what the function is. */
const isKnown = (sid: string, sids: readonly string[], values: ReadonlyMap<string, string>) =>
  sids.includes(sid) || Object.values(KEYED).includes(sid) || values.has(sid) || /Keys?$/.test(sid);

/** Exact actions of one service, on the resource that the variable names. */
function isNarrow(statement: Readonly<Record<string, unknown>>, values: ReadonlyMap<string, string>): boolean {
  const sid = String(statement["Sid"]);
  const actions = textsOf(statement["Action"]);
  const resources = textsOf(statement["Resource"]);
  const [used] = /aws_\w+\.\w+(?=\.)/.exec(values.get(sid) ?? "") ?? [];
  return (
    statement["Effect"] === "Allow" &&
    actions.length > 0 &&
    actions.every((action) => /^[a-z0-9-]+:[A-Za-z]+$/.test(action)) &&
    resources.length > 0 &&
    resources.every((each) => each !== "*" || actions.every((action) => EVERYWHERE[sid]?.test(action) === true)) &&
    (used === undefined || resources.some((each) => each.includes(`${used}.`))) &&
    isDeepStrictEqual(statement["Condition"], CONDITIONS[sid])
  );
}

/** Of a table of another feature, only its own items. */
const CONDITIONS: Readonly<Record<string, unknown>> = {
  HeartbeatsTable: { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["schedule/*"] } },
};

/** A machine's role invokes the functions of its tasks, and does what else its tasks do. */
function allowsTasks(machine: Resource, statements: readonly Readonly<Record<string, unknown>>[]): boolean {
  const text = String(machine.values["definition"]);
  const functions = [...text.matchAll(/aws_lambda_function\.(\w+)\./g)].map(
    ([, name]) => `aws_lambda_function.${name ?? ""}.arn`,
  );
  const actions = [...text.matchAll(/states:::(dynamodb|events|states):(\w)(\w+)/g)].map(
    ([, service = "", first = "", rest = ""]) => `${service}:${first.toUpperCase()}${rest}`,
  );
  // A distributed map is executions of its own.
  const map = text.includes('"Mode":"DISTRIBUTED"')
    ? ["Start", "Describe", "Redrive", "Stop"].map((each) => `states:${each}Execution`)
    : [];
  const allowed = JSON.stringify(statements);
  return [...functions, ...actions, ...map].every((each) => allowed.includes(each));
}

const assumedBy = (service: string) => [{ Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" }];

/** What asks for more memory than a quarter of a CPU, and why. */
const MEMORY = within(
  512,
  3_008,
  "a quarter of a CPU and more; more than two CPUs help nobody",
  "benchmarks, not rules, say how much a function needs",
);

export const COMPUTE: Readonly<Record<string, Rules>> = {
  aws_lambda_function: {
    "": must(
      "has a role with permissions, logs, and code",
      (_, resource, world) =>
        hasParts(world, resource, {
          aws_iam_role: "_role",
          aws_iam_role_policy: "_policy",
          aws_cloudwatch_log_group: "_log_group",
          aws_s3_object: "_code",
        }) &&
        isTriggered(world, resource) &&
        isWatched(world, resource),
    ),
    architectures: is(["arm64"], "20% cheaper"),
    function_name: PHYSICAL_NAME,
    handler: is("index.handler", "what bundles export"),
    memory_size: MEMORY,
    role: refersTo("aws_iam_role", "arn", "has a role of its own", (resource) => `${nameOf(resource)}_role`),
    runtime: is("nodejs22.x", "the newest that Lambda has"),
    s3_bucket: refersTo("aws_s3_object", "bucket", "has its own code", (resource) => `${nameOf(resource)}_code`),
    s3_key: refersTo("aws_s3_object", "key", "has its own code", (resource) => `${nameOf(resource)}_code`),
    source_code_hash: equals(
      "is deployed anew when its code changes",
      (resource, world) =>
        neighbour(world, resource, "aws_s3_object", `${nameOf(resource)}_code`)?.values["source_hash"],
    ),
    timeout: must(
      "long enough for its work, and API Gateway's patience behind an API",
      (value, resource, world) =>
        typeof value === "number" && value >= 10 && value <= (isBehindApi(world, resource) ? API_SECONDS : 900),
      "tests of the functions, not rules, say how long one takes",
    ),
    "environment.variables": must(
      "knows its environment, and prints stack traces of the source; the dispatcher collects garbage half as often",
      (_, resource, { prefix }) => {
        const variables = new Map(variablesOf(resource));
        const isDispatcher = resource.module === "timers" && nameOf(resource) === "dispatch";
        return (
          `${variables.get("ALMANAC_APP") ?? ""}-${variables.get("ALMANAC_ENVIRONMENT") ?? ""}` === prefix &&
          variables.get("NODE_OPTIONS") === `--enable-source-maps${isDispatcher ? " --max-semi-space-size=32" : ""}` &&
          variables.get("POWERTOOLS_SERVICE_NAME") === resource.module
        );
      },
    ),
    "logging_config.log_format": is("JSON", "logs are structured"),
    "logging_config.log_group": refersTo(
      "aws_cloudwatch_log_group",
      "name",
      "has a log group with retention",
      (resource) => `${nameOf(resource)}_log_group`,
    ),
    "tracing_config.mode": is("Active", "traces are there when they are needed"),
    depends_on: equals("the first invocation has its permissions", (resource) => [
      `aws_iam_role_policy.${nameOf(resource)}_policy`,
    ]),
  },
  aws_iam_role: {
    name: must("is its function's, or its machine's", (value, resource, world) => {
      const worker = workerOf(world, resource, withoutSuffix(resource, "_role"));
      return worker !== undefined && value === (worker.values["function_name"] ?? worker.values["name"]);
    }),
    assume_role_policy: must("assumed by its service only, and by its own machine", (value, resource, world) => {
      const name = withoutSuffix(resource, "_role");
      if (neighbour(world, resource, "aws_lambda_function", name) !== undefined)
        return sameStatements(value, assumedBy("lambda.amazonaws.com"));
      const machine = arnOf(resource, "states", `stateMachine:${physicalName(resource, world, name)}`);
      return sameStatements(value, [
        {
          Sid: "StepFunctions",
          ...assumedBy("states.amazonaws.com")[0],
          Condition: { ArnEquals: { "aws:SourceArn": machine } },
        },
      ]);
    }),
  },
  aws_iam_role_policy: {
    name: is("permissions", "one policy a role"),
    role: refersTo(
      "aws_iam_role",
      "id",
      "is its own role's",
      (resource) => `${withoutSuffix(resource, "_policy")}_role`,
    ),
    policy: must("allows what the variables name, and nothing else", permitsWhatItUses),
  },
  aws_lambda_function_event_invoke_config: {
    function_name: refersTo("aws_lambda_function", "function_name", "is its function's", (resource) =>
      withoutSuffix(resource, "_event_invoke_config"),
    ),
    maximum_retry_attempts: equals("twice, unless the next run is the retry", (resource) =>
      resource.module === "schedules" || // its keeper retries
      NEXT_RUN_RETRIES.has(`${resource.module}.${memberOf(resource, withoutSuffix(resource, "_event_invoke_config"))}`)
        ? 0
        : 2,
    ),
    maximum_event_age_in_seconds: must("an event is not older here than on its way here", (value, resource, world) => {
      const name = withoutSuffix(resource, "_event_invoke_config");
      const ages = neighbours(world, resource, "aws_cloudwatch_event_target")
        .filter(({ values }) => values["arn"] === reference(resource, "aws_lambda_function", name, "arn"))
        .map((target) => valuesAt(target.values, ["retry_policy", "maximum_event_age_in_seconds"])[0]);
      // Another function sends it: a page is soon built again, a task is wanted all day.
      return ages.length === 0
        ? value === (memberOf(resource, nameOf(resource)).startsWith("start_") ? 21_600 : 300)
        : ages.every((age) => age === value);
    }),
    "destination_config.on_failure.destination": refersTo(
      "aws_sqs_queue",
      "arn",
      "what fails waits to be retried",
      () => "dlq",
    ),
    depends_on: equals("Lambda checks the permission to send", (resource) => [
      `aws_iam_role_policy.${withoutSuffix(resource, "_event_invoke_config")}_policy`,
    ]),
  },
  aws_lambda_event_source_mapping: {
    batch_size: must("many messages an invocation, more than ten only within a window", (value, resource) =>
      isStream(resource)
        ? value === 100
        : value === (resource.values["maximum_batching_window_in_seconds"] === undefined ? 10 : 100),
    ),
    event_source_arn: must("is its own queue, or its pipeline's table", (value, resource, world) => {
      const name = withoutSuffix(resource, "_event_source");
      return isStream(resource)
        ? value === reference(resource, "aws_dynamodb_table", name.replace(/_notify$/, "_table"), "stream_arn")
        : value === reference(resource, "aws_sqs_queue", `${name}_queue`, "arn") &&
            neighbour(world, resource, "aws_sqs_queue", `${name}_queue`) !== undefined;
    }),
    function_name: refersTo("aws_lambda_function", "function_name", "is its function's", (resource) =>
      withoutSuffix(resource, "_event_source"),
    ),
    function_response_types: must(
      "one bad message fails alone",
      (value, resource) => isStream(resource) || JSON.stringify(value) === '["ReportBatchItemFailures"]',
    ),
    maximum_batching_window_in_seconds: equals("messages of a second in one write", (resource) =>
      nameOf(resource).endsWith("_ingest_event_source") ? 1 : undefined,
    ),
    bisect_batch_on_function_error: equals("one bad change does not stop the others", (resource) =>
      isStream(resource) ? true : undefined,
    ),
    maximum_retry_attempts: equals("a change is set aside after an hour", (resource) =>
      isStream(resource) ? 20 : undefined,
    ),
    starting_position: equals("no change is missed", (resource) => (isStream(resource) ? "TRIM_HORIZON" : undefined)),
    "destination_config.on_failure.destination_arn": must("what fails waits to be retried", (value, resource, world) =>
      isStream(resource)
        ? neighbours(world, resource, "aws_sqs_queue").some(
            (queue) =>
              nameOf(queue) === withoutSuffix(resource, "_notify_event_source") + "_ingest_queue_dlq" &&
              value === reference(resource, "aws_sqs_queue", nameOf(queue), "arn"),
          )
        : value === undefined,
    ),
    "scaling_config.maximum_concurrency": must(
      "Lambda's own limits",
      (value) => value === undefined || (typeof value === "number" && value >= 2 && value <= 1_000),
    ),
  },
  aws_lambda_permission: {
    action: is("lambda:InvokeFunction", "nothing else"),
    function_name: must("is its function's", (value, resource, world) =>
      neighbours(world, resource, "aws_lambda_function").some(
        (each) =>
          value === reference(resource, "aws_lambda_function", nameOf(each), "function_name") &&
          (nameOf(resource) === `${nameOf(each)}_rules` || permissionOf(resource, each)),
      ),
    ),
    principal: equals("by its trigger", (resource) =>
      nameOf(resource).endsWith("_rules") ? "events.amazonaws.com" : "apigateway.amazonaws.com",
    ),
    source_arn: must("the rules of its feature, or its API's stage, only", (value, resource, world) => {
      if (nameOf(resource).endsWith("_rules"))
        return (
          String(value).startsWith("arn:") &&
          String(value).endsWith(`.account_id}:rule/${world.prefix}-${resource.module}-*`)
        );
      const api = ownerOf(world, resource, "aws_api_gateway_rest_api");
      return (
        api !== undefined &&
        value === `${reference(resource, "aws_api_gateway_rest_api", nameOf(api), "execution_arn")}/live/*`
      );
    }),
    statement_id: must("one statement a trigger", (value, resource, world) =>
      nameOf(resource).endsWith("_rules")
        ? value === "rules"
        : value === ownerOf(world, resource, "aws_api_gateway_rest_api")?.values["name"],
    ),
  },
  aws_sfn_state_machine: {
    "": must(
      "has permissions, and alarms for failures and time limits",
      (_, resource, world) =>
        neighbour(world, resource, "aws_iam_role_policy", `${nameOf(resource)}_policy`) !== undefined &&
        ["failed", "timed_out"].every((end) => hasAlarm(world, resource, `${nameOf(resource)}_executions_${end}`)),
    ),
    name: PHYSICAL_NAME,
    role_arn: refersTo("aws_iam_role", "arn", "has a role of its own", (resource) => `${nameOf(resource)}_role`),
    type: is("STANDARD", "runs for longer than five minutes, and once"),
    "logging_configuration.level": is("ERROR", "a failure is in the log"),
    "logging_configuration.include_execution_data": is(false, "no payloads in logs"),
    "logging_configuration.log_destination": must(
      "has a log group with retention",
      (value, resource, world) =>
        neighbour(world, resource, "aws_cloudwatch_log_group", `${nameOf(resource)}_log_group`) !== undefined &&
        value === `${reference(resource, "aws_cloudwatch_log_group", `${nameOf(resource)}_log_group`, "arn")}:*`,
    ),
    "tracing_configuration.enabled": is(true, "traces are there when they are needed"),
    depends_on: equals("the first execution has its permissions", (resource) => [
      `aws_iam_role_policy.${nameOf(resource)}_policy`,
    ]),
    definition: must(
      "ends in time, and every task has a time limit and retries or a way out",
      (value, resource, world) =>
        isSound(parsed(value)) &&
        [...String(value).matchAll(/\$\{module\.(\w+)\.aws_lambda_function\.(\w+)\./g)].every(
          ([, module, name = ""]) =>
            module === resource.module && neighbour(world, resource, "aws_lambda_function", name) !== undefined,
        ),
    ),
  },
  terraform_data: {
    "input.time": is("${plantimestamp()}", "the time of the first deployment"),
    triggers_replace: must("is the pipeline's pointers, a change of which begins anew", (value, resource) =>
      withoutSuffix(resource, "_pointers_since") === ""
        ? value === undefined
        : textsOf(value).length === 2 && /^(\/|\$\{)/.test(textsOf(value)[0] ?? ""),
    ),
    "lifecycle.ignore_changes": is(["input"], "the time of the first deployment, not of each"),
  },
  aws_cloudwatch_log_group: {
    name: must("is where its writer writes", (value, resource, world) => {
      const name = withoutSuffix(resource, "_log_group");
      const lambda = neighbour(world, resource, "aws_lambda_function", name);
      const machine = neighbour(world, resource, "aws_sfn_state_machine", name);
      const api = neighbour(world, resource, "aws_api_gateway_rest_api", name);
      return [
        ...(lambda ? [`/aws/lambda/${textAt(lambda, "function_name")}`] : []),
        ...(machine ? [`/aws/vendedlogs/states/${textAt(machine, "name")}`] : []),
        ...(api ? [`/aws/apigateway/${textAt(api, "name")}`] : []),
      ].includes(String(value));
    }),
    retention_in_days: is(30, "last month's incidents can be read; logs cost"),
  },
};

const hasAlarm = (world: World, resource: Resource, name: string) =>
  neighbour(world, resource, "aws_cloudwatch_metric_alarm", name) !== undefined;

/** Errors of functions that nobody waits for have an alarm; a rate that stops has one; a stream that stands still has one. */
function isWatched(world: World, resource: Resource): boolean {
  const name = nameOf(resource);
  const isAsync = neighbour(world, resource, "aws_lambda_function_event_invoke_config", `${name}_event_invoke_config`);
  const target = neighbours(world, resource, "aws_cloudwatch_event_target").find(({ values }) =>
    String(values["arn"]).endsWith(`aws_lambda_function.${name}.arn}`),
  );
  const rule = neighbours(world, resource, "aws_cloudwatch_event_rule").find(
    (each) => target?.values["rule"] === reference(resource, "aws_cloudwatch_event_rule", nameOf(each), "name"),
  );
  const watched = [
    ...((isAsync === undefined && name !== "start_jobs") || isUsers(resource) ? [] : [`${name}_errors`]),
    ...(String(rule?.values["schedule_expression"]).startsWith("rate(") &&
    !MISSING_IS_SEEN.has(memberOf(resource, name))
      ? [`${name}_no_invocations`]
      : []),
    ...(name.endsWith("_notify") ? [`${name}_iterator_age`] : []),
    ...(/^(callback|\w+_ingest)$/.test(name) ? [`${name}_queue_oldest_message_age`] : []),
  ];
  return watched.every((alarm) => hasAlarm(world, resource, alarm));
}

/** `api_rest_api_permission` is of `api`, `refund_api_rest_api_permission` of `refund_api`. */
const permissionOf = (resource: Resource, lambda: Resource) =>
  nameOf(resource).endsWith(`_${memberOf(resource, nameOf(lambda))}_permission`) &&
  nameOf(resource).startsWith("refund_") === nameOf(lambda).startsWith("refund_");

/** Each run does what an earlier one has not done. */
const NEXT_RUN_RETRIES: ReadonlySet<string> = new Set([
  "timers.dispatch",
  "workflows.sweep",
  "pipelines.send",
  "exports.reconcile",
]);

/** A function of the user's own: its failed runs have an alarm, as all failed runs. */
const isUsers = (resource: Resource) => resource.module === "schedules" && nameOf(resource).startsWith("run_");

/** Another alarm tells when these do not run: of stuck tasks, of overdue notifications. */
const MISSING_IS_SEEN: ReadonlySet<string> = new Set(["sweep", "send"]);

const isStream = (resource: Resource) => nameOf(resource).endsWith("_notify_event_source");

/** Something invokes it. */
const isTriggered = (world: World, resource: Resource) => {
  const self = new RegExp(`aws_lambda_function\\.${nameOf(resource)}\\.`);
  return (
    nameOf(resource).endsWith("start") ||
    world.resources.some(
      (each) =>
        each.module === resource.module &&
        [
          "aws_lambda_permission",
          "aws_lambda_event_source_mapping",
          "aws_sfn_state_machine",
          "aws_iam_role_policy",
        ].includes(each.type) &&
        self.test(JSON.stringify(each.values)),
    )
  );
};

interface Machine {
  readonly StartAt?: unknown;
  readonly States?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly TimeoutSeconds?: unknown;
  readonly QueryLanguage?: unknown;
}

/** Its time limit, its language, and the states that are named exist; tasks have time limits, and retries or a Catch. */
function isSound(machine: Machine): boolean {
  const { StartAt: start, States: states, TimeoutSeconds: seconds, QueryLanguage: language } = machine;
  if (states === undefined || typeof seconds !== "number" || language !== "JSONata") return false;
  return areStatesSound({ StartAt: start, States: states });
}

function areStatesSound({ StartAt: start, States: states = {} }: Machine): boolean {
  const named = [
    start,
    ...Object.values(states).flatMap(({ Next: next, Default: other, Catch: caught, Choices: choices }) => [
      next,
      other,
      ...nextsOf(caught),
      ...nextsOf(choices),
    ]),
  ];
  return (
    named.every((name) => name === undefined || (typeof name === "string" && name in states)) &&
    typeof start === "string" &&
    Object.keys(states).every((name) => named.includes(name)) &&
    Object.values(states).every(isStateSound)
  );
}

/** Where rules of a Catch or a Choice lead. */
const nextsOf = (rules: unknown): readonly unknown[] =>
  Array.isArray(rules)
    ? rules.map((each: unknown) =>
        typeof each === "object" && each !== null && "Next" in each ? each.Next : undefined,
      )
    : [];

function isStateSound(state: Readonly<Record<string, unknown>>): boolean {
  const ends =
    state["End"] === true ||
    typeof state["Next"] === "string" ||
    ["Choice", "Fail", "Succeed"].includes(String(state["Type"]));
  if (!ends) return false;
  if (state["Type"] === "Map") return areStatesSound(state["ItemProcessor"] as Machine);
  if (state["Type"] !== "Task") return true;
  return (
    // A start is answered at once.
    (state["TimeoutSeconds"] !== undefined || String(state["Resource"]).endsWith("states:startExecution")) &&
    (state["Retry"] !== undefined || state["Catch"] !== undefined) &&
    typeof state["Resource"] === "string"
  );
}
