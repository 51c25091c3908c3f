import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runSimulation } from "@cloud-copilot/iam-simulate";
import { ConfigurationError } from "../../modules/constructs/config";
import type { EnvironmentInput } from "../../modules/environment";
import { schedulesSchema } from "../../modules/schedules";
import * as z from "zod";
import { overview } from "../support/overview";
import { describePolicy, resource, synthesize, terraformSchema, type TerraformJson } from "../support/synthesized";

const RATES = 'is not "rate(<number> minutes)", "rate(<number> hours)" or "rate(<number> days)"';
const CYCLE: Record<string, unknown> = {};
CYCLE["self"] = CYCLE;
const DEEP: unknown = JSON.parse("[".repeat(101) + "]".repeat(101));

const policySchema = z.object({ Statement: z.array(z.looseObject({ Sid: z.string() })) });

const entry = "functions/examples/minute-report.ts";
const HOURLY = { entry, schedule: "rate(1 hour)" };

function schedules(input: Readonly<Record<string, object>>): TerraformJson {
  // Invalid ones as well, as plain JavaScript would have them.
  const { schedules: json } = synthesize({ schedules: input as EnvironmentInput["schedules"] & object }).modules;
  if (json === undefined) throw new Error("no schedules");
  return json;
}

const policyOf = (json: TerraformJson, role: string) =>
  describePolicy(resource(json, "aws_iam_role_policy", `${role}_policy`)["policy"]).filter(
    (statement) => !/\((Logs|Traces|DeadLetterQueue)\)$/.test(statement),
  );

/** The problems of one schedule called `report`. */
function problemsOf(fields: object): readonly string[] {
  try {
    schedules({ report: { ...HOURLY, ...fields } });
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems.map((each) => each.replace(/^\S+?schedules\./, ""));
    throw error;
  }
}

describe("the schedules module", () => {
  it("is what a reviewer reads", () => {
    expect(overview(schedules({ cleanUp: { ...HOURLY, secrets: { KEY: "/clean-up/key" } } }))).toMatchSnapshot();
  });

  it("lets a schedule's function write its own end, read its secrets, and do what it asks for, and nothing else", () => {
    const json = schedules({
      cleanUp: {
        ...HOURLY,
        secrets: { KEY: "/clean-up/key", OTHER: "/clean-up/key" },
        permissions: [
          { actions: ["dynamodb:Scan"], resources: ["arn:aws:dynamodb:eu-central-1:123456789012:table/x"] },
        ],
      },
      report: HOURLY,
    });
    expect(policyOf(json, "run_clean_up").map((each) => each.replace(/arn:\$\S+:parameter/, "parameter"))).toEqual([
      "Allow dynamodb:UpdateItem on ${aws_dynamodb_table.runs.arn} (RunsTable)",
      "Allow ssm:GetParameter on parameter/clean-up/key (Secrets)",
      "Allow dynamodb:Scan on arn:aws:dynamodb:eu-central-1:123456789012:table/x (Extra0)",
    ]);
    expect(policyOf(json, "run_report")).toEqual([
      "Allow dynamodb:UpdateItem on ${aws_dynamodb_table.runs.arn} (RunsTable)",
    ]);
  });

  it("lets the keeper invoke exactly the schedules' functions", () => {
    const json = schedules({ cleanUp: HOURLY, report: HOURLY });
    expect(policyOf(json, "keep")).toEqual([
      "Allow dynamodb:BatchGetItem, dynamodb:PutItem, dynamodb:Query, dynamodb:UpdateItem on ${aws_dynamodb_table.runs.arn} (RunsTable)",
      "Allow s3:GetObject on ${aws_s3_bucket.configuration.arn}/schedules.json (ConfigurationBucket)",
      "Allow lambda:InvokeFunction on ${aws_lambda_function.run_clean_up.arn}, ${aws_lambda_function.run_report.arn} (FunctionPrefix)",
    ]);
  });

  describe("with heartbeats", () => {
    const heartbeats = { targets: [{ name: "site", url: "https://example.org/" }] };
    const both = (input: Readonly<Record<string, object>>, fields: object = {}) =>
      synthesize({
        heartbeats: { ...heartbeats, ...fields },
        schedules: input as EnvironmentInput["schedules"] & object,
      });

    it("makes each enabled schedule a monitor, without a second configuration", () => {
      const { root } = both({
        cleanUp: { ...HOURLY, monitor: { title: "Clean-up", group: "Nightly work", public: false } },
        minuteReport: HOURLY,
        off: { ...HOURLY, enabled: false },
      });
      expect(root.module).toMatchObject({
        heartbeats: {
          monitors: {
            cronMonitors: [],
            schedules: [
              { name: "clean-up", title: "Clean-up", group: "Nightly work", public: false },
              { name: "minute-report" },
            ],
          },
        },
        schedules: { heartbeats_table: "${module.heartbeats.state_table_name}" },
      });
    });

    it("lets the keeper write the schedules' monitors and no other item of heartbeats, and the functions none", async () => {
      const json = terraformSchema.parse(both({ report: HOURLY }).modules["schedules"]);
      expect(policyOf(json, "keep").filter((each) => each.includes("HeartbeatsTable"))).toEqual([
        expect.stringMatching(
          /^Allow dynamodb:UpdateItem on arn:\S+:table\/\$\{var.heartbeats_table\} if .* \(HeartbeatsTable\)$/,
        ),
      ]);
      expect(policyOf(json, "run_report").join()).not.toContain("heartbeats");
      const table = "arn:aws:dynamodb:eu-central-1:123456789012:table/almanac-test-heartbeats-state";
      const mayUpdate = async (key: string) => {
        const { Statement } = policySchema.parse(
          JSON.parse(String(resource(json, "aws_iam_role_policy", "keep_policy")["policy"])),
        );
        const statement = Statement.filter(({ Sid }) => Sid === "HeartbeatsTable").map((each) => ({
          ...each,
          Resource: [table],
        }));
        const { resultType, ...result } = await runSimulation(
          {
            request: {
              principal: "arn:aws:sts::123456789012:assumed-role/keep/session",
              action: "dynamodb:UpdateItem",
              resource: { resource: table, accountId: "123456789012" },
              contextVariables: { "dynamodb:LeadingKeys": [key] },
            },
            identityPolicies: [{ name: "keep", policy: { Version: "2012-10-17", Statement: statement } }],
            serviceControlPolicies: [],
            resourceControlPolicies: [],
          },
          {},
        );
        return resultType !== "error" && "overallResult" in result && result.overallResult === "Allowed";
      };
      const keys = ["schedule/report", "cron/backup", "site", "*", "checker/network"];
      expect(await Promise.all(keys.map(mayUpdate))).toEqual([true, false, false, false, false]);
    });

    it("rejects a schedule whose monitor has the name of another", () => {
      const cronMonitors = [{ name: "clean-up", everySeconds: 60 }];
      expect(() => both({ cleanUp: HOURLY }, { cronMonitors })).toThrow(
        'schedules.cleanUp: "cleanUp" has the monitor "clean-up", which is also a target or a cron monitor',
      );
      expect(() => both({ site: HOURLY })).toThrow(/schedules.site: "site" has the monitor "site"/);
    });
  });

  it("without heartbeats writes to its own table only", () => {
    const json = schedules({ report: HOURLY });
    expect(JSON.stringify(json)).not.toContain("heartbeats_table");
    expect(resource(json, "aws_lambda_function", "keep")).toMatchObject({
      environment: { variables: { HEARTBEATS_TABLE: "" } },
    });
  });

  it("does not let Lambda retry: the keeper does, and knows what has begun", () => {
    const json = schedules({ cleanUp: HOURLY });
    expect(resource(json, "aws_lambda_function_event_invoke_config", "run_clean_up_event_invoke_config")).toMatchObject(
      {
        maximum_retry_attempts: 0,
      },
    );
  });

  it("restarts the keeper with each configuration", () => {
    const json = schedules({ cleanUp: HOURLY });
    expect(resource(json, "aws_lambda_function", "keep")).toMatchObject({
      environment: { variables: { CONFIGURATION_VERSION: "${aws_s3_object.schedules_object.etag}" } },
    });
  });

  it.each<[string, object, string]>([
    [
      "a rate that AWS refuses",
      { schedule: "rate(1 hours)" },
      'report.schedule: "rate(1 hours)" needs "1 hour", as EventBridge requires',
    ],
    ["no expression", { schedule: "hourly" }, 'report.schedule: "hourly" is neither "rate(...)" nor "cron(...)"'],
    [
      "a day that never occurs",
      { schedule: "cron(0 0 30 2 ? *)" },
      'report.schedule: "cron(0 0 30 2 ? *)" has a day that never occurs',
    ],
    [
      "a year that is over",
      { schedule: "cron(0 0 1 1 ? 2020)" },
      'report.schedule: "cron(0 0 1 1 ? 2020)" has no instant that is yet to come',
    ],
    [
      "no instant between start and end",
      { schedule: "cron(0 0 1 1 ? *)", startAt: "2026-02-01T00:00:00Z", endAt: "2026-12-01T00:00:00Z" },
      'report.schedule: "cron(0 0 1 1 ? *)" has no instant that is yet to come',
    ],
    [
      "an end before the start",
      { startAt: "2027-02-01T00:00:00Z", endAt: "2026-12-01T00:00:00Z" },
      'report.endAt: "2026-12-01T00:00:00Z" is before startAt',
    ],
    [
      "a zone that does not exist",
      { schedule: "cron(0 6 * * ? *)", timeZone: "Europe/Atlantis" },
      'report.timeZone: "Europe/Atlantis" is not an IANA time zone such as "Europe/Berlin"',
    ],
    [
      "a zone of a rate",
      { timeZone: "Europe/Berlin" },
      'report.timeZone: "Europe/Berlin" has no effect on a rate: use a cron',
    ],
    [
      "a time that is none",
      { startAt: "tomorrow" },
      'report.startAt: "tomorrow" is not a time such as "2026-11-21T17:00:00Z"',
    ],
    ["a missing file", { entry: "functions/nowhere.ts" }, 'report.entry: "functions/nowhere.ts" is not a file'],
    [
      "a file without handler",
      { entry: "functions/shared/time.ts" },
      'report.entry: "functions/shared/time.ts" does not export a handler: export const handler = onSchedule(...)',
    ],
    [
      "another handler",
      { entry: "functions/timers/api.ts" },
      'report.entry: "functions/timers/api.ts" has a handler that is not made with onSchedule(...)',
    ],
    [
      "an input that is no JSON",
      { input: { at: new Date(0) } },
      'report.input: {"at":"1970-01-01T00:00:00.000Z"} is not JSON',
    ],
    ["an input with undefined", { input: { at: undefined } }, "report.input: {} is not JSON"],
    [
      "a long input",
      { input: "x".repeat(65_536) },
      `report.input: "${"x".repeat(76)}... is longer than 65536 bytes of JSON`,
    ],
    [
      "more than 15 minutes",
      { timeoutSeconds: 901 },
      "report.timeoutSeconds: 901 is more than the 900 s that Lambda allows: longer work is a workflow (workflows)",
    ],
    [
      "a variable of ours",
      { environment: { RUNS_TABLE: "mine" } },
      "report.environment.RUNS_TABLE: is reserved by Lambda or Almanac",
    ],
    ["a rate of nothing", { schedule: "rate(0 minutes)" }, `report.schedule: "rate(0 minutes)" ${RATES}`],
    ["a rate of seconds", { schedule: "rate(30 seconds)" }, `report.schedule: "rate(30 seconds)" ${RATES}`],
    ["a fraction", { schedule: "rate(1.5 hours)" }, `report.schedule: "rate(1.5 hours)" ${RATES}`],
    [
      "a rate beyond a year",
      { schedule: "rate(400 days)" },
      'report.schedule: "rate(400 days)" is longer than 366 days',
    ],
    [
      "a plural that is none",
      { schedule: "rate(5 minute)" },
      'report.schedule: "rate(5 minute)" needs "5 minutes", as EventBridge requires',
    ],
    ["no schedule", { schedule: undefined }, "report.schedule: is missing"],
    [
      "a cron of five fields",
      { schedule: "cron(0 6 * * *)" },
      'report.schedule: "cron(0 6 * * *)" has 5 fields instead of six: minutes, hours, day of month, month, day of week, year',
    ],
    [
      "a minute that does not exist",
      { schedule: "cron(60 6 * * ? *)" },
      'report.schedule: "cron(60 6 * * ? *)" has invalid minutes: must be 0 to 59',
    ],
    [
      "29 February of a year without",
      { schedule: "cron(0 6 29 2 ? 2027)" },
      'report.schedule: "cron(0 6 29 2 ? 2027)" has no instant that is yet to come',
    ],
    [
      "an offset as zone",
      { schedule: "cron(0 6 * * ? *)", timeZone: "+02:00" },
      'report.timeZone: "+02:00" is not an IANA time zone such as "Europe/Berlin"',
    ],
    [
      "a time without zone",
      { startAt: "2027-01-01T00:00:00" },
      'report.startAt: "2027-01-01T00:00:00" is not a time such as "2026-11-21T17:00:00Z"',
    ],
    [
      "a day that does not exist",
      { endAt: "2027-02-30T00:00:00Z" },
      'report.endAt: "2027-02-30T00:00:00Z" is not a time such as "2026-11-21T17:00:00Z"',
    ],
    [
      "a folder as entry",
      { entry: "functions/examples" },
      'report.entry: "functions/examples" is not a file such as "functions/clean-up.ts"',
    ],
    ["no entry", { entry: undefined }, "report.entry: is missing"],
    ["a bigint", { input: { at: 10n } }, "report.input: <object> is not JSON"],
    [
      "an input that contains itself",
      { input: CYCLE },
      "report.input: <object> is nested deeper than 100 levels, or contains itself",
    ],
    [
      "a deep input",
      { input: DEEP },
      `report.input: ${"[".repeat(77)}... is nested deeper than 100 levels, or contains itself`,
    ],
    ["a function as input", { input: () => 1 }, "report.input: <function> is not JSON"],
    ["a symbol as input", { input: Symbol("x") }, "report.input: <symbol> is not JSON"],
    ["a number that is none", { input: [NaN] }, "report.input: [null] is not JSON"],
    ["a map as input", { input: new Map([[1, 2]]) }, "report.input: {} is not JSON"],
    ["a hole in an array", { input: Array(1) }, "report.input: [null] is not JSON"],
    [
      "an input whose toJSON throws",
      {
        input: {
          toJSON: () => {
            throw new Error("no");
          },
        },
      },
      "report.input: <object> is not JSON",
    ],
    ["half a character", { input: { "\ud800": 1 } }, 'report.input: {"\\ud800":1} has half of a surrogate pair'],
    [
      "a jitter beyond the next run",
      { schedule: "rate(1 minute)", jitterSeconds: 61 },
      "report.jitterSeconds: 61 is longer than the 60 s between two runs",
    ],
    [
      "a jitter beyond the next run of a cron",
      { schedule: "cron(0,45,55 6 * * ? *)", jitterSeconds: 900 },
      "report.jitterSeconds: 900 is longer than the 600 s between two runs",
    ],
    ["a negative jitter", { jitterSeconds: -1 }, "report.jitterSeconds: -1 is not a whole number of 0 to 3600"],
    ["too many retries", { retries: { count: 21 } }, "report.retries.count: 21 is not a whole number of 0 to 20"],
    [
      "a backoff of nothing",
      { retries: { count: 1, backoffSeconds: 0 } },
      "report.retries.backoffSeconds: 0 is not a whole number of 1 to 3600",
    ],
    [
      "an unknown policy",
      { overlap: "sometimes" },
      'report.overlap: "sometimes": Invalid option: expected one of "allow"|"skip"|"queue"',
    ],
    [
      "an unknown catch-up",
      { catchUp: "some" },
      'report.catchUp: "some": Invalid option: expected one of "all"|"latest"|"none"',
    ],
    [
      "too little time to stop in",
      { timeoutSeconds: 9 },
      "report.timeoutSeconds: 9: Too small: expected number to be >=10",
    ],
    [
      "any action",
      { permissions: [{ actions: ["*"], resources: ["arn:aws:s3:::x"] }] },
      'report.permissions[0].actions[0]: "*" is not an action such as "dynamodb:PutItem"',
    ],
    [
      "any resource",
      { permissions: [{ actions: ["s3:GetObject"], resources: ["*"] }] },
      'report.permissions[0].resources[0]: "*" is not an ARN such as "arn:aws:s3:::invoices/*"',
    ],
    [
      "a variable of Lambda",
      { environment: { AWS_REGION: "x" } },
      "report.environment.AWS_REGION: is reserved by Lambda or Almanac",
    ],
    [
      "a secret without parameter",
      { secrets: { KEY: "hunter2" } },
      'report.secrets.KEY: "hunter2" is not an SSM parameter name such as "/invoices/api-key"',
    ],
    [
      "a secret whose parameter has a name that SSM does not allow",
      { secrets: { KEY: `/${"x".repeat(1_011)}` } },
      `report.secrets.KEY: "/${"x".repeat(75)}... is longer than the 1011 characters that SSM allows`,
    ],
    [
      "a secret whose parameter is in too deep a hierarchy",
      { secrets: { KEY: "/x".repeat(16) } },
      `report.secrets.KEY: "${"/x".repeat(16)}" is not an SSM parameter name such as "/invoices/api-key"`,
    ],
    [
      "a monitor without title",
      { monitor: { title: "" } },
      'report.monitor.title: "": Too small: expected string to have >=1 characters',
    ],
    ["an unknown field", { cron: "0 6 * * ? *" }, "report.cron: is an unknown field"],
  ])("rejects %s", (_, fields, problem) => {
    expect(problemsOf(fields)).toEqual([problem]);
  });

  it.each<[string, object]>([
    ["a jitter as long as the interval", { schedule: "rate(1 minute)", jitterSeconds: 60 }],
    ["a jitter of an hour, of a run an hour", { schedule: "cron(7 * * * ? *)", jitterSeconds: 3_600 }],
    ["a jitter of an hour, of a run a day", { schedule: "cron(0 6 * * ? *)", jitterSeconds: 3_600 }],
    ["one instant", { schedule: "rate(1 day)", startAt: "2030-01-01T06:00:00Z", endAt: "2030-01-01T06:00:00Z" }],
    ["a zone's old name", { schedule: "cron(0 6 * * ? *)", timeZone: "EST5EDT" }],
    ["a zone in lower case", { schedule: "cron(0 6 * * ? *)", timeZone: "europe/berlin" }],
    ["a fixed offset's name", { schedule: "cron(0 6 * * ? *)", timeZone: "Etc/GMT+5" }],
    ["a leap day", { schedule: "cron(0 6 29 2 ? 2028)" }],
    ["the longest rate", { schedule: "rate(366 days)" }],
    ["all the time that Lambda has", { timeoutSeconds: 900 }],
    ["an input of 64 KB", { input: "x".repeat(65_534) }],
    ["null as input", { input: null }],
  ])("accepts %s", (_, fields) => {
    expect(schedulesSchema.safeParse({ report: { ...HOURLY, ...fields } }).error).toBeUndefined();
  });

  it.each<[string, unknown, string]>([
    ["a name that cdktf loses", JSON.parse('[{"__proto__": 1}]'), "[0].__proto__: is a name that cannot be deployed"],
    [
      "a text that Terraform changes",
      { a: "e\u0301" },
      ".a: is not in Unicode's normal form NFC, as Terraform would have it",
    ],
    [
      "a name that Terraform changes",
      { "e\u0301": 1 },
      ".e\u0301: is not in Unicode's normal form NFC, as Terraform would have it",
    ],
  ])("rejects an input with %s", (_, input, problem) => {
    expect(problemsOf({ input })).toEqual([`report.input${problem}`]);
  });

  it("keeps an input as it is, with the names of every object and Terraform's templates", () => {
    const input = JSON.parse('{"constructor": "${x}", "%{y}": ["$${z}", null, 0.1, -0, 1e300]}') as unknown;
    const { root } = synthesize({ schedules: { report: { ...HOURLY, input } } });
    const [kept] = Object.values(Object(root.module["schedules"]?.["schedules"]) as Record<string, { input: unknown }>);
    expect(JSON.stringify(kept?.input)).toBe('{"constructor":"$${x}","%%{y}":["$$${z}",null,0.1,0,1e+300]}');
  });

  it("accepts a schedule that has come to its end, so that time alone breaks no deployment", () => {
    expect(problemsOf({ startAt: "2020-01-01T00:00:00Z", endAt: "2020-02-01T00:00:00Z" })).toEqual([]);
  });

  describe("an entry", () => {
    let folder: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), "almanac-entry-"));
    });
    afterAll(() => {
      rmSync(folder, { recursive: true });
    });
    const faultsOf = (source: string) => {
      const file = join(folder, "report.ts");
      writeFileSync(file, source);
      const { error } = schedulesSchema.safeParse({ report: { ...HOURLY, entry: file } });
      return error?.issues.map(({ message }) => message) ?? [];
    };
    const made = 'import { onSchedule } from "../../functions/schedules/on-schedule";\n';
    const none = "does not export a handler: export const handler = onSchedule(...)";

    it.each([
      ["a constant", `${made}export const handler = onSchedule(() => 1);`],
      ["a constant beside others", `${made}export const a = 1, handler = onSchedule(() => a);`],
      ["exported later, with types", `${made}const x = onSchedule((): number => 1);\nexport { x as handler };`],
      ["made under another name", `import { onSchedule as every } from "x";\nexport const handler = every(() => 1);`],
    ])("may have its handler as %s", (_, source) => {
      expect(faultsOf(source)).toEqual([]);
    });

    it.each([
      ["in a comment", `${made}/*\nexport const handler = onSchedule(() => 1);\n*/ onSchedule(() => 1);`, none],
      ["as a type", `${made}onSchedule(() => 1);\nexport type handler = 1;`, none],
      ["as the default", `${made}export default onSchedule(() => 1);`, none],
      ["under another name", `${made}export const run = onSchedule(() => 1);`, none],
      [
        "made with what a comment only names",
        "// onSchedule\nexport const handler = () => 1;",
        "has a handler that is not made with onSchedule(...)",
      ],
      ["in a file that does not compile", "export const handler = (;", /^does not compile: Unexpected ";" \(line 1\)$/],
      ["in an empty file", "", none],
    ])("may not have its handler %s", (_, source, fault) => {
      expect(faultsOf(source)).toEqual([typeof fault === "string" ? fault : expect.stringMatching(fault)]);
    });
  });

  it.each(["", "Report", "my-report", "#states"])("rejects %j as a name", (name) => {
    expect(() => schedules(Object.fromEntries([[name, HOURLY]]))).toThrow(
      `schedules.${name}: is not letters and digits, a lower case letter first`,
    );
  });

  it("rejects no schedules, and more than the keeper's role can name", () => {
    expect(() => schedules({})).toThrow("schedules: {} has no schedule");
    const many = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`s${index}`, HOURLY]));
    expect(() => schedules(many)).toThrow("has more than 50 schedules");
  });

  it("rejects two names that differ in capitals only, and names that are too long", () => {
    expect(() => schedules({ cleanUp: HOURLY, cleanup: HOURLY })).toThrow(/is also the name of cleanUp/);
    expect(() => schedules({ thisNameIsFarTooLongForLambda: HOURLY })).toThrow(/is longer than 24 characters/);
  });
});
