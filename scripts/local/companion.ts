/** Starts a server that runs beside the emulator as a process of its own, and prints its port in the first line. */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SECOND_MS } from "../../functions/shared/time";
import { makeFolder } from "../shared/folder";
import { identifyProcess, type ProcessIdentity } from "../shared/processes";
import { lastLines } from "../shared/run-command";

/** A server that fails ends at once. A machine that is busy takes its time: 20 s were too few for one. */
const READY_WITHIN_MS = 90_000;

export interface Companion {
  /** `http://127.0.0.1:40123` */
  readonly url: string;
  readonly process: ProcessIdentity;
}

/** The server did not start. The message has the end of its log. */
export class CompanionFailedError extends Error {
  override readonly name = "CompanionFailedError";
}

export interface CompanionOptions {
  /** For people: `the local pages`. */
  readonly title: string;
  /** Of Node. It gets `--until-stdin-closes` with {@link endsWithUs}. */
  readonly args: readonly string[];
  readonly log: string;
  /** True: it ends with this process, even when this process is killed. */
  readonly endsWithUs: boolean;
}

/** @throws CompanionFailedError */
export async function startCompanion({ title, args, log, endsWithUs }: CompanionOptions): Promise<Companion> {
  await makeFolder(dirname(log));
  const output = openSync(log, "w");
  const child = spawn(process.execPath, [...args, ...(endsWithUs ? ["--until-stdin-closes"] : [])], {
    stdio: [endsWithUs ? "pipe" : "ignore", output, output],
    detached: process.platform !== "win32",
  });
  closeSync(output);
  child.stdin?.on("error", () => undefined);
  child.unref();
  const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
  const until = Date.now() + READY_WITHIN_MS;
  while (identity !== undefined && child.exitCode === null && Date.now() < until) {
    const [port] = /^\d+(?=\n)/.exec(await readFile(log, "utf8")) ?? [];
    if (port !== undefined) return { url: `http://127.0.0.1:${port}`, process: identity };
    await sleep(50);
  }
  const reason = child.exitCode === null ? ` within ${READY_WITHIN_MS / SECOND_MS} s` : "";
  child.kill();
  throw new CompanionFailedError(
    `The server of ${title} did not start${reason}:\n${lastLines(await readFile(log, "utf8"), 10)}`,
  );
}
