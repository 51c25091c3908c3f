/** `npm run bootstrap -- <environment>`: makes what an environment needs and cannot make for itself. */
import { DEFAULT_HOME } from "../emulator/home";
import { describeError, EXIT, npmCommand } from "../shared/command-line";
import { bootstrap } from "../environments/bootstrap";
import { openStack, type DeployedOptions } from "../environments/deployed";

const command = npmCommand(
  "npm run bootstrap --",
  [
    "Makes the bucket for an environment's Terraform state: versioned, encrypted, TLS only, closed to the public.",
    "And gives API Gateway a role for access logs, where the account has none yet. Safe to repeat.",
  ].join("\n"),
)
  .argument("<environment>", "as main.ts names it: staging")
  .option("--app <file>", "the app that has the environment", "main.ts")
  .option("--home <folder>", "for local: the folder that was given to npm start", DEFAULT_HOME)
  .addHelpText("after", "\nUses the AWS credentials of your shell (AWS_PROFILE, AWS_ACCESS_KEY_ID, SSO ...).")
  .parse();

async function main(environment: string, options: DeployedOptions): Promise<void> {
  const { bucket, created, apiLogs } = await bootstrap(await openStack(environment, options));
  console.log(`${bucket}: ${created ? "created" : "there already"}, versioned, encrypted, TLS only.`);
  if (apiLogs)
    console.log(`${apiLogs.role}: API Gateway's role for access logs, ${apiLogs.set ? "set" : "there already"}.`);
  console.log(`Next: npm run deploy -- ${environment}`);
}

main(command.args[0] ?? "", command.opts()).catch((error: unknown) => {
  console.error(`npm run bootstrap failed. ${describeError(error)}`);
  process.exitCode = EXIT.failure;
});
