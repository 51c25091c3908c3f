/** Processes of a bench: bundled as handlers are deployed, so that what is measured is what runs. */
import { fork, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { BUNDLE_OPTIONS } from "../../../modules/constructs/bundling/options";

export interface ChildOptions {
  readonly environment?: NodeJS.ProcessEnv;
  readonly execArgv?: readonly string[];
  /** Gets what the process prints. @default ignored */
  readonly onOutput?: (text: string) => void;
  /** Its errors are not printed: a process that runs out of memory prints a long trace. @default false */
  readonly isQuiet?: boolean;
}

/**
 * Lets `work` start processes of these names, from <folder>/processes/<name>.ts. `start` returns the first message of the process. All
 * processes end with `work`.
 */
export async function withProcesses<Name extends string, Result>(
  folder: string,
  names: readonly Name[],
  work: (start: (name: Name, options?: ChildOptions) => Promise<unknown>) => Promise<Result>,
): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), "almanac-bench-"));
  const children: ChildProcess[] = [];
  try {
    buildSync({
      ...BUNDLE_OPTIONS,
      absWorkingDir: join(__dirname, "../../.."),
      sourcemap: false,
      entryPoints: names.map((name) => join(folder, "processes", `${name}.ts`)),
      outdir: directory,
    });
    return await work((name, { environment = {}, execArgv = [], onOutput, isQuiet = false } = {}) => {
      const output = onOutput === undefined ? "ignore" : "pipe";
      const stdio = ["ignore", output, isQuiet ? "ignore" : "inherit", "ipc"] as const;
      const child = fork(join(directory, `${name}.js`), {
        env: environment,
        execArgv: [...execArgv],
        stdio: [...stdio],
      });
      children.push(child);
      if (onOutput !== undefined) child.stdout?.setEncoding("utf8").on("data", onOutput);
      return firstMessage(child, name);
    });
  } finally {
    for (const child of children) child.kill();
    rmSync(directory, { recursive: true });
  }
}

/** Rejects when it exits before. */
function firstMessage(child: ChildProcess, name: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once("message", resolve);
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      reject(new Error(`${name} ended early: ${signal ?? `code ${code ?? "?"}`}`));
    });
  });
}
