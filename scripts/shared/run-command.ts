/** Runs other programs, with their output line by line, and interrupts them with this process. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { identifyProcess, signalGroup, type ProcessIdentity } from "./processes";

export interface CommandOptions {
  /** @default the current working directory */
  readonly cwd?: string;
  /** The complete environment. @default this process's */
  readonly env?: Readonly<Record<string, string>>;
  /** Written to its standard input. @default it has none */
  readonly input?: string;
  /** Called with each line of standard output and standard error. */
  readonly onLine?: (line: string) => void;
  /** Aborted: sends SIGINT. */
  readonly signal?: AbortSignal;
  /** Time between SIGINT and SIGKILL. @default {@link GRACE_MS} */
  readonly graceMs?: number;
  /** True: it and what it has started are killed when this process is killed. Ignored on Windows. @default it runs on */
  readonly endsWithUs?: boolean;
  /** Called when it runs. */
  readonly onStart?: (started: ProcessIdentity) => void;
}

/** The exit code of a program that a signal ended. */
export const KILLED = 128;

export interface CommandResult {
  /** {@link KILLED} when a signal ended the program. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The program is missing or not executable. */
export class CommandNotFoundError extends Error {
  override readonly name = "CommandNotFoundError";
}

/** The program ended with another exit code than 0. */
export class CommandFailedError extends Error {
  override readonly name = "CommandFailedError";
  constructor(
    readonly command: string,
    readonly result: CommandResult,
  ) {
    super(
      `${command} ended with exit code ${result.code}:\n${lastLines(result.stderr.trim() || result.stdout.trim(), 30)}`,
    );
  }
}

/** An interrupted Terraform needs seconds to stop its provider and release its lock. */
const GRACE_MS = 15_000;

/**
 * Runs a program to its end. Any exit code is a result, not an error.
 * @throws CommandNotFoundError
 */
export function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { cwd, env, input, onLine, signal, graceMs = GRACE_MS, endsWithUs = false, onStart } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(new Error(`${file} was not started: ${String(signal.reason)}`));
      return;
    }
    // spawn would report a missing program.
    if (cwd !== undefined && !existsSync(cwd)) {
      reject(new Error(`${file} cannot run in ${cwd}: no such folder`));
      return;
    }
    const child = spawn(file, args, {
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env }),
      stdio: ["pipe", "pipe", "pipe"],
      // Its own process group: a second SIGINT, from Ctrl-C in the terminal, makes Terraform drop its state.
      detached: process.platform !== "win32",
    });
    const release = endsWithUs && child.pid !== undefined ? guard(child.pid) : undefined;
    const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
    if (identity !== undefined) onStart?.(identity);
    // A program that ends before it has read all says so by its exit code.
    child.stdin.on("error", () => undefined).end(input);
    const lines: Record<"stdout" | "stderr", string[]> = { stdout: [], stderr: [] };
    for (const stream of ["stdout", "stderr"] as const) {
      createInterface({ input: child[stream], crlfDelay: Infinity }).on("line", (line) => {
        lines[stream].push(line);
        onLine?.(line);
      });
    }

    let killTimer: NodeJS.Timeout | undefined;
    const interrupt = () => {
      child.kill("SIGINT");
      killTimer = setTimeout(() => {
        if (child.pid !== undefined) signalGroup(child.pid, "SIGKILL");
      }, graceMs);
    };
    signal?.addEventListener("abort", interrupt, { once: true });
    const settle = () => {
      signal?.removeEventListener("abort", interrupt);
      clearTimeout(killTimer);
      release?.();
    };

    child.on("error", (cause) => {
      settle();
      reject(new CommandNotFoundError(`${file} cannot be run: ${cause.message}`, { cause }));
    });
    child.on("close", (code) => {
      settle();
      resolve({ code: code ?? KILLED, stdout: lines.stdout.join("\n"), stderr: lines.stderr.join("\n") });
    });
  });
}

/** Kills a process group when this process ends without having called the result, as after kill -9: the guard's input ends with it. */
function guard(leader: number): (() => void) | undefined {
  if (process.platform === "win32") return undefined;
  const shell = spawn("sh", ["-c", `read -r _; kill -s KILL -- -${leader}`], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  shell.on("error", () => undefined);
  shell.stdin.on("error", () => undefined);
  return () => shell.kill("SIGKILL");
}

/**
 * Runs a program to its end.
 * @returns its standard output
 * @throws CommandNotFoundError, CommandFailedError
 */
export async function commandOutput(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const result = await runCommand(file, args, options);
  if (result.code !== 0) throw new CommandFailedError([file, ...args].join(" "), result);
  return result.stdout;
}

/** The last `count` lines of a text. */
export function lastLines(text: string, count: number): string {
  return text.split("\n").slice(-count).join("\n");
}

/** This process's environment without undefined values. */
export function ownEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
