/** Synthesizes main.ts, or another app, into stacks that Terraform can read. */
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import * as z from "zod";
import { hideSecrets } from "../../functions/shared/plain-secret";
import { interruptible } from "../shared/interrupts";
import { withLock } from "../shared/lock-file";
import { ownEnvironment, runCommand } from "../shared/run-command";
import { describeDiskMessage } from "../shared/terminal/file-errors";
import { terminalText } from "../shared/terminal/plain-text";
import { withWorkFolder } from "./work-folder";

export interface SynthesizeOptions {
  /** The CDKTF app. @default main.ts */
  readonly app?: string;
  /** Where the stacks are written. Another synthesis into it replaces them: a command that does not keep them uses {@link withStack}. */
  readonly outputDirectory: string;
  /** The emulator of the stack `local`. @default ALMANAC_AWS_ENDPOINT */
  readonly awsEndpoint?: string;
  /** True: a name that the app does not declare becomes a personal environment, if the app has those. @default false */
  readonly personal?: boolean;
  /** Aborted: the app is interrupted. */
  readonly signal?: AbortSignal;
}

/** The app does not exist. */
export class AppMissingError extends Error {
  override readonly name = "AppMissingError";
}

/** The app does not declare the environment. The message lists those that it declares. */
export class UndeclaredEnvironmentError extends Error {
  override readonly name = "UndeclaredEnvironmentError";
}

/** The app failed. The message is the app's own, without what looks like a secret, and with the line of the app that it came from. */
export class SynthesisFailedError extends Error {
  override readonly name = "SynthesisFailedError";

  constructor(message: string) {
    super(hideSecrets(message));
  }
}

type OwnFolderOptions = Omit<SynthesizeOptions, "outputDirectory" | "signal">;

/**
 * Calls `use` with the folder of one environment's stack, as {@link synthesizeStack} writes it. It is this command's own, and deleted
 * afterwards: nothing that another command synthesizes meanwhile gets into it.
 */
export async function withStack<T>(
  environment: string,
  options: OwnFolderOptions,
  use: (stack: string) => Promise<T>,
): Promise<T> {
  return withOwnFolder(async (own) => use(await synthesizeStack(environment, { ...options, ...own })));
}

/** As {@link withStack}, for all environments of the app. */
export async function withStacks<T>(
  options: Omit<OwnFolderOptions, "personal">,
  use: (stacks: SynthesizedStacks) => Promise<T>,
): Promise<T> {
  return withOwnFolder(async (own) => use(await synthesizeStacks({ ...options, ...own })));
}

function withOwnFolder<T>(use: (own: Pick<SynthesizeOptions, "outputDirectory" | "signal">) => Promise<T>): Promise<T> {
  return interruptible("Stopping ...", (signal) =>
    withWorkFolder((outputDirectory) => use({ outputDirectory, signal })),
  );
}

/**
 * Runs the app, which writes a stack for each of its environments.
 *
 * @returns the folder of one environment's stack
 * @throws AppMissingError, SynthesisFailedError, UndeclaredEnvironmentError
 */
export async function synthesizeStack(environment: string, options: SynthesizeOptions): Promise<string> {
  const { personal = false, ...rest } = options;
  const { app = "main.ts" } = rest;
  const { folder, names } = await synthesizeStacks({ ...rest, ...(personal && { personal: environment }) });
  if (!names.includes(environment))
    throw new UndeclaredEnvironmentError(`There is no environment "${environment}": ${app} has ${names.join(", ")}.`);
  return join(folder, environment);
}

interface SynthesizeAllOptions extends Omit<SynthesizeOptions, "personal"> {
  /** The name of a personal environment to include. */
  readonly personal?: string;
}

export interface SynthesizedStacks {
  /** Holds each environment's stack under its name, and stacks of earlier runs. */
  readonly folder: string;
  /** The app's environments, sorted. */
  readonly names: readonly string[];
}

/**
 * Runs the app. Leaves stacks that it does not have, such as a personal environment's: another command may be deploying one. Two commands
 * that write into one folder take turns.
 *
 * @throws AppMissingError, SynthesisFailedError
 */
export async function synthesizeStacks(options: SynthesizeAllOptions): Promise<SynthesizedStacks> {
  const { app = "main.ts", signal } = options;
  if (!existsSync(app))
    throw new AppMissingError(`There is no app ${app}. Pass --app with the file that declares the environments.`);
  const outputDirectory = resolve(options.outputDirectory);
  const lock = join(outputDirectory, "synthesis.lock");
  return withLock(lock, { ...(signal !== undefined && { signal }) }, () =>
    synthesizeInto(outputDirectory, app, options),
  );
}

async function synthesizeInto(
  outputDirectory: string,
  app: string,
  { personal, awsEndpoint, signal }: SynthesizeAllOptions,
): Promise<SynthesizedStacks> {
  const manifest = join(outputDirectory, "manifest.json");
  const before = await modifiedAt(manifest);
  const { code, stderr } = await runCommand(process.execPath, ["--require", "tsx/cjs", app], {
    ...(signal !== undefined && { signal }),
    env: {
      ...ownEnvironment(),
      CDKTF_OUTDIR: outputDirectory,
      ...(personal !== undefined && { ALMANAC_ENVIRONMENT: personal }),
      ...(awsEndpoint !== undefined && { ALMANAC_AWS_ENDPOINT: awsEndpoint }),
    },
  });
  if (code !== 0) throw new SynthesisFailedError(describeFailure(app, stderr, code));
  for (const line of stderr.split("\n")) if (line.startsWith("Warning: ")) console.error(terminalText(line));
  if ((await modifiedAt(manifest)) === before)
    throw new SynthesisFailedError(`${app} wrote no stacks: it has to end with app.synth()`);
  const { stacks } = manifestSchema.parse(JSON.parse(await readFile(manifest, "utf8")));
  return { folder: join(outputDirectory, "stacks"), names: Object.keys(stacks).sort() };
}

const manifestSchema = z.object({ stacks: z.record(z.string(), z.unknown()) });

/** In nanoseconds; undefined: there is no such file. */
async function modifiedAt(file: string): Promise<bigint | undefined> {
  return (await stat(file, { bigint: true }).catch(() => undefined))?.mtimeNs;
}

/** esbuild's, of an app that does not compile: `/project/main.ts:63:1: ERROR: Expected "}" but found ")"`. */
const COMPILER_ERROR = /^(.+):(\d+):\d+: ERROR: (.+)$/m;

/** Begins the message of a configuration's faults, which names each field with its environment. */
const INVALID = "main.ts is invalid:";

/** The message that Node printed between the source line and the stack trace, and the line of the app in that trace. */
export function describeFailure(app: string, stderr: string, code: number): string {
  const [, file, line, fault] = COMPILER_ERROR.exec(stderr) ?? [];
  if (file !== undefined) return `${relative(".", file)}, line ${line}: ${fault}`;
  const lines = stderr.trim().split("\n");
  // In brackets: an error without a stack trace.
  const first = lines.findIndex((each) => /^(?:Uncaught |\[)?[\w$.]*(?:Error|Exception)\b.*?: /.test(each));
  const from = lines.slice(Math.max(first, 0));
  const end = from.findIndex((each) => /^\s+at /.test(each));
  const message = (end === -1 ? from.slice(0, 20) : from.slice(0, end))
    .join("\n")
    .replace(/^\[([^]*)\]\n+Node\.js v.*$/, "$1")
    .replace(/^[\w$.]*?Error(?: \[\w+\])?: /, "");
  const ofDisk = describeDiskMessage(message.trim());
  if (ofDisk !== undefined) return ofDisk;
  const frame = lines.find((each) => /^\s+at /.test(each) && each.includes(`${basename(app)}:`));
  const at = /:(\d+):\d+\)?$/.exec(frame ?? "")?.[1];
  const where = at === undefined ? app : `${app}, line ${at}`;
  if (message === "") return `${where}: ended with exit code ${code}`;
  return message.startsWith(INVALID) ? `${app}${message.slice("main.ts".length)}` : `${where}: ${message}`;
}

const tagsSchema = z.object({
  provider: z.object({
    aws: z.tuple([z.object({ default_tags: z.tuple([z.object({ tags: z.record(z.string(), z.string()) })]) })]),
  }),
});

/** The default tags of a synthesized stack: App, Environment, ManagedBy, and Personal on a personal environment. */
export async function readTags(stackDirectory: string): Promise<Readonly<Record<string, string>>> {
  const stack: unknown = JSON.parse(await readFile(join(stackDirectory, "cdk.tf.json"), "utf8"));
  return tagsSchema.parse(stack).provider.aws[0].default_tags[0].tags;
}
