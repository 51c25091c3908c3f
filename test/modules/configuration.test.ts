import { App } from "cdktf";
import { ConfigurationError } from "../../modules/constructs/config";
import { Environment, type EnvironmentInput } from "../../modules/environment";

const target = { name: "site", url: "https://example.org/" };

/** The problems that synth reports. Takes `unknown`, because users of JavaScript have no compiler. */
function problems(input: unknown, name = "staging"): readonly string[] {
  try {
    new Environment(new App(), name, input as EnvironmentInput);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

describe("a configuration error", () => {
  it.each<[what: string, input: unknown, problem: string]>([
    ["a missing region", {}, "staging.region: is missing"],
    [
      "a malformed region",
      { region: "Frankfurt" },
      'staging.region: "Frankfurt" is not an AWS region such as "eu-central-1"',
    ],
    [
      "a region without these services",
      { region: "us-iso-east-1" },
      'staging.region: "us-iso-east-1" is not an AWS region such as "eu-central-1"',
    ],
    [
      "CloudFront where there is none",
      { region: "us-gov-west-1", heartbeats: { targets: [], statusPage: { cdn: true } } },
      "staging.heartbeats.statusPage.cdn: true is not possible in us-gov-west-1: it has no CloudFront",
    ],
    [
      "one mailbox twice",
      { region: "eu-central-1", alarmEmails: ["ops@example.org", "Ops@Example.org"] },
      'staging.alarmEmails[1]: "Ops@Example.org" is in the list twice',
    ],
    [
      "a malformed schedule",
      { region: "eu-central-1", heartbeats: { schedule: "every 5 minutes", targets: [] } },
      'staging.heartbeats.schedule: "every 5 minutes" is neither "rate(...)" nor "cron(...)"',
    ],
    [
      "a schedule in bad English",
      { region: "eu-central-1", heartbeats: { schedule: "rate(1 minutes)", targets: [] } },
      'staging.heartbeats.schedule: "rate(1 minutes)" needs "1 minute", as EventBridge requires',
    ],
    [
      "a schedule without an interval",
      { region: "eu-central-1", heartbeats: { schedule: "cron(0 17 * * ? *)", targets: [] } },
      'staging.heartbeats.schedule: "cron(0 17 * * ? *)" is not a rate of 480 minutes or less',
    ],
    [
      "a name used twice",
      { region: "eu-central-1", heartbeats: { targets: [target, target] } },
      'staging.heartbeats.targets[1].name: "site" is used twice',
    ],
    [
      "a target that is no URL",
      { region: "eu-central-1", heartbeats: { targets: [{ name: "site", url: "example.org" }] } },
      'staging.heartbeats.targets[0].url: "example.org" is not an http(s) URL',
    ],
    [
      "credentials in a URL",
      { region: "eu-central-1", heartbeats: { targets: [{ name: "site", url: "https://me:secret@example.org/" }] } },
      'staging.heartbeats.targets[0].url: has a credential, which would be in Terraform\'s state: send it as a header, { ssm: "/parameter/name" }',
    ],
    [
      "a credential in a header",
      {
        region: "eu-central-1",
        heartbeats: { targets: [{ ...target, headers: { Authorization: "Bearer secret" } }] },
      },
      'staging.heartbeats.targets[0].headers.Authorization: is a credential, which would be in Terraform\'s state: use { ssm: "/parameter/name" }',
    ],
    [
      "a credential by its header's name",
      {
        region: "eu-central-1",
        heartbeats: { targets: [{ ...target, headers: { "X-Vault-Token": "s.abc" } }] },
      },
      'staging.heartbeats.targets[0].headers.X-Vault-Token: is a credential, which would be in Terraform\'s state: use { ssm: "/parameter/name" }',
    ],
    [
      "a credential in a query",
      { region: "eu-central-1", heartbeats: { targets: [{ ...target, url: "https://example.org/?api_key=hunter2" }] } },
      'staging.heartbeats.targets[0].url: has a credential, which would be in Terraform\'s state: send it as a header, { ssm: "/parameter/name" }',
    ],
    [
      "a credential in a body",
      { region: "eu-central-1", heartbeats: { targets: [{ ...target, body: '{"password":"hunter2"}' }] } },
      'staging.heartbeats.targets[0].body: has a credential, which would be in Terraform\'s state: send it as a header, { ssm: "/parameter/name" }',
    ],
    [
      "a credential in what a body contains",
      { region: "eu-central-1", heartbeats: { targets: [{ ...target, bodyContains: "token=s.abc" }] } },
      "staging.heartbeats.targets[0].bodyContains: is a secret, which would be in Terraform's state: store it as an SSM parameter (SecureString), and give the parameter's name",
    ],
    [
      "a secret in a schedule's input",
      {
        region: "eu-central-1",
        schedules: {
          nightly: {
            entry: "functions/examples/minute-report.ts",
            schedule: "rate(1 day)",
            input: { pgpassword: 1234 },
          },
        },
      },
      "staging.schedules.nightly.input.pgpassword: is a secret, which would be in Terraform's state: store it as an SSM parameter (SecureString), and give the parameter's name",
    ],
    [
      "a secret in a function's variable",
      {
        region: "eu-central-1",
        timers: { callbacks: { default: { environment: { STRIPE_KEY: "sk_live_0123456789" } } } },
      },
      "staging.timers.callbacks.default.environment.STRIPE_KEY: is a secret, which would be in Terraform's state: store it as an SSM parameter (SecureString), and give the parameter's name",
    ],
    [
      "a callback that is no file",
      { region: "eu-central-1", timers: { callbacks: { default: { entry: "functions/nowhere.ts" } } } },
      'staging.timers.callbacks.default.entry: "functions/nowhere.ts" is not a file',
    ],
    [
      "work without handler",
      { region: "eu-central-1", workflows: { task: { work: { entry: "functions/shared/time.ts" } } } },
      'staging.workflows.task.work.entry: "functions/shared/time.ts" does not export a handler: export const handler = ...',
    ],
    [
      "a status that is none",
      { region: "eu-central-1", heartbeats: { targets: [{ ...target, expectedStatus: ["2xx"] }] } },
      'staging.heartbeats.targets[0].expectedStatus[0]: "2xx" is neither a status nor a range such as "200-299"',
    ],
    [
      "a number out of bounds",
      { region: "eu-central-1", heartbeats: { targets: [{ ...target, timeoutSeconds: 90 }] } },
      "staging.heartbeats.targets[0].timeoutSeconds: 90: Too big: expected number to be <=60",
    ],
    [
      "an address that only a private target may have",
      { region: "eu-central-1", heartbeats: { targets: [{ name: "site", url: "http://192.168.1.1/" }] } },
      'staging.heartbeats.targets[0].url: "http://192.168.1.1/" is at a private address (192.168.0.0/16), which needs private: true',
    ],
    [
      "a job used twice",
      {
        region: "eu-central-1",
        heartbeats: { targets: [], cronMonitors: [0, 1].map(() => ({ name: "job", everySeconds: 60 })) },
      },
      'staging.heartbeats.cronMonitors[1].name: "job" is used twice',
    ],
    [
      "a pipeline's name that AWS's names have no room for",
      { region: "eu-central-1", pipelines: { jobOrdersOfAllOurShops: { key: "/id" } } },
      "staging.pipelines.jobOrdersOfAllOurShops: is longer than 20 characters, a hyphen before each capital included",
    ],
    [
      "a pointer without its slash",
      { region: "eu-central-1", pipelines: { jobOrder: { key: "jobOrderId" } } },
      'staging.pipelines.jobOrder.key: "jobOrderId" is not a JSON Pointer such as "/jobOrderId" or "/customer/name"',
    ],
    [
      "a pipeline that is too long in UTF-8",
      {
        region: "eu-central-1",
        pipelines: {
          jobOrder: {
            key: "/id",
            summary: Object.fromEntries(
              Array.from({ length: 60 }, (_, index) => [`${"顧客".repeat(5)}${index}`, "/c"]),
            ),
          },
        },
      },
      'staging.pipelines.jobOrder: {"key":"/id","summary":[["顧客顧客顧客顧客顧客0","/c"],["顧客顧客顧客顧客顧客1","/c"],["顧客顧客顧客顧客顧... is longer than 2500 bytes without its schema: it must fit into Lambda\'s environment variables',
    ],
    [
      "a pipeline that Terraform's jsonencode makes too long",
      {
        region: "eu-central-1",
        pipelines: {
          jobOrder: { key: "/id", private: Array.from({ length: 3 }, (_, index) => `/${"<&>".repeat(60)}${index}`) },
        },
      },
      `staging.pipelines.jobOrder: {"key":"/id","summary":[],"private":["/${"<&>".repeat(12)}<&... is longer than 2500 bytes without its schema: it must fit into Lambda's environment variables`,
    ],
    [
      "labels whose order JavaScript changes",
      { region: "eu-central-1", pipelines: { jobOrder: { key: "/id", summary: { Name: "/name", 1: "/first" } } } },
      "staging.pipelines.jobOrder.summary.1: is a whole number, which JavaScript puts before the others",
    ],
    [
      "a schema with a keyword that is none",
      { region: "eu-central-1", pipelines: { jobOrder: { key: "/id", schema: { requried: ["id"] } } } },
      'staging.pipelines.jobOrder.schema: {"requried":["id"]} is not a JSON Schema: strict mode: unknown keyword: "requried"',
    ],
    [
      "a cron monitor named as a target",
      {
        region: "eu-central-1",
        heartbeats: { targets: [target], cronMonitors: [{ name: "site", everySeconds: 60 }] },
      },
      'staging.heartbeats.cronMonitors[0].name: "site" is also the name of a target',
    ],
    [
      "maintenance that ends before it starts",
      {
        region: "eu-central-1",
        heartbeats: {
          targets: [{ ...target, maintenance: [{ from: "2026-11-22T00:00:00Z", to: "2026-11-21T00:00:00Z" }] }],
        },
      },
      'staging.heartbeats.targets[0].maintenance[0]: {"from":"2026-11-22T00:00:00Z","to":"2026-11-21T00:00:00Z"} ends before it starts',
    ],
    [
      "maintenance on no day",
      { region: "eu-central-1", heartbeats: { targets: [], maintenance: [{ day: "mon" }] } },
      'staging.heartbeats.maintenance[0]: {"day":"mon"} is neither {from, to} nor {weekday, from, minutes}',
    ],
    [
      "a webhook with a token in its URL",
      {
        region: "eu-central-1",
        heartbeats: { targets: [], webhook: { url: "https://a.test/?token=hunter2hunter2", secretParameter: "/a" } },
      },
      "staging.heartbeats.webhook.url: is a secret, which would be in Terraform's state: store it as an SSM parameter (SecureString), and give the parameter's name",
    ],
    [
      "a job without a schedule",
      { region: "eu-central-1", heartbeats: { targets: [], cronMonitors: [{ name: "job" }] } },
      'staging.heartbeats.cronMonitors[0]: {"name":"job","graceSeconds":300,"maintenance":[]} needs either everySeconds or cron',
    ],
    [
      "a cron of five fields",
      { region: "eu-central-1", heartbeats: { targets: [], cronMonitors: [{ name: "job", cron: "0 2 * * *" }] } },
      'staging.heartbeats.cronMonitors[0].cron: "0 2 * * *" has 5 fields instead of six: minutes, hours, day of month, month, day of week, year',
    ],
    [
      "an accent that is no colour",
      { region: "eu-central-1", heartbeats: { targets: [], statusPage: { accent: "red" } } },
      'staging.heartbeats.statusPage.accent: "red" is not a colour such as #2f5d8a',
    ],
    [
      "a link that is not https",
      { region: "eu-central-1", heartbeats: { targets: [], statusPage: { link: "javascript:alert(1)" } } },
      'staging.heartbeats.statusPage.link: "javascript:alert(1)" is not an https URL',
    ],
    [
      "a logo that is not there",
      { region: "eu-central-1", heartbeats: { targets: [], statusPage: { logo: "nowhere.svg" } } },
      'staging.heartbeats.statusPage.logo: "nowhere.svg" is not a file of at most 16384 bytes',
    ],
    [
      "a logo of another format",
      { region: "eu-central-1", heartbeats: { targets: [], statusPage: { logo: "logo.gif" } } },
      'staging.heartbeats.statusPage.logo: "logo.gif" is not an .svg or .png file',
    ],
    [
      "a webhook URL instead of a parameter name",
      { region: "eu-central-1", heartbeats: { targets: [], slackWebhookParameter: "https://hooks.slack.com/x" } },
      'staging.heartbeats.slackWebhookParameter: "https://hooks.slack.com/x" is not an SSM parameter name such as "/almanac/slack/webhook"',
    ],
    [
      "a parameter of AWS itself",
      { region: "eu-central-1", heartbeats: { targets: [], slackWebhookParameter: "/SSM/webhook" } },
      'staging.heartbeats.slackWebhookParameter: "/SSM/webhook" begins with a word that SSM keeps for AWS\'s own parameters',
    ],
    [
      "a bucket that is an address",
      { region: "eu-central-1", stateBucket: "192.168.10.1" },
      'staging.stateBucket: "192.168.10.1" is a name that S3 refuses',
    ],
    [
      "a bucket with an ending of S3's",
      { region: "eu-central-1", stateBucket: "acme--x-s3" },
      'staging.stateBucket: "acme--x-s3" is a name that S3 refuses',
    ],
    [
      "an app whose buckets S3 refuses",
      { region: "eu-central-1", app: "xn--acme" },
      'staging.app: "xn--acme" begins the names of buckets, which S3 refuses',
    ],
    [
      "a regular expression that is none",
      { region: "eu-central-1", heartbeats: { targets: [{ ...target, bodyMatches: "(" }] } },
      'staging.heartbeats.targets[0].bodyMatches: "(" is not a regular expression',
    ],
    [
      "a regular expression that a page can make take exponential time",
      { region: "eu-central-1", heartbeats: { targets: [{ ...target, bodyMatches: "^(a+)+$" }] } },
      'staging.heartbeats.targets[0].bodyMatches: "^(a+)+$" can take exponential time: rewrite it without nested repetition',
    ],
    [
      "a field that is none",
      { region: "eu-central-1", heartbeats: { targets: [{ ...target, timeout: 5 }] } },
      "staging.heartbeats.targets[0].timeout: is an unknown field. Did you mean timeoutSeconds?",
    ],
    [
      "a field that resembles none",
      { region: "eu-central-1", kubernetes: {} },
      "staging.kubernetes: is an unknown field",
    ],
    [
      "a feature in the singular",
      { region: "eu-central-1", workflow: {} },
      "staging.workflow: is an unknown field. Did you mean workflows?",
    ],
    [
      "a value of another type",
      { region: "eu-central-1", protectData: "yes" },
      'staging.protectData: "yes" is not of type boolean',
    ],
    [
      "an account that is none",
      { region: "eu-central-1", account: "42" },
      'staging.account: "42" is not an account id of twelve digits',
    ],
  ])("names the field and the value of %s", (_, input, problem) => {
    expect(problems(input)).toEqual([problem]);
  });

  it.each([
    ["arn:aws:iam:eu-central-1:123456789012:role/a", "an ARN of IAM with a region"],
    ["arn:aws:s3:eu-central-1::a/*", "a bucket with a region"],
    ["arn:aws:dynamodb:eu-central-1:12345:table/a", "an account of other than twelve digits"],
    ["arn:aws:s3:::a/\n*", "a control character"],
  ])("names a resource of a permission that IAM refuses: %j: %s", (arn) => {
    const permissions = [{ actions: ["s3:GetObject"], resources: [arn] }];
    const bill = { entry: "functions/examples/minute-report.ts", schedule: "rate(1 hour)", permissions };
    expect(problems({ region: "eu-central-1", schedules: { bill } })).toEqual([
      `staging.schedules.bill.permissions[0].resources[0]: ${JSON.stringify(arn)} is not an ARN such as "arn:aws:s3:::invoices/*"`,
    ]);
  });

  it.each([
    "arn:aws:iam::aws:policy/ReadOnlyAccess",
    "arn:aws:iam::*:role/a",
    "arn:aws:s3:eu-central-1:123456789012:accesspoint/a",
    "arn:aws:ec2:eu-central-1::image/ami-1",
    "arn:aws:dynamodb:*:123456789012:table/a",
  ])("has none where IAM takes a resource: %s", (arn) => {
    const permissions = [{ actions: ["s3:GetObject"], resources: [arn] }];
    const bill = { entry: "functions/examples/minute-report.ts", schedule: "rate(1 hour)", permissions };
    expect(problems({ region: "eu-central-1", schedules: { bill } })).toEqual([]);
  });

  it("names a text that Terraform would change: half of a character", () => {
    const target = { name: "site", title: "a\ud800", url: "https://example.org/" };
    expect(problems({ region: "eu-central-1", heartbeats: { targets: [target] } })).toEqual([
      "staging.heartbeats.targets[0].title: has half of a character (a surrogate without its pair), which Terraform would replace",
    ]);
  });

  it("does not quote a secret that stands where the name of its parameter belongs", () => {
    const slackWebhookParameter = "https://hooks.slack.com/services/T000/B000/XXXX";
    expect(problems({ region: "eu-central-1", heartbeats: { targets: [], slackWebhookParameter } })[0]).toBe(
      'staging.heartbeats.slackWebhookParameter: (sensitive) is not an SSM parameter name such as "/almanac/slack/webhook"',
    );
  });

  it("comes with the place in main.ts, and without the parser's", () => {
    const error = new ConfigurationError(["staging.region: is missing"]);
    const [name, problem, frame] = error.stack?.split("\n") ?? [];
    expect([name, problem]).toEqual(["ConfigurationError: main.ts is invalid:", "  staging.region: is missing"]);
    expect(frame).toContain("configuration.test");
  });

  it("reports all problems at once", () => {
    expect(problems({ app: "My App", heartbeats: { targets: [{ name: "Site", url: 7 }] } })).toHaveLength(4);
  });

  it("names an environment that can't be one", () => {
    expect(problems({ region: "eu-central-1" }, "Staging_1")).toEqual([
      'environment: "Staging_1" is not 1 to 12 lower case letters and digits, a letter first',
    ]);
  });

  it("says when an environment is there twice", () => {
    const app = new App();
    new Environment(app, "staging", { region: "eu-central-1" });
    expect(() => new Environment(app, "staging", { region: "eu-central-1" })).toThrow('"staging" is defined twice');
  });
});

describe("local, while commands synthesize for an emulator", () => {
  const { ALMANAC_AWS_ENDPOINT } = process.env;
  beforeAll(() => (process.env["ALMANAC_AWS_ENDPOINT"] = "http://127.0.0.1:4567"));
  afterAll(() => {
    if (ALMANAC_AWS_ENDPOINT === undefined) delete process.env["ALMANAC_AWS_ENDPOINT"];
    else process.env["ALMANAC_AWS_ENDPOINT"] = ALMANAC_AWS_ENDPOINT;
  });
  const advice = 'set it to process.env["ALMANAC_AWS_ENDPOINT"]';

  it.each<[what: string, awsEndpoint: string | undefined, expected: readonly string[]]>([
    ["deployed there", "http://127.0.0.1:4567/", []],
    [
      "refused without an endpoint: npm start would deploy it to AWS",
      undefined,
      [`local.awsEndpoint: is missing: ${advice}`],
    ],
    [
      "refused with another emulator's",
      "http://127.0.0.1:4566",
      [`local.awsEndpoint: "http://127.0.0.1:4566" is not the emulator, http://127.0.0.1:4567: ${advice}`],
    ],
  ])("is %s", (_, awsEndpoint, expected) => {
    expect(problems({ region: "eu-central-1", ...(awsEndpoint !== undefined && { awsEndpoint }) }, "local")).toEqual(
      expected,
    );
    expect(problems({ region: "eu-central-1" })).toEqual([]);
  });
});
