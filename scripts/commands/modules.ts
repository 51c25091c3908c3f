/** `npm run modules`: writes each feature as a Terraform module that needs neither CDKTF nor Node. */
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { describeError, EXIT, npmCommand } from "../shared/command-line";
import { synthesizeStack } from "../terraform/synthesize";
import {
  EXAMPLE_FOLDER,
  exampleFiles,
  moduleReadme,
  moduleSchema,
  rootSchema,
  type Root,
} from "../terraform/modules/terraform-module";

interface Options {
  readonly app: string;
  readonly out: string;
}

const command = npmCommand(
  "npm run modules --",
  [
    "Writes each feature of an environment as a folder that plain Terraform takes: the module, the functions' zips, a README, and",
    "an example that can be applied. Which resources there are is as the environment has it; their values are variables.",
  ].join("\n"),
)
  .argument("[environment]", "whose features, as main.ts names it (default: staging)")
  .option("--app <file>", "the app that has the environment", "main.ts")
  .option("--out <folder>", "where to write: <folder>/<feature>", "dist/modules")
  .parse();

async function main(environment: string, { app, out }: Options): Promise<void> {
  const stack = await synthesizeStack(environment, { app });
  const root = rootSchema.parse(JSON.parse(await readFile(join(stack, "cdk.tf.json"), "utf8")));
  for (const feature of Object.keys(root.module)) {
    const folder = join(resolve(out), feature);
    await writeModule(feature, root, { from: join(stack, "modules", feature), to: folder });
    console.log(`${relative(".", folder)}: the module, its README, ${EXAMPLE_FOLDER}`);
  }
}

async function writeModule(
  feature: string,
  root: Root,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await cp(from, to, { recursive: true });
  const module = moduleSchema.parse(JSON.parse(await readFile(join(to, "main.tf.json"), "utf8")));
  await writeFile(join(to, "README.md"), moduleReadme(feature, await purposeOf(feature), module));
  await mkdir(join(to, EXAMPLE_FOLDER), { recursive: true });
  for (const [name, text] of Object.entries(exampleFiles(feature, root)))
    await writeFile(join(to, EXAMPLE_FOLDER, name), text);
}

/** The first paragraph of what the source says about the feature. */
async function purposeOf(feature: string): Promise<string> {
  const [, paragraph = ""] = (await readFile(`modules/${feature}/README.md`, "utf8")).split("\n\n");
  return paragraph;
}

main(command.args[0] ?? "staging", command.opts()).catch((error: unknown) => {
  console.error(`npm run modules failed. ${describeError(error)}`);
  process.exitCode = EXIT.failure;
});
