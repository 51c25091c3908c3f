/** Builds the package that other programs install: the clients without Terraform's dependencies, for both module systems. */
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import * as z from "zod";
import { commandOutput } from "../shared/run-command";

/** The folder of package.json's exports. */
const DIST = "dist";

/** The packages that clients import. */
const DEPENDENCIES = ["@aws-sdk/credential-provider-node", "@smithy/signature-v4", "zod"];

const ENTRY = "clients/timers/index";

const manifestSchema = z.looseObject({
  name: z.string(),
  version: z.string(),
  license: z.string(),
  engines: z.record(z.string(), z.string()),
  exports: z.unknown(),
  dependencies: z.record(z.string(), z.string()),
});

/**
 * Writes the package: `npm pack ./dist`, or `npm install <folder>`. Beside the `exports` of package.json, its files have the names that older
 * resolvers look for (`almanac/timers.js`, `almanac/timers.d.ts`).
 *
 * @returns the folder
 * @throws CommandFailedError with the compiler's output
 */
export async function buildClients(folder = DIST): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const types = join(folder, "types");
  await Promise.all([
    bundle(join(folder, "timers.mjs"), "esm"),
    bundle(join(folder, "timers.js"), "cjs"),
    commandOutput(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "clients", "--outDir", types]),
    ...["timers.d.ts", "timers.d.mts"].map((file) =>
      writeFile(join(folder, file), `export * from "./types/${ENTRY}.js";\n`),
    ),
    copyFile("docs/timers-client.md", join(folder, "README.md")),
    copyFile("LICENSE", join(folder, "LICENSE")),
    writeManifest(folder),
  ]);
  return folder;
}

async function bundle(outfile: string, format: "esm" | "cjs"): Promise<void> {
  await build({
    entryPoints: [`${ENTRY}.ts`],
    outfile,
    format,
    bundle: true,
    packages: "external",
    platform: "node",
    target: "node20",
    logLevel: "silent",
  });
}

async function writeManifest(folder: string): Promise<void> {
  const manifest = manifestSchema.parse(JSON.parse(await readFile("package.json", "utf8")));
  const { name, version, license, engines, exports, dependencies } = manifest;
  const content = {
    name,
    version,
    description: "Almanac's timers for TypeScript and JavaScript programs",
    license,
    engines,
    files: ["timers.*", "types"],
    exports: JSON.parse(JSON.stringify(exports).replaceAll(`./${DIST}/`, "./")) as unknown,
    dependencies: Object.fromEntries(DEPENDENCIES.map((dependency) => [dependency, dependencies[dependency]])),
  };
  await writeFile(join(folder, "package.json"), `${JSON.stringify(content, undefined, 2)}\n`);
}
