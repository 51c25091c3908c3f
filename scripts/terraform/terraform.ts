/** Runs Terraform non-interactively, with the AWS provider of this machine if there is one. */
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import * as z from "zod";
import { hideSecrets } from "../../functions/shared/plain-secret";
import {
  CommandFailedError,
  CommandNotFoundError,
  KILLED,
  ownEnvironment,
  runCommand,
  type CommandOptions,
} from "../shared/run-command";
import type { ProcessIdentity } from "../shared/processes";
import { TerraformProgress, type ChangeCounts } from "./events";
import { downloadedTerraform, offerTerraform, type DownloadOptions } from "./pinned-terraform";
import { findProviderMirror, mirrorCandidates, mirrorConfiguration } from "./provider-mirror";
import { UNSAVED_STATE } from "./work-folder";

/** The first version with lock files in the S3 backend. */
const OLDEST_TERRAFORM = [1, 10] as const;
const INSTALL_LINK = "https://developer.hashicorp.com/terraform/install";
/** Terraform's own default, 10, is for AWS, which throttles. */
const EMULATOR_PARALLELISM = "-parallelism=64";
const CLI_CONFIGURATION = ".almanac/terraform/cli.tfrc";

/** Terraform is missing or too old. The message says where to get it. */
export class TerraformUnusableError extends Error {
  override readonly name = "TerraformUnusableError";

  /** @param problem a sentence */
  constructor(
    readonly problem: string,
    options?: ErrorOptions,
  ) {
    super(`${problem} npm start downloads one, or install it: ${INSTALL_LINK}`, options);
  }
}

/** A Terraform command failed. The message has Terraform's errors, which quote values: those that look like secrets are hidden. */
export class TerraformFailedError extends Error {
  override readonly name = "TerraformFailedError";

  constructor(message: string) {
    super(hideSecrets(message));
  }
}

export interface TerraformOptions {
  /** The folder of cdk.tf.json. */
  readonly cwd: string;
  /** Added to {@link terraformEnvironment}, or removed from it (undefined). */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Called with each line of output. */
  readonly onLine?: (line: string) => void;
  /** Aborted: interrupts Terraform, which releases its lock. */
  readonly signal?: AbortSignal;
  /** Milliseconds before an interrupted Terraform is killed. @default 15 seconds */
  readonly graceMs?: number;
  /** True: Terraform and its providers are killed when this process is killed. @default they do the rest */
  readonly endsWithUs?: boolean;
  /** Called when Terraform runs. */
  readonly onStart?: (started: ProcessIdentity) => void;
}

export interface TerraformRunOptions extends Omit<TerraformOptions, "onLine"> {
  /** Called with progress lines. */
  readonly onProgress?: (message: string) => void;
  /** The number of changes, for a saved plan. */
  readonly planned?: number;
}

export interface PlanOptions {
  /** False: a plan that is only read. @default true */
  readonly locked?: boolean;
  /** Addresses of resources to replace, changed or not. */
  readonly replace?: readonly string[];
  /** False: the state is taken for what exists. @default true */
  readonly refresh?: boolean;
}

/** How long a change waits for another run on the same state. */
const LOCK_TIMEOUT = "-lock-timeout=10m";

/**
 * Downloads Terraform when this machine has none that is usable, after a confirmation: `yes`, CI=true, or a person at the terminal.
 * @throws ConfirmationRequiredError, TerraformDownloadError
 */
export async function ensureTerraform(options: DownloadOptions & { readonly yes: boolean }): Promise<void> {
  try {
    await terraformVersion();
  } catch (error) {
    if (!(error instanceof TerraformUnusableError)) throw error;
    await offerTerraform(error.problem, options);
    await terraformVersion();
  }
}

/**
 * The version of the downloaded Terraform, or else of the one on the PATH: `1.11.4`.
 * @throws TerraformUnusableError
 */
export async function terraformVersion(): Promise<string> {
  const { code, stdout, stderr } = await runTerraform(["version", "-json"], {
    env: { ...ownEnvironment(), CHECKPOINT_DISABLE: "1" },
  });
  const version = /"terraform_version":\s*"([^"]+)"/.exec(stdout)?.[1];
  if (code !== 0 || version === undefined) {
    throw new TerraformUnusableError(`terraform version failed: ${stderr.trim()}.`);
  }
  if (!isRecentEnough(version)) {
    throw new TerraformUnusableError(
      `Terraform ${version} is too old: Almanac needs ${OLDEST_TERRAFORM.join(".")} or newer (the S3 lock file).`,
    );
  }
  return version;
}

/** Whether the S3 backend of this version has `use_lockfile`. */
export function isRecentEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > OLDEST_TERRAFORM[0] || (major === OLDEST_TERRAFORM[0] && minor >= OLDEST_TERRAFORM[1]);
}

/** The environment of every Terraform and cdktf run: this process's, non-interactive, with a provider mirror if there is one. */
export async function terraformEnvironment(): Promise<Record<string, string>> {
  const environment: Record<string, string> = {
    // The garbage collectors of Terraform and its provider took a fifth of a plan's processor time; 400 takes some 150 MB more.
    GOGC: "400",
    ...ownEnvironment(),
    CHECKPOINT_DISABLE: "1",
    TF_IN_AUTOMATION: "1",
    TF_INPUT: "0",
  };
  // Another workspace is another state, in which nothing of the environment exists.
  delete environment["TF_WORKSPACE"];
  if (hasCliConfiguration(environment)) return environment;

  // A missing file would be a warning at each run.
  delete environment["TF_CLI_CONFIG_FILE"];
  const mirror = await findProviderMirror(await mirrorCandidates());
  if (mirror !== undefined) environment["TF_CLI_CONFIG_FILE"] = await writeCliConfiguration(mirror);
  return environment;
}

/**
 * For stacks on an emulator. Removes the user's AWS profile, which is for real accounts. Applies many resources at once,
 * because the provider mostly waits: 25 seconds for the attributes of each queue.
 */
export function emulatorEnvironment(): Readonly<Record<string, string | undefined>> {
  const names = Object.keys(process.env).filter((name) => /^(AWS_|TF_DATA_DIR$)/.test(name));
  return {
    ...Object.fromEntries(names.map((name) => [name, undefined])),
    TF_CLI_ARGS_apply: EMULATOR_PARALLELISM,
    TF_CLI_ARGS_destroy: EMULATOR_PARALLELISM,
  };
}

/** Whether the user has a Terraform CLI configuration, which takes precedence. */
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
    // Renamed into place: another command may read it.
    const unfinished = `${file}.${process.pid}`;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(unfinished, text);
    await rename(unfinished, file);
  }
  return file;
}

/**
 * Runs `terraform <args>`.
 * @returns its standard output
 * @throws TerraformFailedError, TerraformUnusableError
 */
export async function terraform(args: readonly string[], options: TerraformOptions): Promise<string> {
  const result = await runTerraform(args, await commandOptions(options));
  if (result.code !== 0) {
    const { message } = new CommandFailedError(`terraform ${args.join(" ")}`, result);
    throw new TerraformFailedError(message);
  }
  return result.stdout;
}

/** `terraform init`. Idempotent. */
export async function terraformInit(options: TerraformOptions): Promise<void> {
  // -reconfigure: a changed emulator port is no migration of state.
  const init = ["init", "-no-color", "-reconfigure"];
  try {
    await terraform(init, options);
  } catch (error) {
    // An earlier release of Almanac has left its choice of a provider. -upgrade takes longer: it asks for the newest each time.
    if (!(error instanceof TerraformFailedError && /must\s+use\s+terraform\s+init\s+-upgrade/.test(error.message)))
      throw error;
    await terraform([...init, "-upgrade"], options);
  }
}

/**
 * `terraform plan`, saved into a file, which contains the state's secrets. A plan that is only read needs no lock (`locked: false`): it
 * would make deployments fail meanwhile, and other plans.
 *
 * @throws TerraformFailedError
 */
export async function terraformPlan(
  file: string,
  { locked = true, replace = [], refresh = true, ...options }: TerraformRunOptions & PlanOptions,
): Promise<void> {
  const flags = [...replace.map((address) => `-replace=${address}`), ...(refresh ? [] : ["-refresh=false"])];
  await runWithProgress(["plan", `-out=${file}`, "-json", locked ? LOCK_TIMEOUT : "-lock=false", ...flags], options);
}

/**
 * A saved plan as JSON.
 * @throws TerraformFailedError
 */
export async function terraformShowPlan(file: string, options: TerraformOptions): Promise<string> {
  return terraform(["show", "-json", "-no-color", file], options);
}

/**
 * `terraform apply` of a saved plan.
 * @returns the changes
 * @throws TerraformFailedError
 */
export async function terraformApplyPlan(file: string, options: TerraformRunOptions): Promise<ChangeCounts> {
  return runWithProgress(["apply", "-json", LOCK_TIMEOUT, file], options);
}

/**
 * `terraform apply -auto-approve`.
 * @returns the changes
 * @throws TerraformFailedError
 */
export async function terraformApply(options: TerraformRunOptions): Promise<ChangeCounts> {
  return runWithProgress(["apply", "-auto-approve", "-json", LOCK_TIMEOUT], options);
}

/**
 * `terraform destroy -auto-approve`.
 * @returns the changes
 * @throws TerraformFailedError
 */
export async function terraformDestroy(options: TerraformRunOptions): Promise<ChangeCounts> {
  return runWithProgress(["destroy", "-auto-approve", "-json", LOCK_TIMEOUT], options);
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
  if (code === 0) return progress.applied;
  const [verb = ""] = args;
  const isInterrupted = rest.signal?.aborted === true;
  const lines = [
    `terraform ${verb} ${isInterrupted ? "was interrupted" : "failed"}:`,
    progress.errors,
    ...describeLeft(verb, { code, isInterrupted, folder: rest.cwd }),
  ];
  throw new TerraformFailedError(lines.filter((line) => line !== "").join("\n"));
}

/** What has become of the state, where that is not as usual. */
function describeLeft(
  verb: string,
  { code, isInterrupted, folder }: { readonly code: number; readonly isInterrupted: boolean; readonly folder: string },
): readonly string[] {
  if (existsSync(join(folder, UNSAVED_STATE)))
    return [
      `Its state was not saved. As soon as its bucket can be written, and before anything else: cd ${folder} && terraform state push ${UNSAVED_STATE}`,
    ];
  if (verb === "plan") return [];
  if (code === KILLED)
    return ["Terraform was killed: its state may lack what it did last. Look at what exists before you go on."];
  return isInterrupted ? ["Its state was saved. The same command does the rest."] : [];
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
    return await runCommand(downloadedTerraform() ?? "terraform", args, options);
  } catch (error) {
    if (error instanceof CommandNotFoundError) {
      throw new TerraformUnusableError("Terraform is missing.", { cause: error });
    }
    throw error;
  }
}
