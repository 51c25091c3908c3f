/** The emulator's private virtual environment: made once for each requirements.txt. */
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { commandOutput } from "../shared/run-command";
import { REQUIREMENTS_FILE, type PinnedRelease } from "./pinned-release";
import { findPython, pythonEnvironment } from "./python";

const FOLDER = ".almanac/emulator/venv";
/** Written last, so that it stands for a whole installation; holds the digest of the requirements that were installed. */
const MARKER = "almanac-requirements.sha256";

/** The Python of the virtual environment when it is there and holds the pinned release. Costs a millisecond. */
export async function installedPython(
  { digest }: PinnedRelease,
  folder = resolve(FOLDER),
): Promise<string | undefined> {
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
  release: PinnedRelease,
  options: { readonly onLine?: (line: string) => void; readonly signal?: AbortSignal },
  folder = resolve(FOLDER),
): Promise<string> {
  const python = await findPython();
  // Beside the final place and renamed at the end: two commands may install at once, and either may be interrupted.
  const unfinished = `${folder}.${process.pid}`;
  const run = { ...options, env: pythonEnvironment() };
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
        REQUIREMENTS_FILE,
      ]),
      run,
    );
    await writeFile(join(unfinished, MARKER), `${release.digest}\n`);
    const other = await installedPython(release, folder);
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
