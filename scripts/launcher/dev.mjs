// What npm test, build, bench, simulate and mutate run: `node scripts/launcher/dev.mjs bench synth` runs scripts/dev/bench.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { enterProject, installOnce } from "./prepare.mjs";

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), "dev");
const [command = "", ...args] = process.argv.slice(2);
const script = [`${command}.ts`, join(command, "index.ts")].map((file) => join(folder, file)).find(existsSync);
if (command === "" || script === undefined) {
  console.error(`There is no command "${command}" in scripts/dev.`);
  process.exit(2);
}
enterProject();
installOnce();
process.argv = [process.argv[0], script, ...args];
await import("tsx");
await import(pathToFileURL(script).href);
