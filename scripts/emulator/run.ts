/** Starts the emulator as its own process group, bound to loopback, and waits until it responds. */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { basename, delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { MINUTE_MS } from "../../functions/shared/time";
import { randomKeys, writeKeys } from "../shared/emulator-keys";
import { makeFolder } from "../shared/folder";
import { identifyProcess, type ProcessIdentity } from "../shared/processes";
import { lastLines, runCommand, ownEnvironment } from "../shared/run-command";
import type { Emulator } from "./find";
import { isHealthy } from "./health";
import type { About } from "./kept-state";
import { LAUNCHER_FILE } from "./pinned-release";

export const LOCAL_REGION = "eu-central-1";

const SYSTEM_PATH = process.platform === "win32" ? [] : ["/usr/local/bin", "/usr/bin", "/bin"];

/** MiniStack starts in half a second; a container's image may have to be pulled first. */
const READY_WITHIN_MS = { python: 30_000, docker: 5 * MINUTE_MS } as const;

export interface StartedEmulator {
  readonly endpoint: string;
  readonly process: ProcessIdentity;
  /** Its container, when it runs in Docker. */
  readonly container?: string;
  readonly log: string;
  /** Settles with the exit code when the emulator ends; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Allows this process to exit while the emulator keeps running. */
  readonly release: () => void;
}

/** The emulator did not start, or ended before it responded. The message includes the end of its log. */
export class EmulatorFailedError extends Error {
  override readonly name = "EmulatorFailedError";
  constructor(
    message: string,
    readonly log: string,
  ) {
    super(message);
  }
}

export interface StartOptions {
  readonly emulator: Emulator;
  /** The Node that functions run on. A container brings its own. */
  readonly node: string;
  readonly port: number;
  /** For its log and temporary files. */
  readonly folder: string;
  /** True: it ends with this process, even when this process is killed. */
  readonly endsWithUs: boolean;
  /** True: records the AWS calls of functions and state machines in {@link callsFile}. */
  readonly recordCalls: boolean;
  /** Where its state is kept, and what the file says about itself. */
  readonly state: { readonly file: string; readonly about: About };
  readonly signal?: AbortSignal;
}

/** @throws EmulatorFailedError */
export async function startEmulator(options: StartOptions): Promise<StartedEmulator> {
  const { emulator, node, port, folder, endsWithUs, recordCalls, state, signal } = options;
  const log = join(folder, "emulator.log");
  const temporary = temporaryFolder(folder);
  await rm(temporary, { recursive: true, force: true });
  await makeFolder(temporary);
  await makeFolder(dirname(state.file));

  const calls = recordCalls ? callsFile(folder) : undefined;
  const container = emulator.kind === "docker" ? `almanac-${port}-${process.pid}` : undefined;
  const endpoint = `http://127.0.0.1:${port}`;
  const keys = randomKeys();
  await writeKeys(endpoint, keys);
  const keyVariables = { AWS_ACCESS_KEY_ID: keys.accessKeyId, AWS_SECRET_ACCESS_KEY: keys.secretAccessKey };
  const [file, args] =
    emulator.kind === "python"
      ? ([emulator.python, launcherArguments(LAUNCHER_FILE, { port, endsWithUs, calls, state })] as const)
      : (["docker", dockerArguments(emulator.image, container ?? "", { port, endsWithUs, calls, state })] as const);

  const output = openSync(log, "w");
  const child = spawn(file, args, {
    cwd: temporary,
    // The Docker client needs this environment; the container gets the keys of it only.
    env: { ...(emulator.kind === "python" ? emulatorEnvironment(temporary, node) : ownEnvironment()), ...keyVariables },
    stdio: [endsWithUs ? "pipe" : "ignore", output, output],
    detached: process.platform !== "win32",
  });
  closeSync(output);
  const ended = new Promise<number | null>((resolve) => {
    child.on("error", () => {
      resolve(null);
    });
    child.on("exit", resolve);
  });
  // A write to the pipe of an ended emulator must not end this process.
  child.stdin?.on("error", () => undefined);

  const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
  if (identity === undefined) throw await failure(`${file} cannot be started`, log);
  const started: StartedEmulator = {
    endpoint,
    process: identity,
    ...(container === undefined ? {} : { container }),
    log,
    ended,
    release: () => {
      child.unref();
    },
  };
  try {
    await untilReady(started, child, READY_WITHIN_MS[emulator.kind], signal);
  } catch (error) {
    child.kill("SIGTERM");
    if (container !== undefined) await removeContainer(container);
    throw error;
  }
  return started;
}

/** Removes a container, if it exists. */
export async function removeContainer(name: string): Promise<void> {
  await runCommand("docker", ["rm", "--force", name], { env: ownEnvironment() });
}

/** The emulator's temporary files, such as unpacked Lambda functions. */
export function temporaryFolder(folder: string): string {
  return join(folder, "tmp");
}

/** The recorded AWS calls of functions and state machines: see record_calls.py. */
export function callsFile(folder: string): string {
  return join(folder, "calls.ndjson");
}

/** The last lines of the emulator's log. */
export async function logTail(log: string, count = 20): Promise<string> {
  return lastLines((await readFile(log, "utf8").catch(() => "")).trimEnd(), count);
}

/**
 * The emulator's environment, besides its keys. The Lambda functions inherit it, so it contains no proxy, AWS profile or NODE_OPTIONS of
 * this machine, and of its PATH only the folders of the system.
 *
 * @param node the program that functions run on
 */
export function emulatorEnvironment(temporary: string, node: string): Record<string, string> {
  return {
    // MiniStack starts the first Node on the PATH.
    PATH: [dirname(node), ...SYSTEM_PATH].join(delimiter),
    HOME: temporary,
    TMPDIR: temporary,
    LANG: "C.UTF-8",
    AWS_DEFAULT_REGION: LOCAL_REGION,
    MINISTACK_REGION: LOCAL_REGION,
    PYTHONUNBUFFERED: "1",
    // Said by Node 20, where no other could be installed.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
    // Windows cannot start processes without these.
    ...(process.platform === "win32"
      ? { SystemRoot: process.env["SystemRoot"] ?? "", TEMP: temporary, TMP: temporary }
      : {}),
  };
}

export interface LauncherOptions {
  readonly port: number;
  readonly endsWithUs: boolean;
  /** The file to record calls in. */
  readonly calls?: string | undefined;
  readonly state: StartOptions["state"];
}

function launcherArguments(launcher: string, { port, endsWithUs, calls, state }: LauncherOptions): string[] {
  return [
    ...[launcher, "--port", String(port)],
    ...(endsWithUs ? ["--until-stdin-closes"] : []),
    ...(calls === undefined ? [] : ["--record-calls", calls]),
    ...["--state", state.file, "--about", JSON.stringify(state.about)],
  ];
}

/** Arguments of `docker run`: the image with the launcher, published on loopback. */
export function dockerArguments(image: string, container: string, options: LauncherOptions): string[] {
  const { port, endsWithUs, calls, state } = options;
  const inside = {
    ...options,
    calls: calls === undefined ? undefined : `/calls/${basename(calls)}`,
    state: { ...state, file: `/state/${basename(state.file)}` },
  };
  return [
    ...["run", "--rm", "--init", "--name", container, ...(endsWithUs ? ["--interactive"] : [])],
    // The same port inside: functions in the container use the same queue URLs.
    ...["--publish", `127.0.0.1:${port}:${port}`],
    // Names only: the values would be in the list of processes.
    ...["--env", "AWS_ACCESS_KEY_ID", "--env", "AWS_SECRET_ACCESS_KEY"],
    ...["--env", `AWS_DEFAULT_REGION=${LOCAL_REGION}`, "--env", `MINISTACK_REGION=${LOCAL_REGION}`],
    ...(calls === undefined ? [] : ["--volume", `${dirname(calls)}:/calls`]),
    ...["--volume", `${dirname(state.file)}:/state`],
    ...["--volume", `${dirname(LAUNCHER_FILE)}:/almanac:ro`, "--entrypoint", "python", image],
    ...launcherArguments("/almanac/launch.py", inside),
    ...["--host", "0.0.0.0"],
  ];
}

async function untilReady(
  { endpoint, log }: StartedEmulator,
  child: ChildProcess,
  withinMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    signal?.throwIfAborted();
    if (child.exitCode !== null || child.signalCode !== null) throw await failure("it ended during its start", log);
    if (await isHealthy(endpoint)) return;
    if (Date.now() > deadline) throw await failure(`it did not respond within ${withinMs / 1000} s`, log);
    await sleep(50);
  }
}

async function failure(what: string, log: string): Promise<EmulatorFailedError> {
  const tail = await logTail(log);
  return new EmulatorFailedError(`The emulator failed: ${what}. The end of ${log}:\n${tail}`, tail);
}
