/** Finds a Python for the emulator, and the Python of an installed `ministack`. */
import { accessSync, constants, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { CommandNotFoundError, ownEnvironment, runCommand } from "../shared/run-command";

const OLDEST_PYTHON = [3, 10] as const;
/** `python3` first: the machine's default. */
const CANDIDATES = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "python"];

/** No usable Python. The message lists what was tried, and says how to install one. */
export class PythonMissingError extends Error {
  override readonly name = "PythonMissingError";

  /** @param fix the one command for this machine */
  constructor(
    readonly problem: string,
    readonly fix: string,
  ) {
    super(`${problem} To install it: ${fix}`);
  }
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
  const release = await readFile("/etc/os-release", "utf8").catch(() => "");
  throw new PythonMissingError(
    `Python ${OLDEST_PYTHON.join(".")} or newer is needed, with venv: ${found}.`,
    pythonInstallation(process.platform, release, process.getuid?.() === 0),
  );
}

/** By os-release's ID or ID_LIKE. */
const PACKAGE_MANAGERS: readonly (readonly [family: RegExp, command: string])[] = [
  [/\b(debian|ubuntu)\b/, "apt-get install -y python3 python3-venv"],
  [/\b(fedora|rhel|centos|amzn)\b/, "dnf install -y python3.12"],
  [/\balpine\b/, "apk add python3"],
  [/\barch\b/, "pacman -S --noconfirm python"],
  [/\b(suse|opensuse)\b/, "zypper install -y python312"],
];

/** The command that installs Python on a platform, or where to get it. */
export function pythonInstallation(platform: string, osRelease: string, isRoot: boolean): string {
  if (platform === "darwin") return "brew install python";
  if (platform === "win32") return "winget install Python.Python.3.13";
  const families = [...osRelease.matchAll(/^ID(?:_LIKE)?=(.*)$/gm)].map(([, value]) => value).join(" ");
  const [, command] = PACKAGE_MANAGERS.find(([family]) => family.test(families)) ?? [];
  return command === undefined ? "https://www.python.org/downloads/" : `${isRoot ? "" : "sudo "}${command}`;
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
