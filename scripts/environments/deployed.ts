/** Finds a deployed environment: what runs where, and how AWS clients reach it. Reads its Terraform state; runs no Terraform. */
import type { AwsSettings } from "../shared/aws/aws-settings";
import { deployingProcess, describeDeploying } from "../emulator/run-record";
import { homeAt } from "../shared/home";
import type { EnvironmentOptions } from "../shared/terminal/command-line";
import { featuresSchema, type Features } from "../shared/feature-outputs";
import { outputsOfState, readState, type State } from "../terraform/state";
import { awsSettingsOf } from "../terraform/state-bucket";
import { followClock } from "./environment-clock";
import { chosenEnvironment, LOCAL, rememberPersonal, requireFindable } from "./names";
import { NotDeployedError, notDeployed } from "./stack";
import { findState } from "./state-location";

export interface Deployed {
  readonly name: string;
  /** Each feature's outputs by name. */
  readonly features: Features;
  readonly aws: AwsSettings;
  readonly state: State;
}

/**
 * The environment that the options choose, for a command: from here on it works in the time of that environment.
 * @throws UsageError, UnknownEnvironmentError, NotDeployedError
 */
export async function findDeployed(options: EnvironmentOptions): Promise<Deployed> {
  const deployed = await readDeployed(options);
  if (deployed.aws.endpoint !== undefined) await followClock(deployed.aws.endpoint);
  return deployed;
}

/**
 * The same, for a program that follows the environment's clock itself.
 * @throws UsageError, UnknownEnvironmentError, NotDeployedError
 */
export async function readDeployed(options: EnvironmentOptions): Promise<Deployed> {
  const name = await chosenEnvironment(options);
  await requireFindable(name, options.app);
  const { backend, personal } = await findState(name, options);
  const deploying = name === LOCAL ? await deployingProcess(homeAt(options.home)) : undefined;
  const state = await readState(backend);
  const features = featuresSchema.parse(state === undefined ? {} : outputsOfState(state));
  // Terraform saves the outputs last. npm start itself starts a console then.
  if (deploying !== undefined && deploying !== process.ppid && Object.keys(features).length === 0)
    throw new NotDeployedError(describeDeploying(deploying));
  if (state === undefined) throw notDeployed(name, personal, options.app);
  if (personal) rememberPersonal([name]);
  return { name, features, aws: awsSettingsOf(backend), state };
}
