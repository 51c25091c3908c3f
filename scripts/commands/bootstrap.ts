/** `almanac bootstrap <environment>`: creates what Terraform needs before it can run. */
import { bootstrap } from "../environments/bootstrap";
import { openStack } from "../environments/stack";
import { DocumentedCommand, EXIT, exitCodeOf, withApp, type AppOptions } from "../shared/command-line";

export const command = () =>
  withApp(
    new DocumentedCommand({
      description:
        "Creates the bucket of an environment's Terraform state: versioned, encrypted, TLS only, no public access. " +
        "Gives API Gateway a role for access logs, if the account has none. Idempotent. " +
        "Uses the AWS credentials of your shell (AWS_PROFILE, AWS_ACCESS_KEY_ID, SSO).",
      examples: ["npx almanac bootstrap staging"],
    }),
  )
    .argument("<environment>", "declared in main.ts: staging")
    .action(exitCodeOf(run));

async function run(environment: string, options: AppOptions): Promise<number> {
  const { bucket, created, apiLogs } = await bootstrap(await openStack(environment, options));
  console.log(`${bucket}: ${created ? "created" : "there already"}, versioned, encrypted, TLS only.`);
  if (apiLogs)
    console.log(`${apiLogs.role}: API Gateway's role for access logs, ${apiLogs.set ? "set" : "there already"}.`);
  console.log(`Next: npx almanac deploy ${environment}`);
  return EXIT.ok;
}
