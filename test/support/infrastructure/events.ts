/** Queues, rules, topics, alarms. */
import { existsSync, readFileSync } from "node:fs";
import type { Resource } from "../../../modules/synthesized/resources";
import {
  arnOf,
  equals,
  FOR_PEOPLE,
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
  textAt,
  withoutSuffix,
  type Rules,
  type World,
} from "./rule";
import { tlsOnly } from "./storage";

const isDeadLetterQueue = (resource: Resource) => /(^|_)dlq$/.test(nameOf(resource));
/** Many messages of a pipeline mean that it is broken, not that a message is. */
const alarmsOf = (queue: Resource) =>
  nameOf(queue).endsWith("_ingest_queue_dlq")
    ? [`${nameOf(queue)}_depth`, `${nameOf(queue)}_high_depth`]
    : [`${nameOf(queue)}_depth`];

/** Schedules by function: what they are for says how often. */
const SCHEDULES: Readonly<Record<string, RegExp>> = {
  "heartbeats.check": /^rate\(\d+ minutes?\)$/,
  "timers.dispatch": /^rate\(1 minute\)$/,
  "workflows.sweep": /^rate\(5 minutes\)$/,
  "pipelines.send": /^rate\(1 minute\)$/,
  "exports.start_export": /^cron\([\d*/,?LW# -]+\)$/,
};

/** The rule's target. */
const targetOf = (world: World, rule: Resource) =>
  neighbours(world, rule, "aws_cloudwatch_event_target").find(
    ({ values }) => values["rule"] === reference(rule, "aws_cloudwatch_event_rule", nameOf(rule), "name"),
  );
const functionOf = (target: Resource | undefined) =>
  /aws_lambda_function\.(\w+)\.arn\}$/.exec(String(target?.values["arn"]))?.[1] ?? "";

/** `dispatch_schedule_target_0`, `dispatch_schedule_rule_0`: which function a target's name says. */
const namedFunction = (resource: Resource) => {
  const name = nameOf(resource);
  if (resource.module === "exports" && name.startsWith("schedule_")) return "start_export";
  if (/^executions_(ended|redriven)_target$/.test(name)) return "reconcile";
  return /^refund_(ended|redriven)_target$/.test(name)
    ? "refund_reconcile"
    : name.replace(/_schedule(_target(_\d+)?)$/, "");
};

export const EVENTS: Readonly<Record<string, Rules>> = {
  aws_sqs_queue: {
    "": must("what fails twice waits in a queue of its own; an alarm watches it", (_, resource, world) =>
      isDeadLetterQueue(resource)
        ? alarmsOf(resource).every(
            (name) => neighbour(world, resource, "aws_cloudwatch_metric_alarm", name) !== undefined,
          )
        : neighbour(world, resource, "aws_sqs_queue", `${nameOf(resource)}_dlq`) !== undefined,
    ),
    name: must(
      "begins with its feature's name",
      (value, resource, { prefix }) =>
        String(value).startsWith(`${prefix}-${resource.module}-`) &&
        String(value).endsWith("-dlq") === isDeadLetterQueue(resource),
    ),
    sqs_managed_sse_enabled: is(true, "encrypted at rest"),
    message_retention_seconds: equals("two weeks to notice and to retry", (resource) =>
      isDeadLetterQueue(resource) ? 1_209_600 : undefined,
    ),
    visibility_timeout_seconds: equals("six timeouts of its function: AWS's advice", (resource, world) =>
      isDeadLetterQueue(resource)
        ? undefined
        : 6 *
          Number(
            neighbour(world, resource, "aws_lambda_function", withoutSuffix(resource, "_queue"))?.values["timeout"],
          ),
    ),
    redrive_policy: must("a message that keeps failing is set aside", (value, resource) => {
      if (isDeadLetterQueue(resource)) return value === undefined;
      const policy = new Map<string, unknown>(Object.entries(parsed(value)));
      const receives = Number(policy.get("maxReceiveCount"));
      return (
        receives >= 3 &&
        receives <= 1_000 &&
        policy.get("deadLetterTargetArn") === reference(resource, "aws_sqs_queue", `${nameOf(resource)}_dlq`, "arn")
      );
    }),
    policy: must("TLS only; EventBridge may send to the dead-letter queue of rules", (value, resource, { prefix }) => {
      const arn = arnOf(resource, "sqs", textAt(resource, "name"));
      const events = {
        Sid: "Events",
        Effect: "Allow",
        Principal: { Service: "events.amazonaws.com" },
        Action: "sqs:SendMessage",
        Resource: arn,
        Condition: { ArnLike: { "aws:SourceArn": arnOf(resource, "events", `rule/${prefix}-${resource.module}-*`) } },
      };
      return sameStatements(value, [tlsOnly("sqs:*", arn), ...(nameOf(resource) === "dlq" ? [events] : [])]);
    }),
  },
  aws_cloudwatch_event_rule: {
    "": must("has a target", (_, resource, world) => targetOf(world, resource) !== undefined),
    description: FOR_PEOPLE,
    name: must(
      "is where it is in the module",
      (value, resource, world) =>
        value === physicalName(resource, world, nameOf(resource).replace(/_rule(_\d+)$/, "$1")),
    ),
    schedule_expression: must("as often as its function needs", (value, resource, world) => {
      if (resource.values["event_pattern"] !== undefined) return value === undefined;
      const name = functionOf(targetOf(world, resource));
      const lambda = neighbour(world, resource, "aws_lambda_function", name);
      const interval = /"INTERVAL_MINUTES":"?(\d+)/.exec(JSON.stringify(lambda?.values))?.[1];
      return (
        (SCHEDULES[`${resource.module}.${memberOf(resource, name)}`] ?? /^(rate|cron)\(.+\)$/).test(String(value)) &&
        (interval === undefined || String(value).startsWith(`rate(${interval} `))
      );
    }),
    event_pattern: must("what the function handles", (value, resource, world) => {
      if (resource.values["schedule_expression"] !== undefined) return value === undefined;
      const isRefund = nameOf(resource).startsWith("refund_");
      const isRedriven = nameOf(resource).endsWith("_redriven");
      const machine = neighbours(world, resource, "aws_sfn_state_machine").find(
        (each) => nameOf(each).startsWith("refund_") === isRefund,
      );
      return (
        machine !== undefined &&
        JSON.stringify(parsed(value)) ===
          JSON.stringify({
            detail: {
              ...(isRedriven && { redriveCount: [{ numeric: [">", 0] }] }),
              stateMachineArn: [reference(resource, "aws_sfn_state_machine", nameOf(machine), "arn")],
              status: isRedriven ? ["RUNNING", "SUCCEEDED"] : ["FAILED", "TIMED_OUT", "ABORTED"],
            },
            "detail-type": ["Step Functions Execution Status Change"],
            source: ["aws.states"],
          })
      );
    }),
  },
  aws_cloudwatch_event_target: {
    arn: refersTo("aws_lambda_function", "arn", "invokes its function", namedFunction),
    rule: refersTo("aws_cloudwatch_event_rule", "name", "is its rule's", (resource) =>
      nameOf(resource).replace(/_target(_\d+)?$/, (_, number: string | undefined) =>
        number === undefined ? "" : "_rule_0",
      ),
    ),
    target_id: equals("identified by its number", (resource) =>
      /_target_(\d+)$/.exec(nameOf(resource))?.[0].replace("_target_", "target-"),
    ),
    "dead_letter_config.arn": refersTo(
      "aws_sqs_queue",
      "arn",
      "what cannot be delivered waits to be retried",
      () => "dlq",
    ),
    "retry_policy.maximum_retry_attempts": is(185, "EventBridge's own; the provider sends an unset number as 0"),
    "retry_policy.maximum_event_age_in_seconds": must("a minute to a day", (value, resource, world) => {
      const config = neighbour(
        world,
        resource,
        "aws_lambda_function_event_invoke_config",
        `${namedFunction(resource)}_event_invoke_config`,
      );
      return (
        typeof value === "number" &&
        value >= 60 &&
        value <= 86_400 &&
        value === config?.values["maximum_event_age_in_seconds"]
      );
    }),
    "input_transformer.input_paths": equals("a shard gets its number with the event", (resource) =>
      isNumbered(resource) ? { id: "$.id", time: "$.time", source: "$.source", type: "$.detail-type" } : undefined,
    ),
    "input_transformer.input_template": must("a shard gets its number with the event", (value, resource) =>
      isNumbered(resource)
        ? ["<id>", "<time>", "<source>", "<type>"].every((each) => String(value).includes(each)) &&
          /\{.*\b\d+\b.*\}$/.test(String(value))
        : value === undefined,
    ),
    depends_on: equals("the first event is allowed", (resource) => [
      `aws_lambda_permission.${namedFunction(resource)}_rules`,
    ]),
  },
  aws_sns_topic: {
    name: equals("the environment's alarms", (_, { prefix }) => `${prefix}-alarms`),
    kms_master_key_id: is("${aws_kms_key.key.arn}", "encrypted with a key that CloudWatch may use"),
  },
  aws_sns_topic_policy: {
    arn: is("${aws_sns_topic.alarms.arn}", "is the topic's"),
    policy: must("CloudWatch publishes for this account only, over TLS", (value) =>
      sameStatements(value, [
        {
          Sid: "CloudWatchAlarms",
          Effect: "Allow",
          Principal: { Service: "cloudwatch.amazonaws.com" },
          Action: "sns:Publish",
          Resource: "${aws_sns_topic.alarms.arn}",
          Condition: { StringEquals: { "aws:SourceAccount": "${data.aws_caller_identity.alarms_account.account_id}" } },
        },
        tlsOnly("sns:Publish", "${aws_sns_topic.alarms.arn}"),
      ]),
    ),
  },
  aws_sns_topic_subscription: {
    endpoint: must("is an address", (value) => /^[^@\s]+@[^@\s]+\.[a-z]{2,}$/.test(String(value))),
    protocol: is("email", "people read it"),
    topic_arn: is("${aws_sns_topic.alarms.arn}", "is the topic's"),
  },
  aws_cloudwatch_dashboard: {
    dashboard_name: equals("the environment's", (_, { prefix }) => prefix),
    dashboard_body: must("has a row for each feature", (value, _, world) => {
      const features = new Set(world.resources.map(({ module }) => module).filter((module) => module !== ""));
      return "widgets" in parsed(value) && String(value).match(/"markdown"/g)?.length === features.size;
    }),
  },
  aws_cloudwatch_metric_alarm: {
    alarm_name: PHYSICAL_NAME,
    alarm_description: must(
      "says what happens, and where to read what to do",
      (value) =>
        hasRunbook(String(value)) &&
        /^[\s\S]+\n\nImpact: [\s\S]+\n\nRunbook: https:\/\/\S+\/docs\/operations\/[\w-]+\.md#[\w-]+$/.test(
          String(value),
        ),
      "a test of the documents holds that each alarm's section is about it",
    ),
    alarm_actions: is(["${aws_sns_topic.alarms.arn}"], "somebody is told when it starts"),
    ok_actions: is(["${aws_sns_topic.alarms.arn}"], "somebody is told when it ends"),
    ...Object.fromEntries(
      (
        [
          "namespace",
          "metric_name",
          "statistic",
          "comparison_operator",
          "evaluation_periods",
          "treat_missing_data",
        ] as const
      ).map((field) => [field, equals("as the metric requires", (resource) => expectedAlarm(resource)[field])]),
    ),
    period: equals(
      "as the metric requires",
      (resource, world) => expectedAlarm(resource).period ?? scheduled(world, resource),
    ),
    threshold: must("as the metric requires", (value, resource) => {
      const [least, most] = expectedAlarm(resource).thresholds;
      return typeof value === "number" && value >= least && value <= most;
    }),
    dimensions: must(
      "of its own function, queue, machine, API or feature",
      (value, resource, world) => JSON.stringify(value) === JSON.stringify(dimensionsOf(world, resource)),
    ),
  },
};

const headings = new Map<string, ReadonlySet<string>>();

/** As GitHub names them. */
const sectionsOf = (markdown: string) =>
  [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, "")
      .trim()
      .replaceAll(" ", "-"),
  );

/** The runbook's section is there. */
function hasRunbook(description: string): boolean {
  const [, file = "", section = ""] = /\/docs\/operations\/([\w-]+)\.md#([\w-]+)$/.exec(description) ?? [];
  let sections = headings.get(file);
  if (sections === undefined) {
    const path = `docs/operations/${file}.md`;
    sections = new Set(existsSync(path) ? sectionsOf(readFileSync(path, "utf8")) : []);
    headings.set(file, sections);
  }
  return sections.has(section);
}

const isNumbered = (resource: Resource) => /_target_\d+$/.test(nameOf(resource));

interface ExpectedAlarm {
  readonly namespace: string;
  readonly metric_name: string;
  readonly statistic: string;
  readonly comparison_operator: string;
  readonly evaluation_periods: number;
  readonly treat_missing_data: string;
  /** Undefined: three intervals of the schedule. */
  readonly period: number | undefined;
  readonly thresholds: readonly [number, number];
}

const ANY = {
  statistic: "Sum",
  comparison_operator: "GreaterThanThreshold",
  evaluation_periods: 1,
  treat_missing_data: "notBreaching",
  period: 300,
  thresholds: [0, 0],
} as const;
const NONE = {
  ...ANY,
  comparison_operator: "LessThanThreshold",
  treat_missing_data: "breaching",
  thresholds: [1, 1],
} as const;

/** What an alarm's name says about it. */
const BY_NAME: readonly (readonly [RegExp, ExpectedAlarm])[] = [
  [
    /_high_depth$/,
    {
      ...ANY,
      namespace: "AWS/SQS",
      metric_name: "ApproximateNumberOfMessagesVisible",
      statistic: "Maximum",
      period: 60,
      thresholds: [50, 1_000],
    },
  ],
  [
    /_depth$/,
    {
      ...ANY,
      namespace: "AWS/SQS",
      metric_name: "ApproximateNumberOfMessagesVisible",
      statistic: "Maximum",
      period: 60,
    },
  ],
  [
    /_oldest_message_age$/,
    {
      ...ANY,
      namespace: "AWS/SQS",
      metric_name: "ApproximateAgeOfOldestMessage",
      statistic: "Maximum",
      thresholds: [600, 3_600],
    },
  ],
  [
    /_iterator_age$/,
    {
      ...ANY,
      namespace: "AWS/Lambda",
      metric_name: "IteratorAge",
      statistic: "Maximum",
      thresholds: [600_000, 3_600_000],
    },
  ],
  [/_executions_failed$/, { ...ANY, namespace: "AWS/States", metric_name: "ExecutionsFailed" }],
  [/_executions_timed_out$/, { ...ANY, namespace: "AWS/States", metric_name: "ExecutionsTimedOut" }],
  [/_server_errors$/, { ...ANY, namespace: "AWS/ApiGateway", metric_name: "5XXError" }],
  [/_errors$/, { ...ANY, namespace: "AWS/Lambda", metric_name: "Errors" }],
  [/_no_invocations$/, { ...NONE, namespace: "AWS/Lambda", metric_name: "Invocations", period: undefined }],
  [/^late_/, { ...ANY, namespace: "Almanac", metric_name: "lateExports", statistic: "Maximum" }],
  [
    /^cursor_lag$/,
    { ...ANY, namespace: "Almanac", metric_name: "cursorLag", statistic: "Maximum", period: 60, evaluation_periods: 3 },
  ],
  [/^stuck_tasks$/, { ...ANY, namespace: "Almanac", metric_name: "stuckTasks", statistic: "Maximum" }],
];

function expectedAlarm(resource: Resource): ExpectedAlarm {
  const name = nameOf(resource);
  const camelCase = name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  return (
    BY_NAME.find(([pattern]) => pattern.test(name))?.[1] ?? { ...ANY, namespace: "Almanac", metric_name: camelCase }
  );
}

/** Three runs of the alarm's function may be missing. */
function scheduled(world: World, resource: Resource): number {
  const name = withoutSuffix(resource, "_no_invocations");
  const rule = neighbours(world, resource, "aws_cloudwatch_event_rule").find(
    (each) => functionOf(targetOf(world, each)) === name,
  );
  return 3 * 60 * Number(/rate\((\d+) minutes?\)/.exec(textAt(rule ?? resource, "schedule_expression"))?.[1]);
}

function dimensionsOf(world: World, resource: Resource): Readonly<Record<string, unknown>> {
  const { namespace } = expectedAlarm(resource);
  const owner = (type: string, attribute: string) =>
    reference(resource, type, nameOf(ownerOf(world, resource, type) ?? resource), attribute);
  switch (namespace) {
    case "AWS/SQS":
      return { QueueName: owner("aws_sqs_queue", "name") };
    case "AWS/Lambda":
      return { FunctionName: owner("aws_lambda_function", "function_name") };
    case "AWS/States":
      return { StateMachineArn: owner("aws_sfn_state_machine", "arn") };
    case "AWS/ApiGateway":
      return { ApiName: ownerOf(world, resource, "aws_api_gateway_rest_api")?.values["name"], Stage: "live" };
    default: {
      const { module } = resource;
      const exported = nameOf(resource).startsWith("late_")
        ? {
            export: nameOf(resource)
              .replace(/^late_/, "")
              .replaceAll("_", "-"),
          }
        : {};
      return { service: module, environment: world.prefix, ...exported };
    }
  }
}
