/** Starts the emulator as a process group of its own, bound to loopback, and waits until it answers. */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { basename, delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { MINUTE_MS } from "../../functions/shared/time";
import { identifyProcess, type ProcessIdentity } from "../shared/processes";
import { lastLines, runCommand, ownEnvironment } from "../shared/run-command";
import type { Emulator } from "./find";
import { isHealthy } from "./health";
import { LAUNCHER_FILE } from "./pinned-release";

export const LOCAL_REGION = "eu-central-1";

/** Started in half a second; a container whose image has to be fetched takes longer. */
const READY_WITHIN_MS = { python: 30_000, docker: 5 * MINUTE_MS } as const;

export interface StartedEmulator {
  readonly endpoint: string;
  readonly process: ProcessIdentity;
  /** The name of its container, when it is one. */
  readonly container?: string;
  readonly log: string;
  /** Settles when the emulator has ended, with its exit code; null: a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Lets this process end while the emulator keeps running. */
  readonly release: () => void;
}

/** It did not start, or ended before it answered. The message holds the end of its log. */
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
  /** Where its log and its temporary files go. */
  readonly folder: string;
  /** True: it ends with this process, whatever becomes of this process. */
  readonly endsWithUs: boolean;
  /** True: what functions and state machines ask of AWS is written to {@link callsFile}. */
  readonly recordCalls: boolean;
  readonly signal?: AbortSignal;
}

/** @throws EmulatorFailedError */
export async function startEmulator(options: StartOptions): Promise<StartedEmulator> {
  const { emulator, node, port, folder, endsWithUs, recordCalls, signal } = options;
  const log = join(folder, "emulator.log");
  const temporary = temporaryFolder(folder);
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });

  const calls = recordCalls ? callsFile(folder) : undefined;
  const container = emulator.kind === "docker" ? `almanac-${port}-${process.pid}` : undefined;
  const [file, args] =
    emulator.kind === "python"
      ? ([emulator.python, launcherArguments(LAUNCHER_FILE, port, endsWithUs, calls)] as const)
      : (["docker", dockerArguments(emulator.image, container ?? "", port, endsWithUs, calls)] as const);

  const output = openSync(log, "w");
  const child = spawn(file, args, {
    cwd: temporary,
    // Docker's client needs its own settings; what runs in the container sees none of them.
    env: emulator.kind === "python" ? emulatorEnvironment(temporary, node) : ownEnvironment(),
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
  // Without this, writing to the pipe of an emulator that has ended would end us.
  child.stdin?.on("error", () => undefined);

  const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
  if (identity === undefined) throw await failure(`${file} could not be started`, log);
  const endpoint = `http://127.0.0.1:${port}`;
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

/** Ends a container that its client has left behind. Says nothing when there is none. */
export async function removeContainer(name: string): Promise<void> {
  await runCommand("docker", ["rm", "--force", name], { env: ownEnvironment() });
}

/** The emulator's temporary files: the unpacked Lambda functions among them. */
export function temporaryFolder(folder: string): string {
  return join(folder, "tmp");
}

/** What functions and state machines have asked of AWS, where it is recorded: see record_calls.py. */
export function callsFile(folder: string): string {
  return join(folder, "calls.ndjson");
}

/** The last lines of the emulator's log. */
export async function logTail(log: string, count = 20): Promise<string> {
  return lastLines((await readFile(log, "utf8").catch(() => "")).trimEnd(), count);
}

/**
 * Its whole environment. Everything in it reaches the Lambda functions as well: a proxy, an AWS profile or NODE_OPTIONS
 * of this machine would change what they do.
 *
 * @param node the program that functions run on
 */
export function emulatorEnvironment(temporary: string, node: string): Record<string, string> {
  return {
    // MiniStack starts the first Node on the PATH.
    PATH: [dirname(node), process.env["PATH"] ?? ""].join(delimiter),
    HOME: temporary,
    TMPDIR: temporary,
    LANG: "C.UTF-8",
    AWS_DEFAULT_REGION: LOCAL_REGION,
    MINISTACK_REGION: LOCAL_REGION,
    PYTHONUNBUFFERED: "1",
    // Said by Node 20, where no other could be installed.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
    // MiniStack's worker loads version 2 of the SDK, whose notice would be in every function's log.
    AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE: "1",
    // Windows starts no process without these.
    ...(process.platform === "win32"
      ? { SystemRoot: process.env["SystemRoot"] ?? "", TEMP: temporary, TMP: temporary }
      : {}),
  };
}

/** The launcher's own arguments. `calls`: the file to record calls in. */
function launcherArguments(launcher: string, port: number, endsWithUs: boolean, calls: string | undefined): string[] {
  return [
    ...[launcher, "--port", String(port)],
    ...(endsWithUs ? ["--until-stdin-closes"] : []),
    ...(calls === undefined ? [] : ["--record-calls", calls]),
  ];
}

/** `docker run` of the image with our launcher, published on loopback only. `calls`: the file to record calls in. */
export function dockerArguments(
  image: string,
  container: string,
  port: number,
  endsWithUs: boolean,
  calls?: string,
): string[] {
  const inside = calls === undefined ? undefined : `/calls/${basename(calls)}`;
  return [
    ...["run", "--rm", "--init", "--name", container, ...(endsWithUs ? ["--interactive"] : [])],
    // The same port inside: the addresses it gives away, of queues for one, must hold for its functions as well.
    ...["--publish", `127.0.0.1:${port}:${port}`],
    ...["--env", `AWS_DEFAULT_REGION=${LOCAL_REGION}`, "--env", `MINISTACK_REGION=${LOCAL_REGION}`],
    ...(calls === undefined ? [] : ["--volume", `${dirname(calls)}:/calls`]),
    ...["--volume", `${dirname(LAUNCHER_FILE)}:/almanac:ro`, "--entrypoint", "python", image],
    ...launcherArguments("/almanac/launch.py", port, endsWithUs, inside),
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
    if (child.exitCode !== null || child.signalCode !== null) throw await failure("it ended as it started", log);
    if (await isHealthy(endpoint)) return;
    if (Date.now() > deadline) throw await failure(`it did not answer within ${withinMs / 1000} s`, log);
    await sleep(50);
  }
}

async function failure(what: string, log: string): Promise<EmulatorFailedError> {
  const tail = await logTail(log);
  return new EmulatorFailedError(`The emulator failed: ${what}. The end of ${log}:\n${tail}`, tail);
}
