/** The deployed policies from Terraform's state, with all names resolved. */
import * as z from "zod";
import { resourcesOfState, stateSchema } from "../../../scripts/terraform/state";
import { terraform } from "../../../scripts/terraform/terraform";
import type { Deployed, Statement } from "../../support/least-privilege/evaluate";

const oneOrMore = z.union([z.string().transform((one) => [one]), z.array(z.string())]);
const statementSchema = z.strictObject({
  Sid: z.string(),
  Effect: z.enum(["Allow", "Deny"]),
  Action: oneOrMore,
  Resource: oneOrMore,
  Condition: z.record(z.string(), z.unknown()).optional(),
});
const policySchema = z.object({ Statement: z.array(statementSchema) });

const bucketKeysSchema = z
  .array(z.object({ apply_server_side_encryption_by_default: z.array(z.object({ kms_master_key_id: z.string() })) }))
  .transform((rules) => rules.flatMap((rule) => rule.apply_server_side_encryption_by_default));

/** @param stack the folder of the synthesized stack */
export async function deployedPolicies(stack: string): Promise<Deployed> {
  const state = stateSchema.parse(JSON.parse(await terraform(["state", "pull"], { cwd: stack })));
  const resources = resourcesOfState(state);
  const all = (type: string) => resources.filter((resource) => resource.type === type).map(({ values }) => values);
  if (all("aws_iam_role_policy_attachment").length > 0) throw new Error("attached policies are not supported");

  const roles = new Map<string, Statement[]>(all("aws_iam_role").map(({ name }) => [text(name), []]));
  for (const { role, policy } of all("aws_iam_role_policy"))
    roles.get(text(role))?.push(...policySchema.parse(json(policy)).Statement);
  return {
    roles,
    resourcePolicies: new Map([
      ...["aws_sqs_queue", "aws_sns_topic_policy", "aws_kms_key"].flatMap((type) =>
        all(type).map(({ arn, policy }) => [text(arn), json(policy)] as const),
      ),
      ...all("aws_s3_bucket_policy").map(({ bucket, policy }) => [bucketArn(bucket), json(policy)] as const),
    ]),
    encryptionKeys: new Map([
      ...all("aws_sns_topic").map(({ arn, kms_master_key_id: key }) => [text(arn), text(key)] as const),
      ...all("aws_s3_bucket_server_side_encryption_configuration").flatMap(({ bucket, rule }) =>
        bucketKeysSchema
          .parse(rule)
          .filter(({ kms_master_key_id: key }) => key !== "")
          .map(({ kms_master_key_id: key }) => [bucketArn(bucket), key] as const),
      ),
    ]),
  };
}

const text = (value: unknown) => z.string().parse(value);
const json = (value: unknown): unknown => JSON.parse(text(value));
const bucketArn = (bucket: unknown) => `arn:aws:s3:::${text(bucket)}`;
