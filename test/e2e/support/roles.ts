/** Temporarily removes permissions of deployed functions. */
import { GetRolePolicyCommand, IAMClient, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import * as z from "zod";
import { withDeployment, type awsConfiguration } from "./system";

const policySchema = z.looseObject({ Statement: z.array(z.looseObject({ Sid: z.string() })) });

/** Runs the work while a function's role has only the statements with these Sids. Restores the policy afterwards. */
export async function withStatementsOnly(
  aws: ReturnType<typeof awsConfiguration>,
  functionName: string,
  keep: (sid: string) => boolean,
  work: () => Promise<void>,
): Promise<void> {
  const iam = new IAMClient(aws);
  const policy = { RoleName: functionName, PolicyName: "permissions" };
  await withDeployment(async () => {
    const { PolicyDocument } = await iam.send(new GetRolePolicyCommand(policy));
    const whole = decodeURIComponent(PolicyDocument ?? "");
    const { Statement, ...rest } = policySchema.parse(JSON.parse(whole));
    const kept = JSON.stringify({ ...rest, Statement: Statement.filter(({ Sid }) => keep(Sid)) });
    await iam.send(new PutRolePolicyCommand({ ...policy, PolicyDocument: kept }));
    try {
      await work();
    } finally {
      await iam.send(new PutRolePolicyCommand({ ...policy, PolicyDocument: whole }));
    }
  });
}
