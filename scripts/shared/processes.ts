/** Tells whether a process that was started earlier still runs, and ends it: never another that got its number since. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { errorCode } from "../../functions/shared/errors";

/** A process, told apart from a later one of the same number by when it began. */
export const processIdentitySchema = z.object({ pid: z.int().positive(), startedAt: z.string().min(1) });
export type ProcessIdentity = z.output<typeof processIdentitySchema>;

/** The identity of a running process; undefined when none has this number. A process that has ended but was not collected does not run. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const startedAt = process.platform === "linux" ? linuxStart(pid) : psStart(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

/** Whether this very process still runs. */
export function isRunning(identity: ProcessIdentity): boolean {
  return identifyProcess(identity.pid)?.startedAt === identity.startedAt;
}

/**
 * Ends a process that leads a group, and the whole group: asked first, killed when it has not ended `graceMs` later.
 * @returns false when it did not run any more
 */
export async function endProcessGroup(identity: ProcessIdentity, graceMs: number): Promise<boolean> {
  if (!isRunning(identity)) return false;
  signalGroup(identity.pid, "SIGTERM");
  const deadline = Date.now() + graceMs;
  while (isRunning(identity) && Date.now() < deadline) await sleep(20);
  // The leader may have gone without its group. While one member is left, the group's number belongs to no other.
  signalGroup(identity.pid, "SIGKILL");
  while (isRunning(identity)) await sleep(20);
  return true;
}

/** Signals a process and its whole group. */
export function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(process.platform === "win32" ? leader : -leader, signal);
  } catch (error) {
    // ESRCH: nobody is left. EPERM: macOS says so of a group whose members have all ended.
    if (!["ESRCH", "EPERM"].includes(errorCode(error) ?? "")) throw error;
  }
}

/** Clock ticks since boot (proc(5), field 22), with the boot's own id: two boots count the same ticks. */
function linuxStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The program's name, field 2, is in parentheses and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${fields[19] ?? ""}@${boot}`;
  } catch {
    return undefined;
  }
}

function psStart(pid: number): string | undefined {
  try {
    const env = { ...process.env, LC_ALL: "C" };
    const line = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { encoding: "utf8", env }).trim();
    return line === "" || line.startsWith("Z") ? undefined : line.replace(/^\S+\s+/, "");
  } catch {
    return undefined;
  }
}
