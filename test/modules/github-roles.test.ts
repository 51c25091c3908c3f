import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { githubRolesOf } from "../../scripts/environments/github-roles";
import { planStatements, UnknownReadsError } from "../../scripts/environments/plan-policy";
import { synthesizeStack } from "../../scripts/terraform/synthesize";

const policySchema = z.string().transform((json) =>
  z
    .object({
      Statement: z.array(
        z.object({
          Effect: z.string(),
          Action: z.union([z.string(), z.array(z.string())]),
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

it("lets a plan read no data, and change nothing", () => {
  const statements = roles.aws_iam_role_policy["plan"]?.policy.Statement ?? [];
  const ofAll = statements.filter(({ Resource }) => Resource.includes("*")).flatMap(({ Action }) => Action);
  expect(ofAll.length).toBeGreaterThan(40);
  expect(ofAll.filter((action) => DATA.test(action))).toEqual([]);
  const objects = statements.filter(({ Resource }) => !Resource.includes("*"));
  expect(objects.map(({ Action, Resource }) => [Action, Resource])).toEqual([
    [["s3:GetObject"], ["arn:aws:s3:::almanac-staging-terraform-state/almanac/staging.tfstate"]],
    [["s3:ListBucket"], ["arn:aws:s3:::almanac-staging-terraform-state"]],
    [
      ["s3:GetObject", "s3:GetObjectTagging"],
      ["arn:aws:s3:::almanac-staging-code-*/*.zip", "arn:aws:s3:::almanac-staging-*-configuration-*/*.json"],
    ],
  ]);
});

it("lets a deployment change the roles of its environment, but not those of GitHub", () => {
  const [own, ...others] = roles.aws_iam_role_policy["deploy"]?.policy.Statement ?? [];
  expect(own?.Resource).toEqual([expect.stringMatching(/:role\/almanac-staging-\*$/)]);
  expect(others).toEqual([]);
  for (const { name } of Object.values(roles.aws_iam_role)) expect(name).toMatch(/^github-almanac-staging-/);
});

it("does not guess what a plan reads of a resource that is new here", () => {
  const scope = { partition: "aws", state: { bucket: "b", key: "k" }, objects: [] };
  expect(() => planStatements({ ...scope, types: new Set(["aws_efs_file_system"]) })).toThrow(UnknownReadsError);
});
