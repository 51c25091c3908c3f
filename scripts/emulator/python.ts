/** Finds a Python for the emulator, and the Python of an installed `ministack`. */
import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { CommandNotFoundError, ownEnvironment, runCommand } from "../shared/run-command";

const OLDEST_PYTHON = [3, 10] as const;
/** `python3` first: the machine's default. */
const CANDIDATES = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "python"];

/** No usable Python. The message lists what was tried, and where to get one. */
export class PythonMissingError extends Error {
  override readonly name = "PythonMissingError";
}

/**
 * The first Python on the PATH that is 3.10 or newer and has venv.
 * @throws PythonMissingError
 */
export async function findPython(): Promise<string> {
  const tried: string[] = [];
  for (const candidate of CANDIDATES) {
    const answer = await python(candidate, "import sys, venv, ensurepip; print(*sys.version_info[:2], sep='.')");
    if (answer.kind === "missing") continue;
    if (answer.kind === "failed") tried.push(`${candidate}: ${answer.lastLine}`);
    else if (isRecentEnough(answer.output)) return candidate;
    else tried.push(`${candidate} is ${answer.output}`);
  }
  const found = tried.length === 0 ? "none on the PATH" : tried.join("; ");
  const venv = tried.some((line) => /ensurepip|venv/.test(line))
    ? " On Debian and Ubuntu: apt install python3-venv."
    : "";
  throw new PythonMissingError(
    `Python ${OLDEST_PYTHON.join(".")} or newer is needed, with venv: ${found}.${venv} https://www.python.org/downloads/`,
  );
}

/** @param version `3.11` */
export function isRecentEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > OLDEST_PYTHON[0] || (major === OLDEST_PYTHON[0] && minor >= OLDEST_PYTHON[1]);
}

/** The Python and the version of the `ministack` on the PATH; undefined without one. */
export async function installedMinistack(): Promise<{ readonly python: string; readonly version: string } | undefined> {
  const command = findOnPath("ministack");
  const interpreter = command === undefined ? undefined : interpreterOf(readFileSync(command, "utf8"));
  if (interpreter === undefined) return undefined;
  const answer = await python(interpreter, "import importlib.metadata as m; print(m.version('ministack'))");
  return answer.kind === "ran" ? { python: interpreter, version: answer.output } : undefined;
}

/** The Python in the first lines of a script that pip wrote: `#!<python>`, or `exec '<python>'` when the path is long. */
export function interpreterOf(script: string): string | undefined {
  const head = script.split("\n", 4).join("\n");
  return /^#!\s*(\S*python[\w.]*)/.exec(head)?.[1] ?? /exec['" ]+(\/[^'"\n]*python[\w.]*)/.exec(head)?.[1];
}

/** The first executable of this name on the PATH. */
function findOnPath(name: string, path = process.env["PATH"] ?? ""): string | undefined {
  return path
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

type Answer =
  | { readonly kind: "ran"; readonly output: string }
  | { readonly kind: "failed"; readonly lastLine: string }
  | { readonly kind: "missing" };

async function python(file: string, program: string): Promise<Answer> {
  try {
    const { code, stdout, stderr } = await runCommand(file, ["-c", program], { env: pythonEnvironment() });
    if (code === 0) return { kind: "ran", output: stdout.trim() };
    return { kind: "failed", lastLine: stderr.trim().split("\n").at(-1) ?? `exit code ${code}` };
  } catch (error) {
    if (error instanceof CommandNotFoundError) return { kind: "missing" };
    throw error;
  }
}

/** This process's environment without variables that add another Python's packages. pip's own settings stay. */
export function pythonEnvironment(): Record<string, string> {
  const { PYTHONPATH: _path, PYTHONHOME: _home, PIP_TARGET: _target, PIP_PREFIX: _prefix, ...rest } = ownEnvironment();
  // "user = true" in pip's configuration would install beside the virtual environment, which pip refuses.
  return { ...rest, PIP_USER: "0" };
}
