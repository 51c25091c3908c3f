/** Synthesizes an environment, for commands that run Terraform on it. */
import { deployingProcess, describeAbsent } from "../emulator/run-record";
import { homeAt } from "../shared/home";
import { UsageError, type AppOptions } from "../shared/terminal/command-line";
import type { AwsSettings } from "../shared/aws/aws-settings";
import { copyForeignStack } from "../terraform/foreign-stack";
import { awsSettingsOf, readStateBackend, stateBucketExists } from "../terraform/state-bucket";
import { readTags, synthesizeStack } from "../terraform/synthesize";
import { emulatorEnvironment, type TerraformOptions } from "../terraform/terraform";
import { checkName, LOCAL, localEndpoint, requireFindable } from "./names";

/** A synthesized environment, deployed or not. */
export interface EnvironmentStack {
  readonly name: string;
  /** The folder of cdk.tf.json. */
  readonly directory: string;
  /** True: the app does not declare it, so it is a person's own. */
  readonly personal: boolean;
  readonly aws: AwsSettings;
  /** For every Terraform run in it. */
  readonly terraform: TerraformOptions;
}

/** The environment is not deployed, or not running. The message says what to do. */
export class NotDeployedError extends Error {
  override readonly name = "NotDeployedError";
}

/**
 * Synthesizes an environment: one that the app declares, or a personal one of any other name.
 *
 * @param given.anyName true: also a name that looks like a typing error of another
 * @throws AppMissingError, UnknownEnvironmentError, NotDeployedError (`local` is not running)
 */
export async function openStack(
  name: string,
  { app, home, anyName = false }: AppOptions & { readonly anyName?: boolean },
): Promise<EnvironmentStack> {
  if (name === "") throw new UsageError("The name of an environment is missing.");
  if (!anyName) checkName(name, app);
  await requireFindable(name, app);
  const local = name === LOCAL ? await localSynthesis(home) : {};
  return stackAt(name, await synthesizeStack(name, { app, personal: true, ...local }));
}

/**
 * A stack that unreviewed code has synthesized, such as a pull request's.
 * @throws ForeignStackError
 */
export async function openForeignStack(name: string, directory: string, home: string): Promise<EnvironmentStack> {
  const copy = homeAt(home).foreignStack;
  await copyForeignStack(directory, copy);
  return stackAt(name, copy);
}

async function stackAt(name: string, directory: string): Promise<EnvironmentStack> {
  const backend = await readStateBackend(directory);
  return {
    name,
    directory,
    personal: "Personal" in (await readTags(directory)),
    aws: awsSettingsOf(backend),
    // This shell's AWS settings are for real accounts.
    terraform: { cwd: directory, ...(backend.endpoints && { environment: emulatorEnvironment() }) },
  };
}

/**
 * Refuses a personal environment that is not deployed: its name is probably a typing error.
 * @throws NotDeployedError
 */
export async function requireDeployed({ name, personal, directory }: EnvironmentStack, app: string): Promise<void> {
  if (personal && !(await stateBucketExists(directory))) throw notDeployed(name, personal, app);
}

export function notDeployed(name: string, personal: boolean, app: string): NotDeployedError {
  return new NotDeployedError(
    personal
      ? `${app} has no environment "${name}", and no personal environment of that name is deployed. To deploy one: npx almanac deploy ${name}`
      : `${name} is not deployed yet: npx almanac deploy ${name}`,
  );
}

/** How `local` is synthesized. @throws NotDeployedError */
export async function localSynthesis(
  home: string,
): Promise<{ readonly awsEndpoint: string; readonly outputDirectory: string }> {
  const awsEndpoint = await localEndpoint(home);
  if (awsEndpoint === undefined) throw new NotDeployedError(describeAbsent(await deployingProcess(homeAt(home))));
  return { awsEndpoint, outputDirectory: homeAt(home).synthesized };
}
