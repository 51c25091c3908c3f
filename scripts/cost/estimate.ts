/**
 * Estimates what an environment costs a month from its resources: idle, when only its schedules run, and for each kind of use.
 * See {@link ASSUMPTIONS}.
 */
import * as z from "zod";
import { DAY_SECONDS } from "../../functions/shared/time";
import { fieldsOf, parseJson } from "../shared/fields";
import type { Resource } from "../../modules/synthesized/resources";
import { METRICS_ON_USE } from "./metrics-on-use";
import { DAYS_A_MONTH, runsAMonth } from "./schedule";
import { highestPrice, freeOfCharge, listPrice, sum, times, usageOf, type Usage } from "./usage";

/** A scheduled run waits for other services; requests and messages are processed at once. */
const SCHEDULED_RUN_SECONDS = 1;
const USE_SECONDS = 0.1;
const HOURS_A_MONTH = DAYS_A_MONTH * 24;
const LOG_GB_A_RUN = 3e-6;
/** Lambda polls a queue with five connections, each every 20 seconds, also when it is empty. */
const IDLE_POLLS_A_MONTH = (5 * DAYS_A_MONTH * DAY_SECONDS) / 20;
/** Assumed for a state machine whose definition is not known yet. */
const STATES_OF_AN_UNKNOWN_MACHINE = 10;
/** A page as CloudFront compresses it. */
const VIEW_GB = 8e-6;
const MILLION = 1_000_000;

export const ASSUMPTIONS: readonly string[] = [
  `a month has ${DAYS_A_MONTH} days`,
  `a scheduled run takes ${SCHEDULED_RUN_SECONDS} s, a use ${USE_SECONDS} s; each writes 3 kB of log and one trace`,
  "each run makes every call that its role allows, once, at the smallest billed size",
  "Lambda polls each of its queues 15 times a minute",
  "in each hour in which its schedule runs, a feature sends the custom metrics of its alarms and its dashboard row, except those that only use causes",
  "no storage and no data transfer out of AWS",
];

/** One item of the bill. */
export interface Line {
  /** The feature; empty: the environment itself. */
  readonly module: string;
  readonly what: string;
  readonly usage: Usage;
  /** In dollars a month, at list price. */
  readonly listed: number;
}

/** One kind of use. */
export interface Use {
  readonly module: string;
  readonly what: string;
  /** Dollars at list price for each {@link unit}. */
  readonly price: number;
  /** `a million`, `a GB and month` */
  readonly unit: string;
}

export interface Estimate {
  readonly idle: readonly Line[];
  readonly uses: readonly Use[];
  /** Dollars a month, idle: at list price; covered by the account's free allowances; the rest. */
  readonly listed: number;
  readonly free: number;
  readonly total: number;
  /** The total in the most expensive region. */
  readonly most: number;
  /** Items without an estimate, each with the reason: the total does not include them. */
  readonly unknown: readonly string[];
}

export function estimate(resources: readonly Resource[]): Estimate {
  return new Estimation(resources).run();
}

/** Free, or counted with another resource. Any type that is neither here nor in PRICED is reported as unknown. */
const WITHOUT_PRICE =
  /^(terraform_data$|aws_(iam_|lambda_(permission|function_event_invoke_config|alias)|s3_(bucket_|object)|sns_topic_|sqs_queue_|kms_alias|api_gateway_|cloudwatch_(event_target|log_)|cloudfront_(origin_|response_|cache_|function)|dynamodb_table_item|ssm_parameter|sfn_alias|xray_|scheduler_schedule_group|resourcegroups_|s3control_|caller_|glue_|athena_workgroup))/;
const PRICED = new Set([
  "aws_cloudwatch_metric_alarm",
  "aws_cloudwatch_composite_alarm",
  "aws_cloudwatch_dashboard",
  "aws_cloudwatch_event_rule",
  "aws_scheduler_schedule",
  "aws_kms_key",
  "aws_lambda_function",
  "aws_lambda_event_source_mapping",
  "aws_sfn_state_machine",
  "aws_dynamodb_table",
  "aws_s3_bucket",
  "aws_sqs_queue",
  "aws_sns_topic",
  "aws_cloudfront_distribution",
]);

/** What AWS bills for one call. Other calls, such as ssm:GetParameter, are free. */
const CALLS: Readonly<Record<string, Usage>> = {
  "dynamodb:PutItem": usageOf({ "dynamodb.writeRequestUnit": 1 }),
  "dynamodb:UpdateItem": usageOf({ "dynamodb.writeRequestUnit": 1 }),
  "dynamodb:DeleteItem": usageOf({ "dynamodb.writeRequestUnit": 1 }),
  "dynamodb:BatchWriteItem": usageOf({ "dynamodb.writeRequestUnit": 1 }),
  "dynamodb:TransactWriteItems": usageOf({ "dynamodb.writeRequestUnit": 2 }),
  "dynamodb:GetItem": usageOf({ "dynamodb.readRequestUnit": 1 }),
  "dynamodb:BatchGetItem": usageOf({ "dynamodb.readRequestUnit": 1 }),
  "dynamodb:Query": usageOf({ "dynamodb.readRequestUnit": 1 }),
  "dynamodb:Scan": usageOf({ "dynamodb.readRequestUnit": 1 }),
  "s3:PutObject": usageOf({ "s3.write": 1 }),
  "s3:ListBucket": usageOf({ "s3.write": 1 }),
  "s3:GetObject": usageOf({ "s3.read": 1 }),
  "sqs:SendMessage": usageOf({ "sqs.request": 1 }),
  "sns:Publish": usageOf({ "sns.publish": 1 }),
  "kms:Decrypt": usageOf({ "kms.request": 1 }),
  "kms:GenerateDataKey": usageOf({ "kms.request": 1 }),
  "events:PutEvents": usageOf({ "eventBridge.customEvent": 1 }),
};

const listOf = <Item extends z.ZodType>(item: Item) => z.union([z.array(item), item.transform((one) => [one])]);
const policySchema = z.object({
  Statement: listOf(
    z.looseObject({
      Effect: z.string(),
      Action: listOf(z.string()).default([]),
      Resource: listOf(z.string()).default([]),
    }),
  ),
});
const dashboardSchema = z.object({
  widgets: z.array(
    z.looseObject({ properties: z.looseObject({ metrics: z.array(z.array(z.unknown())).default([]) }) }),
  ),
});
const statesSchema = z.looseObject({ States: z.record(z.string(), z.unknown()) });

type Statement = z.output<typeof policySchema>["Statement"][number];

class Estimation {
  readonly #unknown = new Set<string>();

  readonly #byType = new Map<string, Resource[]>();

  /** Of each policy: a role's are read once for each run of its function. */
  readonly #statements = new Map<Resource, readonly Statement[]>();

  /** By address, and by the names that ARNs end with. In the order of the resources. */
  readonly #byName = new Map<string, Resource[]>();

  /** Policies by role. */
  readonly #policiesOf: ReadonlyMap<Resource, readonly Resource[]>;

  /** Targets by rule. */
  readonly #targetsOf: ReadonlyMap<Resource, readonly Resource[]>;

  readonly #modules: readonly string[];

  constructor(private readonly resources: readonly Resource[]) {
    for (const resource of resources) {
      append(this.#byType, resource.type, resource);
      for (const name of namesOf(resource)) append(this.#byName, name, resource);
    }
    this.#modules = [...new Set(resources.map(({ module }) => module))];
    this.#policiesOf = this.#byReferred("aws_iam_role_policy", "role");
    this.#targetsOf = this.#byReferred("aws_cloudwatch_event_target", "rule");
  }

  /** Resources of a type by those that an attribute of theirs refers to. */
  #byReferred(type: string, attribute: string): ReadonlyMap<Resource, readonly Resource[]> {
    const found = new Map<Resource, Resource[]>();
    for (const resource of this.#ofType(type))
      for (const referred of this.#allReferred(resource.values[attribute])) append(found, referred, resource);
    return found;
  }

  run(): Estimate {
    for (const { type } of this.resources) {
      if (!PRICED.has(type) && !WITHOUT_PRICE.test(type)) this.#unknown.add(`${type}: no price known`);
    }
    const idle = this.#idle();
    const uses = this.#uses();
    const usage = sum(idle.map((line) => line.usage));
    const listed = listPrice(usage);
    const free = freeOfCharge(usage);
    return { idle, uses, listed, free, total: listed - free, most: highestPrice(usage), unknown: [...this.#unknown] };
  }

  #idle(): readonly Line[] {
    return [...this.#monthly(), ...this.#customMetrics("idle"), ...this.#schedules(), ...this.#polls()];
  }

  /** Resources with a monthly price. */
  #monthly(): readonly Line[] {
    const kinds = [
      ["aws_cloudwatch_metric_alarm", "alarm", "cloudWatch.alarmMonth"],
      ["aws_cloudwatch_composite_alarm", "composite alarm", "cloudWatch.compositeAlarmMonth"],
      ["aws_cloudwatch_dashboard", "dashboard", "cloudWatch.dashboardMonth"],
      ["aws_kms_key", "KMS key", "kms.keyMonth"],
    ] as const;
    return this.#modules.flatMap((module) =>
      kinds.flatMap(([type, name, meter]) => {
        const found = this.#ofType(type).filter((resource) => resource.module === module);
        const amount = found.reduce((count, resource) => count + metricsOfAlarm(resource), 0);
        return amount === 0 ? [] : [line(module, counted(amount, name), usageOf({ [meter]: amount }))];
      }),
    );
  }

  /** Custom metrics, which CloudWatch bills by the hour in which they are sent: by scheduled runs, or by use only. */
  #customMetrics(when: "idle" | "used"): readonly Line[] {
    const runs = new Map<string, number>();
    for (const { module, expression } of this.#scheduled()) {
      runs.set(module, (runs.get(module) ?? 0) + (runsAMonth(expression) ?? HOURS_A_MONTH));
    }
    const metrics = new Map<string, Set<string>>();
    for (const { namespace, name, dimensions, module } of this.#namedMetrics()) {
      const onUse = !runs.has(module) || METRICS_ON_USE.has(`${text(dimensions["service"])}/${name}`);
      if (onUse !== (when === "used")) continue;
      const named = metrics.get(module) ?? new Set();
      metrics.set(module, named.add(JSON.stringify([namespace, name, Object.entries(dimensions).sort()])));
    }
    return [...metrics].map(([module, { size }]) => {
      const hours = when === "used" ? HOURS_A_MONTH : Math.min(runs.get(module) ?? HOURS_A_MONTH, HOURS_A_MONTH);
      const what = `${counted(size, "custom metric")}${hours < HOURS_A_MONTH ? `, in ${whole(hours)} hours` : ""}`;
      return line(module, what, usageOf({ "cloudWatch.metricMonth": (size * hours) / HOURS_A_MONTH }));
    });
  }

  #schedules(): readonly Line[] {
    return this.#scheduled().flatMap(({ module, expression, targets, usage }) => {
      const runs = runsAMonth(expression);
      if (runs === undefined) {
        this.#unknown.add(`${module}: how often "${expression}" runs is not known`);
        return [];
      }
      return targets.map(({ what, run }) =>
        line(module, `${what}: ${whole(runs)} runs, ${expression}`, times(sum([run, usage]), runs)),
      );
    });
  }

  #polls(): readonly Line[] {
    return this.#ofType("aws_lambda_event_source_mapping").flatMap((mapping) => {
      const queue = this.#referred("aws_sqs_queue", mapping.values["event_source_arn"]);
      if (queue === undefined) return [];
      const usage = usageOf({ "sqs.request": IDLE_POLLS_A_MONTH });
      return [line(mapping.module, `${labelOf(queue)}: ${whole(IDLE_POLLS_A_MONTH)} polls`, usage)];
    });
  }

  #uses(): readonly Use[] {
    return [
      ...this.#requests(),
      ...this.#messages(),
      ...this.#executions(),
      ...this.#views(),
      ...this.#storage(),
      ...this.#customMetrics("used").map(({ module, what, listed }) => ({
        module,
        what: `${what}, in a month in which they are sent`,
        price: listed,
        unit: "all",
      })),
    ];
  }

  #requests(): readonly Use[] {
    const targets = new Map(
      this.#ofType("aws_api_gateway_integration").flatMap((integration) => {
        const target = this.#run(integration.values["uri"], USE_SECONDS) ?? this.#directCall(integration);
        return target === undefined ? [] : [[target.what, { ...target, module: integration.module }]];
      }),
    );
    return [...targets.values()].map(({ module, what, run }) =>
      perMillion(module, `requests to ${what}`, sum([run, usageOf({ "apiGateway.request": 1 })])),
    );
  }

  /** An API that calls another service directly, with its own role. */
  #directCall({ values }: Resource): Run | undefined {
    const role = this.#referred("aws_iam_role", values["credentials"]);
    return role && { what: labelOf(role), run: this.#callsOf(role, USE_SECONDS, new Set()) };
  }

  #messages(): readonly Use[] {
    return this.#ofType("aws_lambda_event_source_mapping").flatMap((mapping) => {
      const source = mapping.values["event_source_arn"];
      const target = this.#run(mapping.values["function_name"], USE_SECONDS);
      if (target === undefined) return [];
      const queue = this.#referred("aws_sqs_queue", source);
      if (queue === undefined) return [perMillion(mapping.module, `batches of changes for ${target.what}`, target.run)];
      // Send, receive, delete: at worst one message a batch.
      const usage = sum([target.run, usageOf({ "sqs.request": 3 })]);
      return [perMillion(mapping.module, `messages in ${labelOf(queue)} for ${target.what}`, usage)];
    });
  }

  #executions(): readonly Use[] {
    return this.#ofType("aws_sfn_state_machine").map((machine) => {
      const run = this.#runOfMachine(machine, USE_SECONDS, new Set());
      return perMillion(machine.module, `executions of ${labelOf(machine)}`, run);
    });
  }

  #views(): readonly Use[] {
    return this.#ofType("aws_cloudfront_distribution").map(({ module }) => {
      const usage = usageOf({ "cloudFront.request": 1, "cloudFront.transferredGb": VIEW_GB });
      return perMillion(module, "views through CloudFront, 8 kB each", usage);
    });
  }

  #storage(): readonly Use[] {
    const kinds = [
      ["aws_dynamodb_table", "kept in DynamoDB", "a GB and month", "dynamodb.storageGbMonth"],
      ["aws_s3_bucket", "kept in S3", "a GB and month", "s3.storageGbMonth"],
      ["aws_cloudwatch_log_group", "written to logs", "a GB", "cloudWatch.logIngestedGb"],
      ["aws_cloudwatch_log_group", "kept in logs", "a GB and month", "cloudWatch.logStoredGbMonth"],
    ] as const;
    const stored = kinds
      .filter(([type]) => this.#ofType(type).length > 0)
      .map(([, what, unit, meter]) => ({ module: "", what, unit, price: listPrice(usageOf({ [meter]: 1 })) }));
    const recoverable = this.#ofType("aws_dynamodb_table").some(({ values }) => {
      return block(values["point_in_time_recovery"])["enabled"] === true;
    });
    const price = listPrice(usageOf({ "dynamodb.pointInTimeRecoveryGbMonth": 1 }));
    return recoverable
      ? [...stored, { module: "", what: "restorable to any second", unit: "a GB and month", price }]
      : stored;
  }

  /** Targets of schedules and rules. */
  #scheduled(): readonly {
    readonly module: string;
    readonly expression: string;
    readonly targets: readonly Run[];
    readonly usage: Usage;
  }[] {
    const rules = this.#ofType("aws_cloudwatch_event_rule")
      .filter(({ values }) => text(values["schedule_expression"]) !== "" && values["state"] !== "DISABLED")
      .map((rule) => ({
        rule,
        arns: (this.#targetsOf.get(rule) ?? []).map(({ values }) => values["arn"]),
        usage: usageOf({}),
      }));
    const schedules = this.#ofType("aws_scheduler_schedule").map((rule) => ({
      rule,
      arns: [block(rule.values["target"])["arn"]],
      usage: usageOf({ "eventBridge.schedulerInvocation": 1 }),
    }));
    return [...rules, ...schedules].map(({ rule, arns, usage }) => ({
      module: rule.module,
      expression: text(rule.values["schedule_expression"]),
      targets: arns.map((arn) => this.#run(arn, SCHEDULED_RUN_SECONDS) ?? { what: "another target", run: usageOf({}) }),
      usage,
    }));
  }

  /** One invocation of the target of an ARN; undefined: not a resource of the environment. */
  #run(arn: unknown, seconds: number, running: ReadonlySet<string> = new Set()): Run | undefined {
    const lambda = this.#referred("aws_lambda_function", arn);
    if (lambda) return { what: labelOf(lambda), run: this.#runOfFunction(lambda, seconds, running) };
    const machine = this.#referred("aws_sfn_state_machine", arn);
    if (machine) return { what: labelOf(machine), run: this.#runOfMachine(machine, seconds, running) };
    const queue = this.#referred("aws_sqs_queue", arn);
    return queue && { what: labelOf(queue), run: usageOf({ "sqs.request": 1 }) };
  }

  #runOfFunction(lambda: Resource, seconds: number, running: ReadonlySet<string>): Usage {
    const { memory_size: memory = 128, role, tracing_config: tracing } = lambda.values;
    const own = usageOf({
      "lambda.request": 1,
      "lambda.gbSecond": (seconds * Number(memory)) / 1024,
      "cloudWatch.logIngestedGb": LOG_GB_A_RUN,
      "xray.trace": block(tracing)["mode"] === "Active" ? 1 : 0,
    });
    const owner = this.#referred("aws_iam_role", role);
    return owner ? sum([own, this.#callsOf(owner, seconds, new Set([...running, lambda.address]))]) : own;
  }

  #runOfMachine(machine: Resource, seconds: number, running: ReadonlySet<string>): Usage {
    const definition = parseJson(text(machine.values["definition"]));
    const states = countStates(definition);
    if (states === 0) {
      this.#unknown.add(`${machine.address}: its states are not known yet, assumed: ${STATES_OF_AN_UNKNOWN_MACHINE}`);
    }
    const own = usageOf({ "stepFunctions.stateTransition": states || STATES_OF_AN_UNKNOWN_MACHINE, "xray.trace": 1 });
    const owner = this.#referred("aws_iam_role", machine.values["role_arn"]);
    return owner ? sum([own, this.#callsOf(owner, seconds, new Set([...running, machine.address]))]) : own;
  }

  #statementsOf(resource: Resource): readonly Statement[] {
    const known = this.#statements.get(resource);
    if (known !== undefined) return known;
    const policy = policySchema.safeParse(parseJson(text(resource.values["policy"])));
    if (!policy.success) this.#unknown.add(`${resource.address}: its statements are not known yet`);
    const statements = policy.data?.Statement ?? [];
    this.#statements.set(resource, statements);
    return statements;
  }

  /** Every call that a role allows, once, with the runs that it starts; `running` prevents endless recursion. */
  #callsOf(role: Resource, seconds: number, running: ReadonlySet<string>): Usage {
    const statements = (this.#policiesOf.get(role) ?? []).flatMap((policy) => this.#statementsOf(policy));
    const calls = statements
      .filter(({ Effect }) => Effect === "Allow")
      .flatMap(({ Action, Resource }) => Action.map((action) => ({ action, targets: Resource })));
    return sum(
      calls.flatMap(({ action, targets }) => {
        if (action !== "lambda:InvokeFunction" && action !== "states:StartExecution")
          return [CALLS[action] ?? usageOf({})];
        return targets
          .filter((arn) => !this.#allReferred(arn).some(({ address }) => running.has(address)))
          .map((arn) => this.#run(arn, seconds, running)?.run ?? usageOf({}));
      }),
    );
  }

  /** Custom metrics of alarms and dashboards, by the feature in their dimension `service`. */
  #namedMetrics(): readonly NamedMetric[] {
    const ofAlarms = this.#ofType("aws_cloudwatch_metric_alarm").map(({ module, values }) => ({
      module,
      namespace: text(values["namespace"]),
      name: text(values["metric_name"]),
      dimensions: fieldsOf(values["dimensions"]),
    }));
    const ofDashboards = this.#ofType("aws_cloudwatch_dashboard").flatMap(({ module, address, values }) => {
      const body = dashboardSchema.safeParse(parseJson(text(values["dashboard_body"])));
      if (!body.success) this.#unknown.add(`${address}: which custom metrics it shows is not known yet`);
      const curves = body.data?.widgets.flatMap(({ properties }) => properties.metrics) ?? [];
      return curves.map((curve) => {
        const [namespace = "", name = "", ...pairs] = curve.filter((part) => typeof part === "string");
        const dimensions: Record<string, string> = {};
        for (let at = 0; at + 1 < pairs.length; at += 2) dimensions[pairs[at] ?? ""] = pairs[at + 1] ?? "";
        return { module, namespace, name, dimensions };
      });
    });
    const modules = new Set(this.#modules);
    return [...ofAlarms, ...ofDashboards]
      .filter(({ namespace }) => namespace !== "" && !namespace.startsWith("AWS/"))
      .map((metric) => {
        const service = text(metric.dimensions["service"]);
        return modules.has(service) ? { ...metric, module: service } : metric;
      });
  }

  #ofType(type: string): readonly Resource[] {
    return this.#byType.get(type) ?? [];
  }

  #referred(type: string, reference: unknown): Resource | undefined {
    return this.#allReferred(reference).find((resource) => resource.type === type);
  }

  /** Those whose address or name the reference has: an expression, ARN, name or id. */
  #allReferred(reference: unknown): readonly Resource[] {
    return [...new Set(namesIn(reference).flatMap((name) => this.#byName.get(name) ?? []))];
  }
}

interface Run {
  readonly what: string;
  readonly run: Usage;
}

interface NamedMetric {
  readonly module: string;
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, unknown>>;
}

const IDENTIFIERS = ["arn", "invoke_arn", "id", "name", "function_name"];

/** What a reference to the resource has: its address as `${address.`, or one of its identifiers. */
function namesOf({ address, values }: Resource): readonly string[] {
  const identifiers = IDENTIFIERS.map((key) => text(values[key])).filter((name) => name !== "");
  return [...new Set([expressionOf(address), ...identifiers])];
}

/** No identifier begins so. */
const expressionOf = (address: string) => `\${${address}`;

/** The names that a reference may have: `${address.attribute}`, or an identifier at its end, after `:` or `/`. */
function namesIn(reference: unknown): readonly string[] {
  if (typeof reference !== "string" || reference === "") return [];
  const addresses = [...reference.matchAll(/\$\{([^}]*)/g)].flatMap(([, expression = ""]) =>
    [...expression.matchAll(/\./g)].map(({ index }) => expressionOf(expression.slice(0, index))),
  );
  const ends = [...reference.matchAll(/[:/]/g)].map(({ index }) => reference.slice(index + 1));
  return [...addresses, reference, ...ends];
}

function append<Key>(lists: Map<Key, Resource[]>, key: Key, resource: Resource): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [resource]);
  else list.push(resource);
}

/** CloudWatch bills each metric of an alarm's expression as an alarm, and high-resolution alarms as three. */
function metricsOfAlarm({ type, values }: Resource): number {
  if (type !== "aws_cloudwatch_metric_alarm") return 1;
  const queries = Array.isArray(values["metric_query"]) ? values["metric_query"] : [];
  const metrics = queries.filter((query: unknown) => Object.keys(block(fieldsOf(query)["metric"])).length > 0).length;
  const period = Number(values["period"]);
  return Math.max(metrics, 1) * (period > 0 && period < 60 ? 3 : 1);
}

/** The states of a definition, those inside Map and Parallel included. */
function countStates(definition: unknown): number {
  if (Array.isArray(definition)) return definition.reduce<number>((count, each) => count + countStates(each), 0);
  if (typeof definition !== "object" || definition === null) return 0;
  const own = statesSchema.safeParse(definition);
  const nested = Object.values(definition).reduce<number>((count, each) => count + countStates(each), 0);
  return nested + (own.success ? Object.keys(own.data.States).length : 0);
}

/** The name that people know. */
function labelOf({ address, values }: Resource): string {
  const name = text(values["function_name"]) || text(values["name"]);
  return name === "" || name.includes("${") ? address : name;
}

function line(module: string, what: string, usage: Usage): Line {
  return { module, what, usage, listed: listPrice(usage) };
}

function perMillion(module: string, what: string, usage: Usage): Use {
  return { module, what, price: listPrice(times(usage, MILLION)), unit: "a million" };
}

const counted = (amount: number, name: string) => `${amount} ${name}${amount === 1 ? "" : "s"}`;
const whole = (amount: number) => Math.round(amount).toLocaleString("en-US");
const text = (value: unknown) => (typeof value === "string" ? value : "");

/** The fields of a block, which plans and states write as a list of one, stacks sometimes as an object. */
function block(value: unknown): Readonly<Record<string, unknown>> {
  return fieldsOf(Array.isArray(value) ? value[0] : value);
}
