/** The two roles that GitHub Actions assumes for an environment, as Terraform: one plans and reads no data, one deploys. */
import { partitionOf } from "../../modules/synthesized/partition";
import { readStackResources } from "../terraform/stack-resources";
import { readStateBackend } from "../terraform/state-bucket";
import { readTags } from "../terraform/synthesize";
import { planStatements, type PlanScope, type Statement } from "./plan-policy";
import type { EnvironmentStack } from "./stack";

export interface GithubRolesInput extends PlanScope {
  readonly environment: string;
  readonly region: string;
  /** `owner/name`. */
  readonly repository: string;
}

const ISSUER = "token.actions.githubusercontent.com";

/** The roles of a synthesized environment. @throws UnknownReadsError */
export async function githubRolesOf(
  { name, directory, aws }: Pick<EnvironmentStack, "name" | "directory" | "aws">,
  repository: string,
): Promise<ReturnType<typeof githubRoles>> {
  const [{ bucket, key }, { App = "almanac" }, resources] = await Promise.all([
    readStateBackend(directory),
    readTags(directory),
    readStackResources(directory),
  ]);
  const prefix = `${App}-${name}`;
  const partition = partitionOf(aws.region);
  return githubRoles({
    ...{ prefix, environment: name, region: aws.region, repository, partition, state: { bucket, key } },
    types: new Set(resources.map(({ type }) => type)),
    objects: [
      `arn:${partition}:s3:::${prefix}-code-*/*.zip`,
      `arn:${partition}:s3:::${prefix}-*-configuration-*/*.json`,
    ],
  });
}

/** A configuration for `terraform apply` by a person: the roles cannot create themselves. */
export function githubRoles(input: GithubRolesInput): Readonly<Record<string, unknown>> {
  const { prefix, environment, region, repository, partition } = input;
  const subject = (what: string) => `repo:${repository}:${what}`;
  const account = "${data.aws_caller_identity.account.account_id}";
  const roles = `arn:${partition}:iam::${account}:role/${prefix}-*`;
  return {
    terraform: { required_providers: { aws: { source: "hashicorp/aws", version: ">= 5.100, < 7.0" } } },
    variable: {
      create_provider: {
        type: "bool",
        default: true,
        description: "False: the account has GitHub's identity provider already. It can have one only.",
      },
    },
    provider: { aws: [{ region }] },
    data: { aws_caller_identity: { account: {} } },
    resource: {
      aws_iam_openid_connect_provider: {
        github: {
          count: "${var.create_provider ? 1 : 0}",
          url: `https://${ISSUER}`,
          client_id_list: ["sts.amazonaws.com"],
        },
      },
      aws_iam_role: {
        plan: {
          // Not with the prefix: it belongs to no environment, and may not change itself.
          name: `github-${prefix}-plan`,
          description: `GitHub Actions plans ${environment}: reads settings, no data, and changes nothing`,
          // A pull request may change its workflow: this role must be harmless in anybody's hands who can push a branch.
          assume_role_policy: trust(partition, account, [subject("pull_request"), subject("ref:refs/heads/main")]),
          max_session_duration: 3_600,
          depends_on: ["aws_iam_openid_connect_provider.github"],
        },
        deploy: {
          name: `github-${prefix}-deploy`,
          description: `GitHub Actions deploys ${environment}, after the approval of its reviewers`,
          assume_role_policy: trust(partition, account, [subject(`environment:${environment}`)]),
          max_session_duration: 3_600,
          depends_on: ["aws_iam_openid_connect_provider.github"],
        },
      },
      aws_iam_role_policy: {
        plan: { name: "plan", role: "${aws_iam_role.plan.id}", policy: policy(planStatements(input)) },
        deploy: {
          name: "roles",
          role: "${aws_iam_role.deploy.id}",
          policy: policy([{ Sid: "RolesOfTheEnvironment", Effect: "Allow", Action: ["iam:*"], Resource: [roles] }]),
        },
      },
      aws_iam_role_policy_attachment: {
        deploy: {
          role: "${aws_iam_role.deploy.name}",
          // Everything but IAM.
          policy_arn: `arn:${partition}:iam::aws:policy/PowerUserAccess`,
        },
      },
    },
    output: {
      plan_role: { value: "${aws_iam_role.plan.arn}" },
      deploy_role: { value: "${aws_iam_role.deploy.arn}" },
    },
  };
}

function trust(partition: string, account: string, subjects: readonly string[]): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { Federated: `arn:${partition}:iam::${account}:oidc-provider/${ISSUER}` },
        Action: "sts:AssumeRoleWithWebIdentity",
        // Whole subjects: a pattern would let every branch in.
        Condition: { StringEquals: { [`${ISSUER}:aud`]: "sts.amazonaws.com", [`${ISSUER}:sub`]: subjects } },
      },
    ],
  });
}

const policy = (statements: readonly Statement[]) => JSON.stringify({ Version: "2012-10-17", Statement: statements });
