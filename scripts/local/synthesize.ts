/** Turns the app into Terraform stacks, as `cdktf synth` does. */
import { existsSync } from "node:fs";
import { CommandFailedError, lastLines, ownEnvironment, runCommand } from "../shared/run-command";
import type { Home } from "./home";

/** The app cannot be synthesized. The message holds what it wrote. */
export class SynthesisError extends Error {
  override readonly name = "SynthesisError";
}

/**
 * @param app the CDKTF app, such as main.ts
 * @param endpoint where the stack `local` finds its AWS
 * @throws SynthesisError
 */
export async function synthesize(
  app: string,
  home: Home,
  endpoint: string,
  options: { readonly signal?: AbortSignal },
): Promise<void> {
  if (!existsSync(app)) throw new SynthesisError(`There is no app ${app}. --app names the file that makes the stacks.`);
  const env = {
    ...ownEnvironment(),
    CDKTF_OUTDIR: home.synthesized,
    ALMANAC_AWS_ENDPOINT: endpoint,
    CHECKPOINT_DISABLE: "1",
  };
  const result = await runCommand(process.execPath, ["--import", "tsx", app], { env, ...options });
  if (result.code !== 0) {
    const cause = new CommandFailedError(app, result);
    throw new SynthesisError(`${app} fails:\n${lastLines(result.stderr.trim() || result.stdout.trim(), 30)}`, {
      cause,
    });
  }
  if (!existsSync(home.stack)) throw new SynthesisError(`${app} makes no stack named "local".`);
}
