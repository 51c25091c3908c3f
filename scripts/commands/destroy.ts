/** `almanac destroy <environment>`: destroys an environment with its data, and reports what is left of it. */
import { deleteLateLogs } from "../environments/late-logs";
import { LOCAL } from "../environments/names";
import { findOrphans } from "../environments/orphaned-resources";
import { openStack, requireDeployed, withStackFolder, type OpenOptions } from "../environments/stack";
import { DocumentedCommand, EXIT, exitCodeOf, withApp, type AppOptions } from "../shared/terminal/command-line";
import { confirm } from "../shared/terminal/confirm";
import { isFields } from "../shared/fields";
import { requireAccount } from "../terraform/account";
import { initWithKeptPlugins } from "../terraform/kept-plugins";
import { readStackResources } from "../terraform/stack-resources";
import { deleteState, ensureStateBucket, type DeletedState } from "../terraform/state-bucket";
import { readTags } from "../terraform/synthesize";
import { ensureTerraform, terraformDestroy } from "../terraform/terraform";

/** Destroyed only with its name given twice, whether it protects its data or not. */
const PRODUCTION = "production";

interface Options extends AppOptions {
  readonly yes: boolean;
  readonly yesDestroy?: string;
  readonly keepState: boolean;
}

export const command = () =>
  withApp(
    new DocumentedCommand({
      description:
        "Destroys everything in an environment, data included, then its Terraform state and the bucket of it, unless others use that, and lists what is left.",
      examples: ["npx almanac destroy alice", `npx almanac destroy ${PRODUCTION} --yes-destroy ${PRODUCTION}`],
      exitCodes: { [EXIT.failure]: "refused or failed, or resources are left" },
    }),
  )
    .argument("<environment>", "declared in main.ts, or personal: staging, alice")
    .option("--yes", "skip the confirmation", false)
    .option("--yes-destroy <environment>", `required for ${PRODUCTION}: its name again`)
    .option("--keep-state", "keep the state bucket, to deploy again", false)
    .action(exitCodeOf(run));

/** The environment must not be destroyed like this. The message says what to do. */
class DestroyRefusedError extends Error {
  override readonly name = "DestroyRefusedError";
}

async function run(environment: string, options: Options): Promise<number> {
  return withStackFolder((own) => destroy(environment, { ...options, ...own }));
}

async function destroy(environment: string, options: Options & OpenOptions): Promise<number> {
  if (environment === PRODUCTION && options.yesDestroy !== PRODUCTION) {
    throw new DestroyRefusedError(
      `This would destroy ${PRODUCTION} with all its data. If you mean it: npx almanac destroy ${PRODUCTION} --yes-destroy ${PRODUCTION}`,
    );
  }
  await ensureTerraform(options);
  const stack = await openStack(environment, options);
  await requireAccount(stack.directory);
  await requireDeployed(stack, options.app);
  await refuseIfProtected(environment, stack.directory);
  if (environment !== LOCAL && !options.yes && options.yesDestroy !== environment) {
    await confirm(`This deletes all data of ${environment}. Type its name to go on: `, environment, options.signal);
  }

  // terraform init fails without the bucket, even when there is nothing to destroy.
  await ensureStateBucket(stack.directory);
  await initWithKeptPlugins(stack.terraform);
  const { remove } = await terraformDestroy({ ...stack.terraform, onProgress: console.log });
  console.log(`${environment}: ${remove} resources destroyed.`);

  const state = options.keepState ? undefined : await deleteState(stack.directory);
  if (state !== undefined) console.log(describeDeleted(state));
  const { App = "", Environment = "" } = await readTags(stack.directory);
  const prefix = `${App}-${Environment}`;
  for (const name of await deleteLateLogs(prefix, stack.aws))
    console.log(`${name}: written to once more, deleted again.`);
  const { found, kinds } = await findOrphans(prefix, stack.aws);
  const left = state?.deleted === "bucket" ? found : found.filter((each) => !each.endsWith("-terraform-state"));
  if (left.length > 0) {
    console.error(
      `Still there:\n${left.map((each) => `  ${each}`).join("\n")}\nThey are not in the Terraform state. Delete them by hand.`,
    );
    return EXIT.failure;
  }
  console.log(`Nothing named ${prefix} is left: no ${kinds.slice(0, -1).join(", ")} or ${kinds.at(-1) ?? ""}.`);
  return EXIT.ok;
}

function describeDeleted({ bucket, deleted }: DeletedState): string {
  if (deleted === "nothing") return `${bucket}: does not exist.`;
  return deleted === "bucket"
    ? `${bucket}: deleted, with all versions of the state.`
    : `${bucket}: all versions of the state deleted. The bucket is kept: there is something else in it.`;
}

/** Terraform would refuse too, but halfway through, with the unprotected resources gone. */
async function refuseIfProtected(environment: string, stack: string): Promise<void> {
  const resources = await readStackResources(stack);
  if (!resources.some(({ values: { lifecycle } }) => isFields(lifecycle) && lifecycle["prevent_destroy"] === true))
    return;
  throw new DestroyRefusedError(
    `${environment} is protected. To destroy it: set protectData: false in main.ts, deploy that, then destroy.`,
  );
}
