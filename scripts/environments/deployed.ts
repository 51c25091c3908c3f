/** Finds an environment: its stack, what that says runs where, and how AWS clients get there. */
import { homeAt } from "../emulator/home";
import { featuresSchema, readRunning, type Features } from "../emulator/run-record";
import { readStateBackend, stateBucketExists } from "../terraform/state-bucket";
import { readTags, synthesizeStack } from "../terraform/synthesize";
import { terraformInit, terraformOutputs, withoutAwsSettings, type TerraformOptions } from "../terraform/terraform";

/** The environment that needs no account. */
export const LOCAL = "local";

/** What clients of the AWS SDK are made with. Without credentials they look for them as usual. */
export interface AwsSettings {
  readonly region: string;
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** A synthesized environment, deployed or not. */
export interface EnvironmentStack {
  readonly name: string;
  /** Where cdk.tf.json is. */
  readonly directory: string;
  /** True: the app does not have it, it is somebody's own. */
  readonly personal: boolean;
  readonly aws: AwsSettings;
  /** What every Terraform in it is run with. */
  readonly terraform: TerraformOptions;
}

export interface Deployed {
  /** Each feature's outputs by name. */
  readonly features: Features;
  readonly aws: AwsSettings;
}

/** There is nothing to work on. The message says what to do. */
export class NotDeployedError extends Error {
  override readonly name = "NotDeployedError";
}

export interface DeployedOptions {
  /** The CDKTF app that has the environment. */
  readonly app: string;
  /** For `local`: the folder that was given to npm start. */
  readonly home: string;
}

/**
 * Synthesizes an environment: one of the app's, or somebody's own of any other name.
 *
 * @throws AppMissingError, UnknownEnvironmentError, NotDeployedError (nothing runs on this machine)
 */
export async function openStack(environment: string, { app, home }: DeployedOptions): Promise<EnvironmentStack> {
  const local = environment === LOCAL ? await findLocal(home) : undefined;
  const directory = await synthesizeStack(environment, { app, personal: true, ...local });
  const { region, access_key, secret_key, endpoints } = await readStateBackend(directory);
  return {
    name: environment,
    directory,
    personal: "Personal" in (await readTags(directory)),
    aws: {
      region,
      ...(endpoints && { endpoint: endpoints.s3 }),
      ...(access_key !== undefined &&
        secret_key !== undefined && { credentials: { accessKeyId: access_key, secretAccessKey: secret_key } }),
    },
    // What is in an emulator is nothing that this shell's AWS settings are for.
    terraform: { cwd: directory, ...(endpoints && { environment: withoutAwsSettings() }) },
  };
}

/**
 * Refuses a personal environment that nobody has deployed: whoever names it has mistyped another's name.
 * @throws NotDeployedError
 */
export async function refuseUnknown({ name, personal, directory }: EnvironmentStack, app: string): Promise<void> {
  if (!personal || (await stateBucketExists(directory))) return;
  throw new NotDeployedError(
    `${app} has no environment "${name}", and nobody has deployed one: npm run deploy -- ${name}`,
  );
}

/**
 * Reads an environment's outputs from its Terraform state.
 *
 * @throws NotDeployedError, UnknownEnvironmentError, TerraformFailedError
 */
export async function findDeployed(environment: string, options: DeployedOptions): Promise<Deployed> {
  const stack = await openStack(environment, options);
  await refuseUnknown(stack, options.app);
  await terraformInit(stack.terraform);
  return { features: featuresSchema.parse(await terraformOutputs(stack.terraform)), aws: stack.aws };
}

/** Where `npm start` runs, or the emulator that ALMANAC_AWS_ENDPOINT names. */
async function findLocal(folder: string): Promise<{ awsEndpoint: string; outputDirectory: string }> {
  const home = homeAt(folder);
  const awsEndpoint = process.env["ALMANAC_AWS_ENDPOINT"] || (await readRunning(home))?.endpoint;
  if (awsEndpoint === undefined) throw new NotDeployedError("nothing runs on this machine: npm start");
  return { awsEndpoint, outputDirectory: home.synthesized };
}
