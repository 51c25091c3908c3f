/** Private Python virtual environments, one for each version of a requirements.txt. */
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { commandOutput } from "../shared/run-command";
import { findPython, pythonEnvironment } from "./python";

export interface VirtualEnvironment {
  /** Pins every package with version and hashes. */
  readonly requirements: string;
  /** Of the requirements. */
  readonly digest: string;
  readonly folder: string;
}

/** Written last: marks a complete installation, with the digest of its requirements. */
const MARKER = "almanac-requirements.sha256";

/** The Python of the virtual environment; undefined when it is missing or outdated. */
export async function installedPython({ digest, folder }: VirtualEnvironment): Promise<string | undefined> {
  const python = pythonIn(folder);
  // False also for a link to a Python that was uninstalled.
  if (!existsSync(python)) return undefined;
  const marker = await readFile(join(folder, MARKER), "utf8").catch(() => "");
  return marker.trim() === digest ? python : undefined;
}

/**
 * Creates the virtual environment, replacing an older one.
 * @returns its Python
 * @throws PythonMissingError, CommandFailedError (pip's output)
 */
export async function installPython(
  environment: VirtualEnvironment,
  options: { readonly onLine?: (line: string) => void; readonly signal?: AbortSignal },
): Promise<string> {
  const { folder, requirements, digest } = environment;
  const python = await findPython();
  // Renamed at the end: two commands may install at once, and either may be interrupted.
  const unfinished = `${folder}.${process.pid}`;
  const { onLine, signal } = options;
  const run = {
    env: pythonEnvironment(),
    ...(signal && { signal }),
    // Only the lines that say what pip is waiting for.
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
      // --no-deps: the file pins everything.
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
