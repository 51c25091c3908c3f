/** Synthesizes an environment, for commands that run Terraform on it. */
import { MINUTE_MS } from "../../functions/shared/time";
import { requireRunning } from "../emulator/run-record";
import { homeAt } from "../shared/home";
import { interruptible } from "../shared/interrupts";
import { UsageError, type AppOptions } from "../shared/terminal/command-line";
import type { AwsSettings } from "../shared/aws/aws-settings";
import { requireSameState } from "../terraform/deployed-state";
import { copyForeignStack } from "../terraform/foreign-stack";
import { awsSettingsOf, readStateBackend, stateBucketExists } from "../terraform/state-bucket";
import { readTags, synthesizeStack } from "../terraform/synthesize";
import { emulatorEnvironment, type TerraformOptions } from "../terraform/terraform";
import { stackIn, withWorkFolder } from "../terraform/work-folder";
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

/** An interrupted Terraform waits for what AWS has begun and saves its state: killed before, it would forget what exists. */
const STOPPING = "Stopping: Terraform ends what it has begun and saves its state ...";
const INTERRUPTED_GRACE_MS = 10 * MINUTE_MS;

export interface OpenOptions extends AppOptions {
  /** True: also a name that looks like a typing error of another. @default false */
  readonly anyName?: boolean;
  /** Of this command: see work-folder.ts. */
  readonly folder: string;
  /** Aborted: interrupts the synthesis and Terraform. */
  readonly signal: AbortSignal;
}

/**
 * Calls `use` with what {@link openStack} needs: a folder, which is deleted afterwards, and a signal, which Ctrl-C and `kill` abort.
 */
export function withStackFolder<T>(use: (own: Pick<OpenOptions, "folder" | "signal">) => Promise<T>): Promise<T> {
  return interruptible(STOPPING, (signal) => withWorkFolder((folder) => use({ folder, signal })));
}

/**
 * Synthesizes an environment: one that the app declares, or a personal one of any other name.
 *
 * @throws AppMissingError, UnknownEnvironmentError, NotRunningError, StateMovedError
 */
export async function openStack(name: string, options: OpenOptions): Promise<EnvironmentStack> {
  const { app, home, anyName = false, folder, signal } = options;
  if (name === "") throw new UsageError("The name of an environment is missing.");
  if (!anyName) checkName(name, app);
  await requireFindable(name, app);
  const awsEndpoint = name === LOCAL ? { awsEndpoint: await requireLocal(home) } : {};
  const synthesis = { app, personal: true, outputDirectory: folder, signal, ...awsEndpoint };
  const stack = await stackAt(name, await synthesizeStack(name, synthesis), signal);
  if (name === LOCAL) await requireSameState(homeAt(home).deployedState, await readStateBackend(stack.directory));
  return stack;
}

/**
 * A stack that unreviewed code has synthesized, such as a pull request's.
 * @throws ForeignStackError
 */
export async function openForeignStack(
  name: string,
  directory: string,
  { folder, signal }: Pick<OpenOptions, "folder" | "signal">,
): Promise<EnvironmentStack> {
  const copy = stackIn(folder, name);
  await copyForeignStack(directory, copy);
  return stackAt(name, copy, signal);
}

async function stackAt(name: string, directory: string, signal: AbortSignal): Promise<EnvironmentStack> {
  const backend = await readStateBackend(directory);
  return {
    name,
    directory,
    personal: "Personal" in (await readTags(directory)),
    aws: awsSettingsOf(backend),
    terraform: {
      cwd: directory,
      // This shell's AWS settings are for real accounts.
      environment: { ...(backend.endpoints && emulatorEnvironment()), TF_DATA_DIR: undefined },
      signal,
      graceMs: INTERRUPTED_GRACE_MS,
    },
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

/** The emulator of `local`. @throws NotRunningError */
export async function requireLocal(home: string): Promise<string> {
  return (await localEndpoint(home)) ?? (await requireRunning(homeAt(home))).endpoint;
}
