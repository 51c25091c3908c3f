/** `npm run bootstrap -- <environment>`: makes what Terraform needs before it can work, the bucket that holds its state. */
import { DEFAULT_HOME } from "./local/home";
import { describeError, EXIT, npmCommand } from "./shared/command-line";
import { openStack, type DeployedOptions } from "./environments/deployed";
import { ensureStateBucket } from "./shared/state-bucket";

const command = npmCommand(
  "npm run bootstrap --",
  "Makes the bucket for an environment's Terraform state: versioned, encrypted, TLS only, closed to the public. Safe to repeat.",
)
  .argument("<environment>", "as main.ts names it: staging")
  .option("--app <file>", "the app that has the environment", "main.ts")
  .option("--home <folder>", "for local: the folder that was given to npm start", DEFAULT_HOME)
  .addHelpText("after", "\nUses the AWS credentials of your shell (AWS_PROFILE, AWS_ACCESS_KEY_ID, SSO ...).")
  .parse();

async function main(environment: string, options: DeployedOptions): Promise<void> {
  const { directory } = await openStack(environment, options);
  const { bucket, created } = await ensureStateBucket(directory);
  console.log(`${bucket}: ${created ? "created" : "there already"}, versioned, encrypted, TLS only.`);
  console.log(`Next: npm run deploy -- ${environment}`);
}

main(command.args[0] ?? "", command.opts()).catch((error: unknown) => {
  console.error(`npm run bootstrap failed. ${describeError(error)}`);
  process.exitCode = EXIT.failure;
});
