/** Private virtual environments, of the emulator and of others: made once for each requirements.txt. */
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { commandOutput } from "../shared/run-command";
import { findPython, pythonEnvironment } from "./python";

export interface VirtualEnvironment {
  /** Names every package that is in it, with its version and hashes. */
  readonly requirements: string;
  /** Changes whenever the requirements do. */
  readonly digest: string;
  /** Where it is. */
  readonly folder: string;
}

/** Written last, so that it stands for a whole installation; holds the digest of the requirements that were installed. */
const MARKER = "almanac-requirements.sha256";

/** The Python of the virtual environment when it is there and holds what is required. Costs a millisecond. */
export async function installedPython({ digest, folder }: VirtualEnvironment): Promise<string | undefined> {
  const python = pythonIn(folder);
  // A link to a Python that has been uninstalled since does not exist.
  if (!existsSync(python)) return undefined;
  const marker = await readFile(join(folder, MARKER), "utf8").catch(() => "");
  return marker.trim() === digest ? python : undefined;
}

/**
 * Makes the virtual environment, in place of an older one.
 * @returns its Python
 * @throws PythonMissingError, CommandFailedError (pip's own words)
 */
export async function installPython(
  environment: VirtualEnvironment,
  options: { readonly onLine?: (line: string) => void; readonly signal?: AbortSignal },
): Promise<string> {
  const { folder, requirements, digest } = environment;
  const python = await findPython();
  // Beside the final place and renamed at the end: two commands may install at once, and either may be interrupted.
  const unfinished = `${folder}.${process.pid}`;
  const { onLine, signal } = options;
  const run = {
    env: pythonEnvironment(),
    ...(signal && { signal }),
    // Of pip's many lines, those that say what it is waiting for.
    onLine: (line: string) => {
      if (/^(Collecting|Processing|Installing) /.test(line)) onLine?.(line);
    },
  };
  try {
    await mkdir(dirname(folder), { recursive: true });
    await rm(unfinished, { recursive: true, force: true });
    await commandOutput(python, ["-m", "venv", unfinished], run);
    await commandOutput(
      pythonIn(unfinished),
      // --no-deps: the file names everything; pip's resolver would only look for more.
      ["-m", "pip", "install", "--require-hashes", "--no-deps", "--no-input", "--disable-pip-version-check"].concat([
        "--progress-bar",
        "off",
        "-r",
        requirements,
      ]),
      run,
    );
    await writeFile(join(unfinished, MARKER), `${digest}\n`);
    const other = await installedPython(environment);
    if (other !== undefined) return other;
    await rm(folder, { recursive: true, force: true });
    await rename(unfinished, folder);
    return pythonIn(folder);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

function pythonIn(folder: string): string {
  return process.platform === "win32" ? join(folder, "Scripts", "python.exe") : join(folder, "bin", "python");
}
