/** A process with a share of a CPU, as Lambda gives one by its memory: a quota, after which the kernel stops it until the period ends. */
import { fork, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSync } from "esbuild";

export interface CpuQuota {
  readonly periodMs: number;
  /** Of the period. */
  readonly share: number;
}

/**
 * Runs a file as a process, which is sent `input` and stopped for a part of each period.
 *
 * @returns its answer, a message
 */
export async function runThrottled(file: string, input: object, { periodMs, share }: CpuQuota): Promise<unknown> {
  const directory = mkdtempSync(join(tmpdir(), "almanac-throttled-"));
  const script = join(directory, "process.js");
  buildSync({
    entryPoints: [file],
    outfile: script,
    bundle: true,
    platform: "node",
    target: "node20",
    logLevel: "silent",
  });
  const child = fork(script, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const timers: NodeJS.Timeout[] = [];
  try {
    await messageOf(child); // it has started: what is measured is not how long that takes
    const result = messageOf(child);
    child.send(input);
    const stop = () => {
      child.kill("SIGSTOP");
      timers.push(setTimeout(() => child.kill("SIGCONT"), (1 - share) * periodMs));
    };
    timers.push(
      setTimeout(stop, share * periodMs),
      setInterval(() => timers.push(setTimeout(stop, share * periodMs)), periodMs),
    );
    return await result;
  } finally {
    for (const timer of timers) clearTimeout(timer);
    child.kill("SIGKILL");
    rmSync(directory, { recursive: true });
  }
}

function messageOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once("message", resolve);
    child.once("exit", (code, signal) => {
      reject(new Error(`the process ended early: ${signal ?? `code ${code ?? "?"}`}`));
    });
  });
}
