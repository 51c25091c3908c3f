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
}

/** There is no such environment in the app. The message lists those that there are. */
export class UnknownEnvironmentError extends Error {
  override readonly name = "UnknownEnvironmentError";
}

/**
 * Runs the app, which writes a stack for each of its environments.
 *
 * @returns the folder of one environment's stack
 * @throws CommandFailedError with what the app said, UnknownEnvironmentError
 */
export async function synthesizeStack(environment: string, options: SynthesizeOptions = {}): Promise<string> {
  const outputDirectory = resolve(options.outputDirectory ?? "cdktf.out");
  await commandOutput(process.execPath, ["--import", "tsx", options.app ?? "main.ts"], {
    env: {
      ...ownEnvironment(),
      CDKTF_OUTDIR: outputDirectory,
      ...(options.awsEndpoint !== undefined && { ALMANAC_AWS_ENDPOINT: options.awsEndpoint }),
    },
  });
  const stack = join(outputDirectory, "stacks", environment);
  if (!existsSync(join(stack, "cdk.tf.json"))) {
    const names = (await readdir(join(outputDirectory, "stacks"))).sort().join(", ");
    throw new UnknownEnvironmentError(`there is no environment "${environment}": main.ts has ${names}`);
  }
  return stack;
}
