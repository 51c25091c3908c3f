import { ConfigurationError } from "../../modules/constructs/config";
import type { EnvironmentInput } from "../../modules/environment";
import { overview } from "../support/overview";
import { describePolicy, resource, synthesize, type TerraformJson } from "../support/synthesized";

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
      "report.environment.RUNS_TABLE: is reserved by Almanac",
    ],
    ["an unknown field", { cron: "0 6 * * ? *" }, "report.cron: is an unknown field"],
  ])("rejects %s", (_, fields, problem) => {
    expect(problemsOf(fields)).toEqual([problem]);
  });

  it("accepts a schedule that has come to its end, so that time alone breaks no deployment", () => {
    expect(problemsOf({ startAt: "2020-01-01T00:00:00Z", endAt: "2020-02-01T00:00:00Z" })).toEqual([]);
  });

  it("rejects two names that differ in capitals only, and names that are too long", () => {
    expect(() => schedules({ cleanUp: HOURLY, cleanup: HOURLY })).toThrow(/is also the name of cleanUp/);
    expect(() => schedules({ thisNameIsFarTooLongForLambda: HOURLY })).toThrow(/is longer than 24 characters/);
  });
});
