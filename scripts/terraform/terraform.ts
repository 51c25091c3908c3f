/** Runs the real Terraform, with an environment in which it asks nothing and finds the AWS provider that is here already. */
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import {
  CommandFailedError,
  CommandNotFoundError,
  ownEnvironment,
  runCommand,
  type CommandOptions,
} from "../shared/run-command";
import { TerraformProgress, type ChangeCounts } from "./events";
import { findProviderMirror, mirrorCandidates, mirrorConfiguration } from "./provider-mirror";

/** The S3 backend's own lock file came with 1.10. */
const OLDEST_TERRAFORM = [1, 10] as const;
const INSTALL_LINK = "https://developer.hashicorp.com/terraform/install";
const CLI_CONFIGURATION = ".almanac/terraform/cli.tfrc";

/** Terraform is missing or too old. The message says so, and where to get it. */
export class TerraformUnusableError extends Error {
  override readonly name = "TerraformUnusableError";
}

/** A Terraform command failed. The message holds Terraform's own errors, readable. */
export class TerraformFailedError extends Error {
  override readonly name = "TerraformFailedError";
}

export interface TerraformOptions {
  /** The folder of the stack: where cdk.tf.json is. */
  readonly cwd: string;
  /** Added to the environment of {@link terraformEnvironment}, or taken out of it (undefined). */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Called with each line of output as it comes. */
  readonly onLine?: (line: string) => void;
  /** Aborted: Terraform is interrupted, and releases its lock. */
  readonly signal?: AbortSignal;
  /** How long an interrupted Terraform may take for that, in milliseconds. @default 15 seconds */
  readonly graceMs?: number;
}

export interface TerraformRunOptions extends Omit<TerraformOptions, "onLine"> {
  /** Called with one line for people whenever something was done, or takes long. */
  readonly onProgress?: (message: string) => void;
  /** How many changes there are to come, where Terraform does not say. */
  readonly planned?: number;
}

/**
 * The version that `terraform` on the PATH has, such as "1.11.4".
 * @throws TerraformUnusableError when it is missing or older than 1.10
 */
export async function terraformVersion(): Promise<string> {
  const { code, stdout, stderr } = await runTerraform(["version", "-json"], {
    env: { ...ownEnvironment(), CHECKPOINT_DISABLE: "1" },
  });
  const version = /"terraform_version":\s*"([^"]+)"/.exec(stdout)?.[1];
  if (code !== 0 || version === undefined) {
    throw new TerraformUnusableError(
      `terraform does not tell its version:\n${stderr}\nInstall it anew: ${INSTALL_LINK}`,
    );
  }
  if (!isRecentEnough(version)) {
    throw new TerraformUnusableError(
      `Terraform ${version} is too old: Almanac needs ${OLDEST_TERRAFORM.join(".")} or newer (the S3 lock file). ${INSTALL_LINK}`,
    );
  }
  return version;
}

/** Whether the S3 backend of this Terraform knows `use_lockfile`. */
export function isRecentEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > OLDEST_TERRAFORM[0] || (major === OLDEST_TERRAFORM[0] && minor >= OLDEST_TERRAFORM[1]);
}

/** The environment that every Terraform (and cdktf) is run with: this process's own, made quiet and at home offline. */
export async function terraformEnvironment(): Promise<Record<string, string>> {
  const environment: Record<string, string> = {
    ...ownEnvironment(),
    CHECKPOINT_DISABLE: "1",
    TF_IN_AUTOMATION: "1",
    TF_INPUT: "0",
  };
  if (hasCliConfiguration(environment)) return environment;

  // One that is named but not there would be a warning at each run.
  delete environment["TF_CLI_CONFIG_FILE"];
  const mirror = await findProviderMirror(await mirrorCandidates());
  if (mirror !== undefined) environment["TF_CLI_CONFIG_FILE"] = await writeCliConfiguration(mirror);
  return environment;
}

/**
 * To add to the environment for a stack in an emulator: it takes out the user's AWS profile and Terraform workspace, which are for real
 * accounts, and would only fail here.
 */
export function withoutAwsSettings(): Readonly<Record<string, undefined>> {
  const names = Object.keys(process.env).filter((name) => /^(AWS_|TF_WORKSPACE$|TF_DATA_DIR$)/.test(name));
  return Object.fromEntries(names.map((name) => [name, undefined]));
}

/** True when the user has told Terraform where its providers come from: then that holds, whatever is in the usual places. */
function hasCliConfiguration(environment: Readonly<Record<string, string>>): boolean {
  const named = environment["TF_CLI_CONFIG_FILE"];
  if (named !== undefined && named !== "") return existsSync(named);
  const usual =
    process.platform === "win32" ? join(environment["APPDATA"] ?? "", "terraform.rc") : join(homedir(), ".terraformrc");
  return existsSync(usual);
}

async function writeCliConfiguration(mirror: string): Promise<string> {
  const file = resolve(CLI_CONFIGURATION);
  const text = mirrorConfiguration(mirror);
  const written = await readFile(file, "utf8").catch(() => undefined);
  if (written !== text) {
    // Renamed into place: another command may be reading it.
    const unfinished = `${file}.${process.pid}`;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(unfinished, text);
    await rename(unfinished, file);
  }
  return file;
}

/**
 * Runs `terraform <args>` and gives its standard output.
 * @throws TerraformFailedError with what it wrote, TerraformUnusableError when there is no Terraform
 */
export async function terraform(args: readonly string[], options: TerraformOptions): Promise<string> {
  const result = await runTerraform(args, await commandOptions(options));
  if (result.code !== 0) {
    const { message } = new CommandFailedError(`terraform ${args.join(" ")}`, result);
    throw new TerraformFailedError(message);
  }
  return result.stdout;
}

/** `terraform init`: providers, backend. Safe to repeat. */
export async function terraformInit(options: TerraformOptions): Promise<void> {
  // -reconfigure: the emulator's port may have changed since, which is no move of state.
  await terraform(["init", "-no-color", "-reconfigure"], options);
}

/**
 * `terraform plan`, saved into a file. The file has secrets in it, if the state has.
 * @throws TerraformFailedError with every error it told
 */
export async function terraformPlan(file: string, options: TerraformRunOptions): Promise<void> {
  await runWithProgress(["plan", `-out=${file}`, "-json"], options);
}

/**
 * A saved plan as JSON.
 * @throws TerraformFailedError
 */
export async function terraformShowPlan(file: string, options: TerraformOptions): Promise<string> {
  return terraform(["show", "-json", "-no-color", file], options);
}

/**
 * `terraform apply` of a saved plan, and nothing but it.
 * @returns what it changed
 * @throws TerraformFailedError with every error it told
 */
export async function terraformApplyPlan(file: string, options: TerraformRunOptions): Promise<ChangeCounts> {
  return runWithProgress(["apply", "-json", file], options);
}

/**
 * `terraform apply` without a question.
 * @returns what it changed
 * @throws TerraformFailedError with every error it told
 */
export async function terraformApply(options: TerraformRunOptions): Promise<ChangeCounts> {
  return runWithProgress(["apply", "-auto-approve", "-json"], options);
}

/**
 * `terraform destroy` without a question.
 * @returns what it changed
 * @throws TerraformFailedError with every error it told
 */
export async function terraformDestroy(options: TerraformRunOptions): Promise<ChangeCounts> {
  return runWithProgress(["destroy", "-auto-approve", "-json"], options);
}

const outputsSchema = z.record(z.string(), z.object({ value: z.unknown(), sensitive: z.boolean() }));

/** The root outputs by name, without the sensitive ones. */
export async function terraformOutputs(options: TerraformOptions): Promise<Readonly<Record<string, unknown>>> {
  const outputs = outputsSchema.parse(JSON.parse(await terraform(["output", "-json", "-no-color"], options)));
  return Object.fromEntries(
    Object.entries(outputs)
      .filter(([, { sensitive }]) => !sensitive)
      .map(([name, { value }]) => [name, value]),
  );
}

async function runWithProgress(args: readonly string[], options: TerraformRunOptions): Promise<ChangeCounts> {
  const { onProgress, planned, ...rest } = options;
  const progress = new TerraformProgress(planned);
  const onLine = (line: string) => {
    const message = progress.read(line);
    if (message !== undefined) onProgress?.(message);
  };
  const { code } = await runTerraform(args, await commandOptions({ ...rest, onLine }));
  if (code !== 0) throw new TerraformFailedError(`terraform ${args[0] ?? ""} failed:\n${progress.errors}`);
  return progress.applied;
}

async function commandOptions({ cwd, environment = {}, ...rest }: TerraformOptions): Promise<CommandOptions> {
  const changed = Object.entries({ ...(await terraformEnvironment()), ...environment });
  return {
    cwd,
    env: Object.fromEntries(changed.filter((entry): entry is [string, string] => entry[1] !== undefined)),
    ...rest,
  };
}

async function runTerraform(args: readonly string[], options: CommandOptions) {
  try {
    return await runCommand("terraform", args, options);
  } catch (error) {
    if (error instanceof CommandNotFoundError) {
      throw new TerraformUnusableError(`Terraform is missing. Install 1.10 or newer: ${INSTALL_LINK}`, {
        cause: error,
      });
    }
    throw error;
  }
}
