/** Turns main.ts, or another app, into stacks that Terraform can read. */
import { join, resolve } from "node:path";
import { existsSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import * as z from "zod";
import { commandOutput, ownEnvironment } from "../shared/run-command";

export interface SynthesizeOptions {
  /** The CDKTF app. @default main.ts */
  readonly app?: string;
  /** Where the stacks are written. @default what CDKTF_OUTDIR says, else cdktf.out */
  readonly outputDirectory?: string;
  /** The emulator that the stack `local` is for. @default what ALMANAC_AWS_ENDPOINT says */
  readonly awsEndpoint?: string;
  /** True: one that the app does not have is made as somebody's own, where the app makes such ones. @default false */
  readonly personal?: boolean;
  /** Aborted: the app is interrupted. */
  readonly signal?: AbortSignal;
}

/** There is no such app. The message says how to name another. */
export class AppMissingError extends Error {
  override readonly name = "AppMissingError";
}

/** There is no such environment in the app. The message lists those that there are. */
export class UnknownEnvironmentError extends Error {
  override readonly name = "UnknownEnvironmentError";
}

/**
 * Runs the app, which writes a stack for each of its environments.
 *
 * @returns the folder of one environment's stack
 * @throws AppMissingError, CommandFailedError with what the app said, UnknownEnvironmentError
 */
export async function synthesizeStack(environment: string, options: SynthesizeOptions = {}): Promise<string> {
  const { personal = false, ...rest } = options;
  const { app = "main.ts" } = rest;
  const stacks = await synthesizeStacks({ ...rest, ...(personal && { personal: environment }) });
  const stack = join(stacks, environment);
  if (!existsSync(join(stack, "cdk.tf.json"))) {
    const names = (await readdir(stacks)).sort().join(", ");
    throw new UnknownEnvironmentError(`there is no environment "${environment}": ${app} has ${names}`);
  }
  return stack;
}

interface SynthesizeAllOptions extends Omit<SynthesizeOptions, "personal"> {
  /** The name of somebody's own environment that shall be among them. */
  readonly personal?: string;
}

/**
 * Runs the app.
 *
 * @returns the folder that holds each environment's stack under its name
 * @throws AppMissingError, CommandFailedError with what the app said
 */
export async function synthesizeStacks(options: SynthesizeAllOptions = {}): Promise<string> {
  const { app = "main.ts", personal, awsEndpoint, signal } = options;
  if (!existsSync(app)) throw new AppMissingError(`there is no app ${app}: --app names the file that makes the stacks`);
  const outputDirectory = resolve(options.outputDirectory ?? (process.env["CDKTF_OUTDIR"] || "cdktf.out"));
  await commandOutput(process.execPath, ["--import", "tsx", app], {
    ...(signal !== undefined && { signal }),
    env: {
      ...ownEnvironment(),
      CDKTF_OUTDIR: outputDirectory,
      ...(personal !== undefined && { ALMANAC_ENVIRONMENT: personal }),
      ...(awsEndpoint !== undefined && { ALMANAC_AWS_ENDPOINT: awsEndpoint }),
    },
  });
  return join(outputDirectory, "stacks");
}

const tagsSchema = z.object({
  provider: z.object({
    aws: z.tuple([z.object({ default_tags: z.tuple([z.object({ tags: z.record(z.string(), z.string()) })]) })]),
  }),
});

/** The tags of everything in a synthesized stack: App, Environment, ManagedBy, and Personal where it is somebody's own. */
export async function readTags(stackDirectory: string): Promise<Readonly<Record<string, string>>> {
  const stack: unknown = JSON.parse(await readFile(join(stackDirectory, "cdk.tf.json"), "utf8"));
  return tagsSchema.parse(stack).provider.aws[0].default_tags[0].tags;
}
