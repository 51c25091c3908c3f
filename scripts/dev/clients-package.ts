/** Compiles the clients into a package without Terraform's dependencies. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { commandOutput } from "../shared/run-command";

/** The folder of package.json's exports. */
const DIST = "dist";

/** The packages that clients import. */
const DEPENDENCIES = ["@aws-sdk/credential-provider-node", "@smithy/signature-v4", "zod"];

const manifestSchema = z.looseObject({
  name: z.string(),
  version: z.string(),
  license: z.string(),
  engines: z.record(z.string(), z.string()),
  exports: z.record(z.string(), z.record(z.string(), z.string())),
  dependencies: z.record(z.string(), z.string()),
});

/**
 * Compiles clients/ into a package: `npm install <folder>`.
 *
 * @returns the folder
 * @throws CommandFailedError with the compiler's output
 */
export async function buildClients(folder = DIST): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await commandOutput(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "clients", "--outDir", folder]);
  const manifest = manifestSchema.parse(JSON.parse(await readFile("package.json", "utf8")));
  const { name, version, license, engines, exports, dependencies } = manifest;
  const content = {
    name,
    version,
    license,
    engines,
    exports: JSON.parse(JSON.stringify(exports).replaceAll(`./${DIST}/`, "./")) as unknown,
    dependencies: Object.fromEntries(DEPENDENCIES.map((dependency) => [dependency, dependencies[dependency]])),
  };
  await writeFile(join(folder, "package.json"), `${JSON.stringify(content, undefined, 2)}\n`);
  return folder;
}
