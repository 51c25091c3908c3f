import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { githubRolesOf } from "../../scripts/environments/github-roles";
import { planStatements, UnknownReadsError } from "../../scripts/environments/plan-policy";
import { physicalNameOf } from "../../modules/synthesized/known-after-apply";
import { readStackResources } from "../../scripts/terraform/stack-resources";
import { synthesizeStack } from "../../scripts/terraform/synthesize";

const policySchema = z.string().transform((json) =>
  z
    .object({
      Statement: z.array(
        z.object({
          Effect: z.string(),
          Action: z.union([z.array(z.string()), z.string().transform((action) => [action])]),
          Resource: z.array(z.string()).default([]),
          Condition: z.unknown().optional(),
        }),
      ),
    })
    .parse(JSON.parse(json)),
);
const rolesSchema = z.object({
  resource: z.object({
    aws_iam_role: z.record(z.string(), z.looseObject({ name: z.string(), assume_role_policy: policySchema })),
    aws_iam_role_policy: z.record(z.string(), z.looseObject({ policy: policySchema })),
  }),
});

const output = mkdtempSync(join(tmpdir(), "almanac-roles-"));
let roles: z.output<typeof rolesSchema>["resource"];
beforeAll(async () => {
  const directory = await synthesizeStack("staging", { outputDirectory: output });
  const stack = { name: "staging", directory, aws: { region: "eu-central-1" } };
  roles = rolesSchema.parse(await githubRolesOf(stack, "acme/almanac")).resource;
});
afterAll(() => {
  rmSync(output, { recursive: true });
});

const subjects = (role: string) => roles.aws_iam_role[role]?.assume_role_policy.Statement[0]?.Condition;

it("trusts whole subjects only: pull requests and main to plan, the approved environment to deploy", () => {
  const issuer = "token.actions.githubusercontent.com";
  const condition = (sub: readonly string[]) => ({
    StringEquals: { [`${issuer}:aud`]: "sts.amazonaws.com", [`${issuer}:sub`]: sub },
  });
  const [pullRequest, main] = ["repo:acme/almanac:pull_request", "repo:acme/almanac:ref:refs/heads/main"];
  expect(subjects("plan")).toEqual(condition([pullRequest, main]));
  expect(subjects("deploy")).toEqual(condition(["repo:acme/almanac:environment:staging"]));
});

/** Reads of what is stored, and changes, by the service's own words. */
const DATA =
  /^(dynamodb:(?!Describe|ListTagsOfResource)|s3:(?!Get(Bucket|Accelerate|Encryption|Lifecycle|Replication)|ListBucket$)|sqs:(?!GetQueueAttributes|ListQueueTags)|ssm:|secretsmanager:|kms:(?!Describe|GetKey|List)|logs:(?!DescribeLogGroups|ListTags)|states:(?!DescribeStateMachine|List(StateMachineVersions|Tags)|Validate)|lambda:(?!Get|List)|sns:(?!Get|List)|events:(?!Describe|List)|glue:(?!Get(Database|Table|Tags|PartitionIndexes)$)|iam:(?!Get|List)|cloudwatch:(?!Describe|Get(Dashboard)|List)|cloudfront:(?!Get|List)|sts:|.*\*)/;

/** Names of other things of the account. */
const OTHERS = [
  "arn:aws:lambda:eu-central-1:111122223333:function:payroll",
  "arn:aws:s3:::payroll",
  "arn:aws:dynamodb:eu-central-1:111122223333:table/payroll",
  "arn:aws:sqs:eu-central-1:111122223333:payroll",
  "arn:aws:sns:eu-central-1:111122223333:payroll:0b4f1d2c-6f0e-4a32-9c3e-5d0f3c2f7f11",
  "arn:aws:states:eu-central-1:111122223333:stateMachine:payroll",
  "arn:aws:events:eu-central-1:111122223333:rule/payroll",
  "arn:aws:iam::111122223333:role/payroll",
  "arn:aws:apigateway:eu-central-1::/apikeys/k4c2",
  "arn:aws:apigateway:eu-central-1::/apikeys",
];

it("lets a plan read no data, no settings of other systems, and change nothing", () => {
  const statements = roles.aws_iam_role_policy["plan"]?.policy.Statement ?? [];
  const isOfObjects = ({ Action }: (typeof statements)[number]) => Action.includes("s3:GetObject");
  const settings = statements.filter((each) => !isOfObjects(each));
  const actions = settings.flatMap(({ Action }) => Action);
  expect(actions.length).toBeGreaterThan(40);
  expect(actions.filter((action) => DATA.test(action))).toEqual([]);
  expect(statements.filter(isOfObjects).map(({ Action, Resource }) => [Action, Resource])).toEqual([
    [["s3:GetObject"], ["arn:aws:s3:::almanac-staging-terraform-state/almanac/staging.tfstate"]],
    [
      ["s3:GetObject", "s3:GetObjectTagging"],
      ["arn:aws:s3:::almanac-staging-code-*/*.zip", "arn:aws:s3:::almanac-staging-*-configuration-*/*.json"],
    ],
  ]);
  for (const { Action, Resource } of settings) {
    // Its definition is in the request.
    const ofResources = Action.filter((action) => action !== "states:ValidateStateMachineDefinition");
    const services = ofResources.map((action) => action.split(":")[0]);
    const read = OTHERS.filter((arn) => services.includes(arn.split(":")[2])).filter((arn) =>
      Resource.some((pattern) => matches(pattern, arn)),
    );
    expect({ Action, read }).toEqual({ Action, read: [] });
  }
});

const matches = (pattern: string, arn: string) =>
  new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`).test(arn);

it("lets a plan read everything that the environment has", async () => {
  const resources = await readStackResources(join(output, "stacks", "staging"));
  const statements = roles.aws_iam_role_policy["plan"]?.policy.Statement ?? [];
  const arnOf: Readonly<Record<string, (name: string) => string>> = {
    aws_lambda_function: (name) => `arn:aws:lambda:eu-central-1:111122223333:function:${name}`,
    aws_s3_bucket: (name) => `arn:aws:s3:::${name}`,
    aws_dynamodb_table: (name) => `arn:aws:dynamodb:eu-central-1:111122223333:table/${name}`,
    aws_sqs_queue: (name) => `arn:aws:sqs:eu-central-1:111122223333:${name}`,
    aws_sns_topic: (name) => `arn:aws:sns:eu-central-1:111122223333:${name}`,
    aws_sfn_state_machine: (name) => `arn:aws:states:eu-central-1:111122223333:stateMachine:${name}`,
    aws_cloudwatch_event_rule: (name) => `arn:aws:events:eu-central-1:111122223333:rule/${name}`,
    aws_iam_role: (name) => `arn:aws:iam::111122223333:role/${name}`,
  };
  const arns = resources.flatMap(({ type, values }) => {
    const name = physicalNameOf({ type, values });
    return name === undefined ? [] : (arnOf[type]?.(name) ?? []);
  });
  expect(arns.length).toBeGreaterThan(60);
  const patterns = statements.flatMap(({ Resource }) => Resource.filter((pattern) => pattern !== "*"));
  expect(arns.filter((arn) => !patterns.some((pattern) => matches(pattern, arn)))).toEqual([]);
});

it("lets a deployment change the roles of its environment, but not those of GitHub", () => {
  const [own, ...others] = roles.aws_iam_role_policy["deploy"]?.policy.Statement ?? [];
  expect(own?.Resource).toEqual([expect.stringMatching(/:role\/almanac-staging-\*$/)]);
  expect(others).toEqual([]);
  for (const { name } of Object.values(roles.aws_iam_role)) expect(name).toMatch(/^github-almanac-staging-/);
});

it("does not guess what a plan reads of a resource that is new here", () => {
  const scope = { prefix: "almanac-staging", partition: "aws", state: { bucket: "b", key: "k" }, objects: [] };
  expect(() => planStatements({ ...scope, types: new Set(["aws_efs_file_system"]) })).toThrow(UnknownReadsError);
});
