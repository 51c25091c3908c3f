/** `almanac modules`: writes each feature as a Terraform module that needs neither CDKTF nor Node. */
import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { errorCode } from "../../functions/shared/errors";
import { checkName } from "../environments/names";
import { makeFolder } from "../shared/folder";
import {
  callersFolder,
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  UsageError,
  withApp,
  type AppOptions,
} from "../shared/terminal/command-line";
import {
  EXAMPLE_FOLDER,
  exampleFiles,
  moduleReadme,
  moduleSchema,
  rootSchema,
  type Root,
} from "../terraform/modules/terraform-module";
import { withStack } from "../terraform/synthesize";

export const command = () =>
  withApp(
    new DocumentedCommand({
      description:
        "Writes each feature of an environment as a folder for plain Terraform: the module, the functions' zips, a README, and an example " +
        "that can be applied. The environment determines which resources there are; their values are variables.",
      examples: ["npx almanac modules", "npx almanac modules production --out ../infrastructure/almanac"],
    }),
  )
    .argument("[environment]", "whose features", "staging")
    .option("--out <folder>", "writes <folder>/<feature>", callersFolder, "dist/modules")
    .action(exitCodeOf(run));

async function run(environment: string, { app, out }: AppOptions & { readonly out: string }): Promise<number> {
  checkName(environment, app);
  return withStack(environment, { app }, (stack) => writeModules(stack, out));
}

async function writeModules(stack: string, out: string): Promise<number> {
  const root = rootSchema.parse(JSON.parse(await readFile(join(stack, "cdk.tf.json"), "utf8")));
  const features = Object.keys(root.module);
  for (const feature of features) await requireOwnModule(join(out, feature));
  for (const feature of features) {
    const folder = join(out, feature);
    await writeModule(feature, root, { from: join(stack, "modules", feature), to: folder });
    console.log(`${relative(".", folder)}: the module, its README, ${EXAMPLE_FOLDER}`);
  }
  return EXIT.ok;
}

/** Of what every module has. */
const OWN_FILE = "module.json";

/**
 * A folder is replaced only when it was written by this command: `--out modules` names sources of this project.
 * @throws UsageError
 */
export async function requireOwnModule(folder: string): Promise<void> {
  const names = await namesIn(folder);
  if (names.length > 0 && !names.includes(OWN_FILE))
    throw new UsageError(`${folder} is not a module that this command has written: choose another folder with --out.`);
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}

async function writeModule(
  feature: string,
  root: Root,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await makeFolder(to);
  await cp(from, to, { recursive: true });
  const module = moduleSchema.parse(JSON.parse(await readFile(join(to, OWN_FILE), "utf8")));
  await writeFile(join(to, "README.md"), moduleReadme(feature, await purposeOf(feature), module));
  await makeFolder(join(to, EXAMPLE_FOLDER));
  for (const [name, text] of Object.entries(exampleFiles(feature, root)))
    await writeFile(join(to, EXAMPLE_FOLDER, name), text);
}

/** The first paragraph of the feature's README. */
async function purposeOf(feature: string): Promise<string> {
  const [, paragraph = ""] = (await readFile(`modules/${feature}/README.md`, "utf8")).split("\n\n");
  return paragraph;
}
