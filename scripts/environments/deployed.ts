/** Finds a deployed environment: what its stack says runs where, and how AWS clients get there. */
import { homeAt } from "../local/home";
import { featuresSchema, readRunning, type Features } from "../local/run-record";
import { readStateBackend } from "../shared/state-bucket";
import { synthesizeStack } from "../shared/synthesize";
import { terraformInit, terraformOutputs, withoutAwsSettings } from "../shared/terraform";

/** The environment that needs no account. */
export const LOCAL = "local";

/** What clients of the AWS SDK are made with. Without credentials they look for them as usual. */
export interface AwsSettings {
  readonly region: string;
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
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
 * Reads an environment's outputs from its Terraform state.
 *
 * @throws NotDeployedError, UnknownEnvironmentError, TerraformFailedError
 */
export async function findDeployed(environment: string, { app, home }: DeployedOptions): Promise<Deployed> {
  const local = environment === LOCAL ? await findLocal(home) : undefined;
  const stack = await synthesizeStack(environment, { app, ...local });
  const terraform = { cwd: stack, ...(local && { environment: withoutAwsSettings() }) };
  await terraformInit(terraform);
  const features = featuresSchema.parse(await terraformOutputs(terraform));
  const { region, access_key, secret_key } = await readStateBackend(stack);
  return {
    features,
    aws: {
      region,
      ...(local && { endpoint: local.awsEndpoint }),
      ...(access_key !== undefined &&
        secret_key !== undefined && { credentials: { accessKeyId: access_key, secretAccessKey: secret_key } }),
    },
  };
}

/** Where `npm start` runs, or the emulator that ALMANAC_AWS_ENDPOINT names. */
export async function findLocal(folder: string): Promise<{ awsEndpoint: string; outputDirectory: string }> {
  const home = homeAt(folder);
  const awsEndpoint = process.env["ALMANAC_AWS_ENDPOINT"] || (await readRunning(home))?.endpoint;
  if (awsEndpoint === undefined) throw new NotDeployedError("nothing runs on this machine: npm start");
  return { awsEndpoint, outputDirectory: home.synthesized };
}
