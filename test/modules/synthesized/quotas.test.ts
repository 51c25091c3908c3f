import { App } from "cdktf";
import { Environment, type EnvironmentInput } from "../../../modules/environment";
import { LIMITS, SUM_LIMITS } from "../../../modules/synthesized/limits";
import { compareWithQuotas } from "../../../modules/synthesized/quotas";
import { stackSchema } from "../../../modules/synthesized/resources";
import { Feature } from "../../../modules/constructs/feature";
import { EVERYTHING } from "../../support/everything";
import fc from "../../support/fast-check";

const REGION = "us-gov-west-1"; // the longest partition

function modulesOf(input: Omit<EnvironmentInput, "region">, name: string) {
  const environment = new Environment(new App(), name, { region: REGION, ...input });
  environment.prepareStack();
  const features = environment.node.children.filter((child): child is Feature => child instanceof Feature);
  for (const feature of features) feature.prepareStack();
  const modules = features.map((each) => [each.feature, stackSchema.parse(each.toModule())] as const);
  return { root: stackSchema.parse(environment.toTerraform()), modules: Object.fromEntries(modules) };
}

/** What the check finds in an environment of this configuration. */
function faults(input: Omit<EnvironmentInput, "region">, name = "staging"): readonly string[] {
  const { root, modules } = modulesOf(input, name);
  return compareWithQuotas(root, modules, REGION).faults;
}

/** The same of resources that are written here. */
const faultsOf = (resource: object) => compareWithQuotas(stackSchema.parse({ resource }), {}, REGION).faults;

const names = (count: number, length = 0) =>
  Array.from({ length: count }, (_, index) => `t${index}`.padEnd(length, "x"));
const webhook = { key: "/id", webhook: { verify: "github", secret: "/almanac/github" } } as const;
const slack = { key: "/id", slack: `/almanac/${"s".repeat(100)}` } as const;
const checked = { key: "/id", schema: { type: "object" } } as const;
const minutely = { entry: "functions/examples/minute-report.ts", schedule: "rate(1 hour)" } as const;
const exportsOf = (count: number, length = 0) => ({
  exports: { tables: names(count, length).map((name) => ({ name, table: `table-${name}` })) },
});

const LONGEST_NAMES = {
  aws_cloudwatch_event_rule: 64,
  aws_cloudwatch_log_group: 512,
  aws_cloudwatch_metric_alarm: 255,
  aws_dynamodb_table: 255,
  aws_iam_role: 64,
  aws_lambda_function: 64,
  aws_s3_bucket: 63,
  aws_sfn_state_machine: 80,
  aws_sqs_queue: 80,
};

/** How many resources have each value of an argument. */
function countsBy(named: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {}, argument: string) {
  const counts = new Map<unknown, number>();
  for (const { [argument]: value } of Object.values(named)) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts.values()];
}

describe("the quotas of AWS", () => {
  it.each<[what: string, input: Omit<EnvironmentInput, "region">]>([
    ["one of everything", { ...EVERYTHING, heartbeats: { ...EVERYTHING.heartbeats, statusPage: {} } }],
    ["100 exports", exportsOf(100)],
    ["1,000 shards", { timers: { shards: 1_000 } }],
    [
      "50 pipelines",
      { pipelines: Object.fromEntries(names(50).map((name) => [name, { key: "/id", slack: "/almanac/slack" }])) },
    ],
    ["50 schedules", { schedules: Object.fromEntries(names(50, 24).map((name) => [name, minutely])) }],
  ])("leave room for %s", (_, input) => {
    expect(faults(input)).toEqual([]);
    // Athena takes no hyphens in the name of a database.
    expect(faults({ ...input, app: "al-manac" }, "productionab")).toEqual([]);
  });

  it.each<[what: string, input: Omit<EnvironmentInput, "region">, fault: string | RegExp]>([
    [
      "a rule whose name is too long",
      { app: "almanac-shop", ...exportsOf(1, 32) },
      /^the name of almanac-shop-staging-exports-schedule-t0x+ has 70 characters; EventBridge allows 64$/,
    ],
    [
      "permissions on more tables than a role's policies can hold",
      { exports: { jobs: { tables: names(60, 200) } } },
      /^almanac-staging-exports-read-segment needs \d+ characters in the policies of the role; IAM allows 10240$/,
    ],
    [
      "more variables than a function can have",
      { timers: { callbacks: { default: { environment: { TEXT: "x".repeat(4_000) } } } } },
      /^the environment variables of almanac-staging-timers-callback has \d+ bytes; Lambda allows 4096$/,
    ],
  ])("refuse %s", (_, input, fault) => {
    const found = faults(input);
    expect(found).toContainEqual(typeof fault === "string" ? fault : expect.stringMatching(fault));
  });

  it.each([
    ["A", "too short"],
    ["AWS_REGION", "Lambda's own"],
    ["AWS_LAMBDA_FUNCTION_NAME", "Lambda's own"],
    ["LAMBDA_TASK_ROOT", "Lambda's own"],
  ])("refuse the variable %s of a function: %s", (variable) => {
    const root = stackSchema.parse({
      resource: {
        aws_lambda_function: {
          ring: { function_name: "ring", environment: { variables: { [variable]: "x", LOG: "" } } },
        },
      },
    });
    expect(compareWithQuotas(root, {}, REGION).faults).toEqual([
      `the environment variables of ring has characters that Lambda does not allow: "${variable}"`,
    ]);
  });

  it.each([
    ["cn-north-1", "arn:aws:s3:::invoices/*", "arn:aws-cn"],
    ["us-gov-west-1", "arn:aws:s3:::invoices/*", "arn:aws-us-gov"],
    ["eu-central-1", "arn:aws-cn:s3:::invoices/*", "arn:aws"],
  ])("refuse in %s a permission on %s", (region, arn, partition) => {
    const permissions = [{ actions: ["s3:GetObject"], resources: [arn] }];
    const app = new App();
    new Environment(app, "staging", { region, schedules: { bill: { ...minutely, permissions } } });
    expect(() => {
      app.synth();
    }).toThrow(`has ${arn}; ARNs in ${region} begin with ${partition}`);
  });

  it("fail each synthesis, with the environment that is beyond them", () => {
    const synthesize = () => {
      const app = new App();
      new Environment(app, "staging", { region: "eu-central-1", exports: { jobs: { tables: names(60, 200) } } });
      app.synth();
    };
    for (let time = 0; time < 2; time += 1)
      expect(synthesize).toThrow(
        /\[staging\] almanac-staging-exports-\S+ needs \d+ characters in the policies of the role; IAM allows 10240/,
      );
  });

  it("warn where AWS raises them on request, and let the synthesis go on: an account may have more", () => {
    const warn = jest.spyOn(console, "warn").mockReturnValue();
    const tables = names(301).map((name) => ({ name, table: "orders" }));
    const validate = () =>
      new Environment(new App(), "staging", { region: "eu-central-1", exports: { tables } }).node.validate();
    expect([validate(), validate()]).toEqual([[], []]);
    const warning =
      "Warning: staging: the environment needs 303 rules; EventBridge allows 300 by default. Have the account's quota raised, if it has not been.";
    // In each synthesis.
    expect(warn.mock.calls).toEqual([[warning], [warning]]);
    warn.mockRestore();
  });

  it("measure a function's variables as Lambda does: as JSON, in bytes", () => {
    const variables = (count: number, text: string) => ({
      aws_lambda_function: {
        ring: {
          function_name: "ring",
          environment: {
            variables: Object.fromEntries(names(count).map((name) => [`VARIABLE_${name}`, text])),
          },
        },
      },
    });
    // 100 names of 11 or 12 characters: 4,090 bytes of names and values, and 600 of quotes, colons and commas.
    expect(faultsOf(variables(100, "x".repeat(29)))).toEqual([
      expect.stringMatching(/^the environment variables of ring has 4\d\d\d bytes; Lambda allows 4096$/),
    ]);
    expect(faultsOf(variables(100, "x".repeat(22)))).toEqual([]);
    expect(faultsOf(variables(1, "é".repeat(2_100)))).toHaveLength(1);
  });

  it("count the metrics of all graphs of a dashboard", () => {
    const dashboard = (graphs: number) => ({
      aws_cloudwatch_dashboard: {
        board: {
          dashboard_name: "board",
          dashboard_body: JSON.stringify({
            widgets: names(graphs).map((title) => ({
              type: "metric",
              properties: { title, metrics: names(5).map((label) => ["AWS/SQS", "Age", { label, stat: "Sum" }]) },
            })),
          }),
        },
      },
    });
    expect(faultsOf(dashboard(500))).toEqual([]);
    expect(faultsOf(dashboard(501))).toContain(
      "board needs 2505 metrics in all graphs of the dashboard; CloudWatch allows 2500",
    );
  });

  it("measure a machine as Step Functions receives it: JSON within JSON", () => {
    const machine = (definition: string) => ({ aws_sfn_state_machine: { m: { name: "machine", definition } } });
    const text = (length: number) => JSON.stringify({ Comment: "x".repeat(length) });
    expect(faultsOf(machine(text(1_000_000)))).toEqual([]);
    expect(faultsOf(machine(text(1_045_000)))).toEqual([expect.stringContaining("Step Functions allows") as string]);
    // Less than a megabyte, but for the backslashes.
    expect(faultsOf(machine(JSON.stringify(names(100_000))))).toEqual([
      expect.stringMatching(/^machine needs 1\d{6} bytes in the request that creates the machine/) as string,
    ]);
  });

  it("count the resources of each API for itself, and name the API that has too many", () => {
    const api = (feature: string, count: number) => {
      const rest_api_id = "${aws_api_gateway_rest_api.api.id}";
      const resources = names(count).map(
        (part) => [part, { rest_api_id, path_part: part, parent_id: "root" }] as const,
      );
      return stackSchema.parse({
        resource: {
          aws_api_gateway_rest_api: { api: { name: `shop-${feature}` } },
          aws_api_gateway_resource: Object.fromEntries(resources),
        },
      });
    };
    const root = stackSchema.parse({
      module: { timers: { source: "./timers" }, pipelines: { source: "./pipelines" } },
    });
    const found = (count: number) =>
      compareWithQuotas(root, { timers: api("timers", 200), pipelines: api("pipelines", count) }, REGION).warnings;
    expect(found(300)).toEqual([]);
    expect(found(301)).toEqual(["shop-pipelines needs 301 resources of an API; API Gateway allows 300"]);
  });

  it.each<[what: string, resource: object, fault: string]>([
    [
      "more actions of a statement",
      { aws_sqs_queue: { q: { name: "q", policy: JSON.stringify({ Statement: [{ Action: names(8) }] }) } } },
      "the policy Statement Action of q has 8 items; SQS allows 7",
    ],
    [
      "more senders of a statement",
      {
        aws_sqs_queue: {
          q: { name: "q", policy: JSON.stringify({ Statement: { Principal: { AWS: names(51) }, Action: "sqs:*" } }) },
        },
      },
      "the policy Statement Principal of q has 51 items; SQS allows 50",
    ],
    [
      "more types of binary bodies",
      { aws_api_gateway_rest_api: { a: { name: "a", binary_media_types: names(26) } } },
      "the binary media types of a has 26 items; API Gateway allows 25",
    ],
    [
      "other characters of a path",
      { aws_api_gateway_resource: { r: { path_part: "a b", rest_api_id: "a" } } },
      'the path part of aws_api_gateway_resource.r has characters that API Gateway does not allow: "a b"',
    ],
    ...["rate(1 minutes)", "rate(5 minute)", "rate(0 days)", "cron(0 17 * *)", "at noon"].map(
      (schedule): [string, object, string] => [
        `the schedule ${schedule}`,
        { aws_cloudwatch_event_rule: { r: { name: "r", schedule_expression: schedule } } },
        `the schedule expression of r has characters that EventBridge does not allow: "${schedule}"`,
      ],
    ),
    [
      "more seconds of a route",
      { aws_api_gateway_integration: { i: { timeout_milliseconds: 30_000 } } },
      "the timeout milliseconds of aws_api_gateway_integration.i is 30000; API Gateway allows 29000",
    ],
    [
      "a longer label of a domain",
      { aws_cloudfront_distribution: { c: { aliases: [`${"a".repeat(64)}.example.org`] } } },
      `the aliases of aws_cloudfront_distribution.c has characters that CloudFront does not allow: "${"a".repeat(64)}.example.org"`,
    ],
    [
      "a longer domain",
      { aws_cloudfront_distribution: { c: { aliases: [`${"a.".repeat(130)}org`] } } },
      "the aliases of aws_cloudfront_distribution.c has 263 characters; CloudFront allows 253",
    ],
    [
      "an alias of AWS's own",
      { aws_kms_alias: { k: { name: "alias/aws/sqs" } } },
      'the name of alias/aws/sqs has characters that KMS does not allow: "alias/aws/sqs"',
    ],
    [
      "more attributes in indexes",
      {
        aws_dynamodb_table: {
          t: {
            name: "tab",
            global_secondary_index: [
              { name: "one", non_key_attributes: names(60) },
              { name: "two", non_key_attributes: names(41) },
            ],
          },
        },
      },
      "tab needs 101 attributes in the projections of all indexes of the table; DynamoDB allows 100",
    ],
  ])("refuse what AWS does: %s", (_, resource, fault) => {
    expect(faultsOf(resource)).toEqual([fault]);
  });

  it("have room for a path's parameters, for schedules, and for one action without brackets", () => {
    const parts = ["orders", "{id}", "{path+}", "a.b:c-d_e"].map((path_part, index) => [
      `r${index}`,
      { path_part, rest_api_id: "a" },
    ]);
    const policy = JSON.stringify({ Statement: { Action: "sqs:SendMessage", Principal: { Service: "events" } } });
    const schedules = ["rate(1 minute)", "rate(10 minutes)", "cron(0/5 17 ? JAN-MAR,5 MON#1 *)"].map(
      (schedule, index) => [`r${index}`, { name: `r${index}`, schedule_expression: schedule }],
    );
    const resource = {
      aws_cloudwatch_event_rule: Object.fromEntries(schedules) as object,
      aws_api_gateway_resource: Object.fromEntries(parts) as object,
      aws_sqs_queue: { q: { name: "q", policy } },
    };
    expect(faultsOf(resource)).toEqual([]);
  });

  it("each have a source", () => {
    for (const { source } of [...LIMITS, ...SUM_LIMITS]) expect(source).toMatch(/^https:|^botocore service model, /);
  });

  /** An independent look at what has failed deployments before. */
  it("let nothing pass that AWS refuses, whatever the configuration", () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9]{0,31}$/);
    const input = fc.record({
      app: fc.constantFrom("a", "abcdefghijkl"),
      exports: fc.record({
        tables: fc.uniqueArray(fc.record({ name, table: fc.stringMatching(/^[A-Za-z][\w.-]{2,254}$/) }), {
          maxLength: 20,
          selector: (table) => table.name,
        }),
      }),
      timers: fc.record({
        shards: fc.constantFrom(1, 400, 1_000),
        callbacks: fc
          .dictionary(fc.stringMatching(/^[a-z][a-z0-9]{0,15}$/), fc.constant({ maxConcurrency: 1_000 }), {
            maxKeys: 8,
          })
          .map((callbacks) => ({ ...callbacks, default: {} })),
      }),
      workflows: fc.dictionary(
        fc
          .stringMatching(/^[a-z]{6,12}$/)
          .filter((each) => !["account", "partition", "provider", "reconcile", "region", "results"].includes(each)),
        fc.constant({}),
        { minKeys: 1, maxKeys: 2 },
      ),
      schedules: fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9]{0,23}$/), fc.constant(minutely), {
        minKeys: 1,
        maxKeys: 5,
      }),
      pipelines: fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9]{0,19}$/), fc.constantFrom(webhook, slack, checked), {
        minKeys: 1,
        maxKeys: 5,
      }),
    });
    fc.assert(
      fc.property(input, (config) => {
        const { root, modules } = modulesOf(config, "abcdefghijkl");
        const found = compareWithQuotas(root, modules, REGION).faults;
        if (found.length > 0) return;
        for (const { resource } of Object.values(modules)) {
          const written = (text: unknown) =>
            String(text)
              .replaceAll("${var.app}", config.app)
              .replaceAll("${var.environment}", "abcdefghijkl")
              .replaceAll(/\$\{[^}]*account_id\}/g, "123456789012")
              .replaceAll(/\$\{data[^}]*\}/g, "us-gov-west-1");
          for (const [type, most] of Object.entries(LONGEST_NAMES))
            for (const { name, function_name, alarm_name, bucket } of Object.values(resource[type] ?? {}))
              expect(written(function_name ?? alarm_name ?? bucket ?? name).length).toBeLessThanOrEqual(most);
          for (const { assume_role_policy: trust } of Object.values(resource["aws_iam_role"] ?? {}))
            expect(written(trust).length).toBeLessThanOrEqual(2_048);
          for (const { environment } of Object.values(resource["aws_lambda_function"] ?? {}))
            expect(written(JSON.stringify(environment ?? "")).length).toBeLessThanOrEqual(4_300);
          for (const count of countsBy(resource["aws_cloudwatch_event_target"], "rule"))
            expect(count).toBeLessThanOrEqual(5);
          for (const count of countsBy(resource["aws_lambda_event_source_mapping"], "event_source_arn"))
            expect(count).toBeLessThanOrEqual(5);
          for (const count of countsBy(resource["aws_api_gateway_resource"], "rest_api_id"))
            expect(count).toBeLessThanOrEqual(300);
          for (const { policy } of Object.values(resource["aws_sqs_queue"] ?? {})) {
            expect(written(policy).length).toBeLessThanOrEqual(8_192);
            expect(String(policy).match(/"Sid"/g)?.length ?? 0).toBeLessThanOrEqual(20);
          }
          for (const { policy } of Object.values(resource["aws_iam_role_policy"] ?? {}))
            expect(written(policy).length).toBeLessThanOrEqual(10_240);
        }
      }),
      { numRuns: 12 },
    );
  });
});
