/** Turns main.ts, or another app, into stacks that Terraform can read. */
import { join, resolve } from "node:path";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { commandOutput, ownEnvironment } from "./run-command";

export interface SynthesizeOptions {
  /** The CDKTF app. @default main.ts */
  readonly app?: string;
  /** Where the stacks are written. @default cdktf.out */
  readonly outputDirectory?: string;
  /** The emulator that the stack `local` is for. @default what ALMANAC_AWS_ENDPOINT says */
  readonly awsEndpoint?: string;
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
  const { app = "main.ts", signal } = options;
  if (!existsSync(app)) throw new AppMissingError(`there is no app ${app}: --app names the file that makes the stacks`);
  const outputDirectory = resolve(options.outputDirectory ?? "cdktf.out");
  await commandOutput(process.execPath, ["--import", "tsx", app], {
    ...(signal !== undefined && { signal }),
    env: {
      ...ownEnvironment(),
      CDKTF_OUTDIR: outputDirectory,
      ...(options.awsEndpoint !== undefined && { ALMANAC_AWS_ENDPOINT: options.awsEndpoint }),
    },
  });
  const stack = join(outputDirectory, "stacks", environment);
  if (!existsSync(join(stack, "cdk.tf.json"))) {
    const names = (await readdir(join(outputDirectory, "stacks"))).sort().join(", ");
    throw new UnknownEnvironmentError(`there is no environment "${environment}": ${app} has ${names}`);
  }
  return stack;
}
