// Runs one command of scripts/, after installing what it needs. Plain JavaScript without dependencies, because it is what
// runs first in a fresh clone: `node scripts/run.mjs start --help`.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const OLDEST_NODE = [20, 19];

/** True when every required package of package-lock.json is in node_modules, at its version. */
function dependenciesInstalled() {
  const installed = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(installed)) return false;
  const has = JSON.parse(readFileSync(installed, "utf8")).packages;
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  return Object.entries(wanted).every(
    ([path, { version, optional, devOptional }]) =>
      path === "" || optional || devOptional || has[path]?.version === version,
  );
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
  fail(
    `Almanac needs Node ${OLDEST_NODE.join(".")} or newer; this is ${process.versions.node}. https://nodejs.org/en/download`,
  );
}

const [command, ...args] = process.argv.slice(2);
const script = ["commands", "dev"]
  .flatMap((room) => ["", "/index"].map((end) => join(root, "scripts", room, `${command}${end}.ts`)))
  .find((file) => existsSync(file));
if (command === undefined || script === undefined)
  fail(`No command "${command ?? ""}" in scripts/commands or scripts/dev.`);

// The working directory is the project's, wherever npm was called from: cdktf looks for cdktf.json there.
process.chdir(root);
if (!dependenciesInstalled()) {
  // On stderr: a command's stdout may be read by a program (npm run bench -- --json).
  console.error("Installing dependencies (npm ci), once for each package-lock.json: about a minute");
  const install = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (install.status !== 0) fail("npm ci failed: see above. Is the npm registry reachable?");
}

// The AWS SDK's warning at every start on Node 20 is no news: deployed functions run on a newer one.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
process.argv = [process.argv[0], script, ...args];
await import("tsx");
await import(pathToFileURL(script).href);
