/** `npm run destroy -- <environment>`: takes an environment down, with everything that it has stored. */
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { DEFAULT_HOME } from "./local/home";
import { describeError, EXIT, npmCommand } from "./shared/command-line";
import { findLocal, LOCAL } from "./environments/deployed";
import { deleteStateBucket, ensureStateBucket } from "./shared/state-bucket";
import { synthesizeStack } from "./shared/synthesize";
import { terraformDestroy, terraformInit, withoutAwsSettings } from "./shared/terraform";

interface Options {
  readonly app: string;
  readonly home: string;
  readonly yes: boolean;
  readonly keepState: boolean;
}

const command = npmCommand(
  "npm run destroy --",
  "Destroys everything in an environment, data included, and then the bucket of its Terraform state.",
)
  .argument("<environment>", "as main.ts names it: staging")
  .option("--yes", "do not ask", false)
  .option("--keep-state", "keep the state bucket, to deploy again", false)
  .option("--app <file>", "the app that has the environment", "main.ts")
  .option("--home <folder>", "for local: the folder that was given to npm start", DEFAULT_HOME)
  .parse();

/** What was asked can't or shall not be done. The message says what to do. */
class RefusedError extends Error {
  override readonly name = "RefusedError";
}

async function main(environment: string, options: Options): Promise<void> {
  const stack = await synthesizeStack(environment, {
    app: options.app,
    ...(environment === LOCAL && (await findLocal(options.home))),
  });
  await refuseIfProtected(environment, stack);
  if (environment !== LOCAL && !options.yes) await ask(environment);

  // Without its bucket Terraform can't even say that there is nothing.
  await ensureStateBucket(stack);
  const terraform = { cwd: stack, ...(environment === LOCAL && { environment: withoutAwsSettings() }) };
  await terraformInit(terraform);
  const { remove } = await terraformDestroy({ ...terraform, onProgress: console.log });
  console.log(`${environment}: ${remove} resources destroyed.`);

  if (options.keepState) return;
  const { bucket } = await deleteStateBucket(stack);
  console.log(`${bucket}: deleted, with all versions of the state. Nothing of ${environment} is left.`);
}

/** Terraform would refuse, too: but halfway through, with the unprotected half gone. */
async function refuseIfProtected(environment: string, stack: string): Promise<void> {
  const modules = await readdir(join(stack, "modules")).catch(() => []); // an environment without features has none
  for (const file of ["cdk.tf.json", ...modules.map((module) => join("modules", module, "main.tf.json"))]) {
    if ((await readFile(join(stack, file), "utf8")).includes(`"prevent_destroy": true`)) {
      throw new RefusedError(
        `${environment} is protected. To destroy it all the same: set protectData: false in main.ts, deploy that, then come back.`,
      );
    }
  }
}

async function ask(environment: string): Promise<void> {
  if (!process.stdin.isTTY) throw new RefusedError("nobody is there to ask: say --yes.");
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`This deletes all data of ${environment}. Type its name to go on: `);
  terminal.close();
  if (answer !== environment) throw new RefusedError("nothing was destroyed.");
}

main(command.args[0] ?? "", command.opts<Options>()).catch((error: unknown) => {
  console.error(`npm run destroy: ${describeError(error)}`);
  process.exitCode = EXIT.failure;
});
