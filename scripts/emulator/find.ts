/** Chooses the AWS emulator. */
import { tmpdir } from "node:os";
import { dirname, resolve } from "node:path";
import { errorMessage } from "../../functions/shared/errors";
import { ownEnvironment, runCommand, CommandNotFoundError } from "../shared/run-command";
import { describeFileError } from "../shared/terminal/file-errors";
import { pinnedRelease, REQUIREMENTS_FILE, type PinnedRelease } from "./pinned-release";
import { installedMinistack, PythonMissingError } from "./python";
import { installedPython, installPython } from "./virtual-environment";

const VENV_FOLDER = ".almanac/emulator/venv";

/** An emulator that can be started. `description` is for people. */
export type Emulator =
  | { readonly kind: "python"; readonly python: string; readonly description: string }
  | { readonly kind: "docker"; readonly image: string; readonly description: string };

/** One way to obtain an emulator. */
export interface EmulatorSource {
  readonly name: string;
  readonly find: () => Promise<Emulator | Unavailable>;
}

export interface Unavailable {
  readonly unavailable: string;
  readonly fix: string;
}

/** No emulator is available. The message lists what was tried, why it failed, and how to fix it. */
export class NoEmulatorError extends Error {
  override readonly name = "NoEmulatorError";
}

export interface FindOptions {
  /** Called with progress lines. */
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * The first available emulator: the pinned release in a private virtual environment (installed if missing), the same release on the
 * PATH, its Docker image.
 * @throws NoEmulatorError
 */
export async function findEmulator(options: FindOptions = {}): Promise<Emulator> {
  const release = pinnedRelease();
  return firstAvailable(
    [privateEnvironment(release, options), onThePath(release), dockerImage(release)],
    release,
    options.signal,
  );
}

/** Tries one source after the other. */
export async function firstAvailable(
  sources: readonly EmulatorSource[],
  { version }: Pick<PinnedRelease, "version">,
  signal?: AbortSignal,
): Promise<Emulator> {
  const tried: string[] = [];
  for (const { name, find } of sources) {
    const found = await find();
    signal?.throwIfAborted();
    if ("kind" in found) return found;
    tried.push(`- ${name}: ${found.unavailable.trim().replaceAll("\n", "\n    ")}\n  To fix: ${found.fix}`);
  }
  throw new NoEmulatorError(
    [
      `No AWS emulator is available. Tried for MiniStack ${version}:`,
      ...tried,
      "Or use your own AWS emulator: ALMANAC_AWS_ENDPOINT=http://127.0.0.1:4566 npm start",
    ].join("\n"),
  );
}

function privateEnvironment(release: PinnedRelease, options: FindOptions): EmulatorSource {
  const description = `MiniStack ${release.version}`;
  const environment = { requirements: REQUIREMENTS_FILE, digest: release.digest, folder: resolve(VENV_FOLDER) };
  return {
    name: "private virtual environment",
    find: async () => {
      const installed = await installedPython(environment);
      if (installed !== undefined) return { kind: "python", python: installed, description };
      try {
        options.onLine?.(`installing MiniStack ${release.version}, once`);
        return { kind: "python", python: await installPython(environment, options), description };
      } catch (error) {
        if (error instanceof PythonMissingError) return { unavailable: error.problem, fix: error.fix };
        return { unavailable: describeFileError(error) ?? errorMessage(error), fix: fixFor(error) };
      }
    },
  };
}

function fixFor(error: unknown): string {
  // Of Python and pip, which run in processes of their own.
  const isDisk = /No space left on device|Disk quota exceeded|Permission denied|Read-only file system/;
  return describeFileError(error) !== undefined || isDisk.test(errorMessage(error))
    ? `make ${dirname(VENV_FOLDER)} and ${tmpdir()} writable, with 500 MB of space.`
    : "let pip reach its package index (network, proxy, or an index set in pip's own configuration), with Python 3.10 or newer.";
}

function onThePath({ version }: PinnedRelease): EmulatorSource {
  return {
    name: "ministack on the PATH",
    find: async () => {
      const fix = `pip install "ministack==${version}"`;
      const found = await installedMinistack();
      if (found === undefined) return { unavailable: "not found", fix };
      if (found.version !== version) return { unavailable: `it is ${found.version}, not ${version}`, fix };
      return { kind: "python", python: found.python, description: `MiniStack ${version}, from the PATH` };
    },
  };
}

function dockerImage({ version }: PinnedRelease): EmulatorSource {
  const image = `ministackorg/ministack:${version}`;
  return {
    name: "Docker",
    find: async () => {
      try {
        const { code, stderr } = await runCommand("docker", ["version", "--format", "{{.Server.Version}}"], {
          env: ownEnvironment(),
        });
        if (code === 0) return { kind: "docker", image, description: `MiniStack ${version}, in Docker` };
        const reason = stderr.trim().split("\n").at(-1) ?? "";
        return { unavailable: `the daemon does not respond (${reason})`, fix: "start Docker." };
      } catch (error) {
        if (!(error instanceof CommandNotFoundError)) throw error;
        return { unavailable: "not installed", fix: "https://docs.docker.com/get-started/get-docker/" };
      }
    },
  };
}
