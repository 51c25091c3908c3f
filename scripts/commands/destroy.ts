/** `npm run destroy -- <environment>`: takes an environment down, with everything that it has stored. */
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { deleteLateLogs } from "../environments/late-logs";
import { findLeftovers } from "../environments/orphaned-resources";
import { LOCAL, openStack, refuseUnknown, type DeployedOptions } from "../environments/deployed";
import { DEFAULT_HOME } from "../emulator/home";
import { ask } from "../shared/confirm";
import { describeError, EXIT, npmCommand } from "../shared/command-line";
import { deleteStateBucket, ensureStateBucket } from "../terraform/state-bucket";
import { readTags } from "../terraform/synthesize";
import { terraformDestroy, terraformInit } from "../terraform/terraform";

/** The environment that is not destroyed in passing, whatever it protects. */
const PRODUCTION = "production";

interface Options extends DeployedOptions {
  readonly yes: boolean;
  readonly yesDestroy?: string;
  readonly keepState: boolean;
}

const command = npmCommand(
  "npm run destroy --",
  "Destroys everything in an environment, data included, and then the bucket of its Terraform state; looks whether anything is left.",
)
  .argument("<environment>", "as main.ts names it, or your own: staging")
  .option("--yes", "do not ask", false)
  .option("--yes-destroy <environment>", `needed for ${PRODUCTION}: its name once more`)
  .option("--keep-state", "keep the state bucket, to deploy again", false)
  .option("--app <file>", "the app that has the environment", "main.ts")
  .option("--home <folder>", "for local: the folder that was given to npm start", DEFAULT_HOME)
  .parse();

/** What was asked can't or shall not be done. The message says what to do. */
class RefusedError extends Error {
  override readonly name = "RefusedError";
}

async function main(environment: string, options: Options): Promise<number> {
  if (environment === PRODUCTION && options.yesDestroy !== PRODUCTION) {
    throw new RefusedError(
      `this would destroy ${PRODUCTION}, with all of its data. If that is meant: npm run destroy -- ${PRODUCTION} --yes-destroy ${PRODUCTION}`,
    );
  }
  const stack = await openStack(environment, options);
  await refuseUnknown(stack, options.app);
  await refuseIfProtected(environment, stack.directory);
  if (environment !== LOCAL && !options.yes && options.yesDestroy !== environment) {
    await ask(`This deletes all data of ${environment}. Type its name to go on: `, environment);
  }

  // Without its bucket Terraform can't even say that there is nothing.
  await ensureStateBucket(stack.directory);
  await terraformInit(stack.terraform);
  const { remove } = await terraformDestroy({ ...stack.terraform, onProgress: console.log });
  console.log(`${environment}: ${remove} resources destroyed.`);

  const kept = options.keepState ? undefined : await deleteStateBucket(stack.directory);
  if (kept) console.log(`${kept.bucket}: deleted, with all versions of the state.`);
  const { App = "", Environment = "" } = await readTags(stack.directory);
  const prefix = `${App}-${Environment}`;
  for (const name of await deleteLateLogs(prefix, stack.aws))
    console.log(`${name}: written to once more, deleted again.`);
  const { found, kinds } = await findLeftovers(prefix, stack.aws);
  const left = kept ? found : found.filter((each) => !each.endsWith("-terraform-state"));
  if (left.length > 0) {
    console.error(
      `Still there:\n${left.map((each) => `  ${each}`).join("\n")}\nTerraform did not make these, or lost track of them.`,
    );
    return EXIT.failure;
  }
  console.log(`Nothing named ${prefix} is left: no ${kinds.slice(0, -1).join(", ")} or ${kinds.at(-1) ?? ""}.`);
  return EXIT.ok;
}

/** Terraform would refuse, too: but halfway through, with the unprotected half gone. */
async function refuseIfProtected(environment: string, stack: string): Promise<void> {
  const modules = await readdir(join(stack, "modules")).catch(() => []); // an environment without features has none
  for (const file of ["cdk.tf.json", ...modules.map((module) => join("modules", module, "main.tf.json"))]) {
    if ((await readFile(join(stack, file), "utf8")).includes(`"prevent_destroy": true`)) {
      throw new RefusedError(
        `${environment} is protected. To destroy it all the same: set protectData: false in main.ts, deploy that, then come back.`,
      );
    }
  }
}

main(command.args[0] ?? "", command.opts<Options>()).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(`npm run destroy: ${describeError(error)}`);
    process.exitCode = EXIT.failure;
  },
);
