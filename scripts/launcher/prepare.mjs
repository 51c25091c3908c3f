// What every command needs before it runs: a recent Node, installed dependencies, and the compiled command line. Plain
// JavaScript without dependencies, because it runs first in a fresh clone.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const OLDEST_NODE = [20, 19];
const SOURCE = "scripts/almanac.ts";
const COMPILED = join(root, ".almanac", "cli");
const INSTALLED = join("node_modules", ".package-lock.json");
const KEEP_MS = 86_400_000;
const INSTALL_LOCK = join(root, ".almanac", "install.lock");
const LONGEST_INSTALL_MS = 1_800_000;

/** Changes into the project's folder; INIT_CWD is where the command was called. */
export function enterProject() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    fail(
      `Almanac needs Node ${OLDEST_NODE.join(".")} or newer; this is ${process.versions.node}. https://nodejs.org/en/download`,
    );
  }
  process.env.INIT_CWD = process.cwd();
  // cdktf looks for cdktf.json in the working directory.
  process.chdir(root);
  // The AWS SDK warns at every start on Node 20; deployed functions run on a newer one.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
}

/** Installs the dependencies unless node_modules has every required package of package-lock.json at its version. */
export function installOnce() {
  if (dependenciesInstalled()) return;
  // Linked into place, so that no process reads an empty lock.
  const own = `${INSTALL_LOCK}.${process.pid}`;
  try {
    mkdirSync(dirname(INSTALL_LOCK), { recursive: true });
    writeFileSync(own, String(process.pid));
  } catch (error) {
    reportUnwritable(error);
  }
  waitForLock(own);
  const status = dependenciesInstalled() ? 0 : install();
  for (const file of [INSTALL_LOCK, own]) rmSync(file, { force: true });
  if (status !== 0) fail("npm ci failed: see above. Is the npm registry reachable?");
}

/** @returns npm's exit code */
function install() {
  // On stderr: a program may read the command's stdout.
  console.error("Installing dependencies (npm ci), once for each package-lock.json: about a minute");
  return spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  }).status;
}

/** npm ci begins by deleting what another one is installing. */
function waitForLock(own) {
  for (let announced = false; !isLinked(own);) {
    const owner = readLock();
    if (owner === undefined) continue;
    if (isRunning(owner)) {
      if (!announced) console.error(`Waiting for another command (process ${owner}), which installs the dependencies`);
      announced = true;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    } else removeLock(owner);
  }
}

function isLinked(own) {
  try {
    linkSync(own, INSTALL_LOCK);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

/** The process that has it; undefined: it was released meanwhile. */
function readLock() {
  try {
    return Number(readFileSync(INSTALL_LOCK, "utf8"));
  } catch {
    return undefined;
  }
}

/** Of a process that was killed. Another one may remove it, and lock, at the same time. */
function removeLock(owner) {
  const aside = `${INSTALL_LOCK}.${process.pid}.ended`;
  try {
    renameSync(INSTALL_LOCK, aside);
    if (Number(readFileSync(aside, "utf8")) !== owner) linkSync(aside, INSTALL_LOCK);
  } catch {
    // Removed, or locked again, by another process.
  }
  rmSync(aside, { force: true });
}

/** After a restart of the machine another program may have the number. */
function isRunning(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== "EPERM") return false;
  }
  const since = statSync(INSTALL_LOCK, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
  return Date.now() - since < LONGEST_INSTALL_MS;
}

function dependenciesInstalled() {
  const has = installedPackages();
  if (has === undefined) return false;
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  return Object.entries(wanted).every(
    ([path, { version, optional, devOptional }]) =>
      path === "" || optional || devOptional || has[path]?.version === version,
  );
}

/** Undefined: none, or npm is writing its record. */
function installedPackages() {
  try {
    return JSON.parse(readFileSync(join(root, INSTALLED), "utf8")).packages;
  } catch {
    return undefined;
  }
}

/** The command line as one module, compiled when a source or a dependency has changed since the last time. */
export async function loadCommandLine() {
  const known = readManifest();
  const compiled = known !== undefined && isCurrent(known) ? known : await compile();
  const folder = join(COMPILED, compiled.folder);
  // Node 22 and newer keep what V8 made of it there: a fifth of a command's processor time.
  process.getBuiltinModule("node:module").enableCompileCache?.(join(folder, "v8"));
  return import(pathToFileURL(join(folder, "almanac.js")).href);
}

function readManifest() {
  try {
    return JSON.parse(readFileSync(join(COMPILED, "manifest.json"), "utf8"));
  } catch {
    return undefined;
  }
}

/** A manifest also stands for installed dependencies: they were checked before it was written. */
function isCurrent({ folder, inputs }) {
  return (
    existsSync(join(COMPILED, folder, "almanac.js")) &&
    Object.entries(inputs).every(([file, { stamp, hash }]) => stampOf(file) === stamp || hashOf(file) === hash)
  );
}

async function compile() {
  installOnce();
  const folder = `${Date.now().toString(36)}-${process.pid}`;
  try {
    await compileInto(folder);
  } catch (error) {
    // Half of it may have been written.
    if (existsSync(join(COMPILED, folder))) rmSync(join(COMPILED, folder), { recursive: true });
    reportUnwritable(error);
  }
  removeOld(folder);
  return { folder };
}

async function compileInto(folder) {
  const { build } = await import("esbuild");
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [SOURCE],
    outdir: join(COMPILED, folder),
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    mainFields: ["module", "main"],
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    // A program, not a library: it bundles the console's page.
    external: ["esbuild"],
    // CommonJS dependencies require Node's own modules. Under a name that no dependency has.
    banner: { js: "import{createRequire as requireOf}from'node:module';const require=requireOf(import.meta.url);" },
    logLevel: "error",
    metafile: true,
  });
  const sources = Object.keys(metafile.inputs).filter((file) => !file.includes("node_modules"));
  const inputs = Object.fromEntries(
    [...sources, "package-lock.json", INSTALLED, "scripts/launcher/prepare.mjs"].map((file) => [
      file,
      { stamp: stampOf(file), hash: hashOf(file) },
    ]),
  );
  mkdirSync(COMPILED, { recursive: true });
  writeFileSync(join(COMPILED, folder, "package.json"), '{"type":"module"}');
  writeFileSync(join(COMPILED, folder, "manifest.json"), JSON.stringify({ folder, inputs }));
  renameSync(join(COMPILED, folder, "manifest.json"), join(COMPILED, "manifest.json"));
}

/** Older compilations may still be running, and load more of their files later. */
function removeOld(current) {
  for (const name of readdirSync(COMPILED)) {
    const folder = join(COMPILED, name);
    if (name !== current && name !== "manifest.json" && Date.now() - statSync(folder).mtimeMs > KEEP_MS)
      rmSync(folder, { recursive: true, force: true });
  }
}

/** Another one whenever the file is written: a sixth of the time that its hash takes. */
function stampOf(file) {
  const stat = statSync(join(root, file), { throwIfNoEntry: false });
  return stat && `${stat.ino} ${stat.size} ${stat.ctimeMs}`;
}

function hashOf(file) {
  try {
    // Loaded when a file has changed only.
    return process
      .getBuiltinModule("node:crypto")
      .createHash("sha256")
      .update(readFileSync(join(root, file)))
      .digest("hex");
  } catch {
    return "";
  }
}

/** As Node.js and esbuild say it. */
const UNWRITABLE =
  /no space left on device|disk quota exceeded|permission denied|read-only file system|not a directory|file already exists/;

/** @throws the error, of another kind */
function reportUnwritable(error) {
  const [reason] = UNWRITABLE.exec(error.message) ?? [];
  if (reason === undefined) throw error;
  fail(`${join(root, ".almanac")} cannot be written: ${reason}. Make room there, or make it a folder of this user.`);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
