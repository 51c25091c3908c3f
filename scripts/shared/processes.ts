/** Identifies and ends processes of earlier commands, safely when process ids are reused. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { errorCode } from "../../functions/shared/errors";

/** The start time distinguishes a process from a later one with the same id. */
export const processIdentitySchema = z.object({ pid: z.int().positive(), startedAt: z.string().min(1) });
export type ProcessIdentity = z.output<typeof processIdentitySchema>;

/** The identity of a running process; undefined when there is none. Zombies do not run. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const startedAt = process.platform === "linux" ? linuxStart(pid) : psStart(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

/** Whether this process still runs. */
export function isRunning(identity: ProcessIdentity): boolean {
  return identifyProcess(identity.pid)?.startedAt === identity.startedAt;
}

/**
 * Ends a process group: SIGTERM, then SIGKILL after `graceMs`.
 * @returns false when its leader had ended before
 */
export async function endProcessGroup(identity: ProcessIdentity, graceMs: number): Promise<boolean> {
  if (!isRunning(identity)) return false;
  signalGroup(identity.pid, "SIGTERM");
  const deadline = Date.now() + graceMs;
  while (isRunning(identity) && Date.now() < deadline) await sleep(20);
  // The leader may end before its group. The group's id is not reused while a member is left.
  signalGroup(identity.pid, "SIGKILL");
  while (isRunning(identity)) await sleep(20);
  return true;
}

/** Signals a process and its whole group. */
export function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(process.platform === "win32" ? leader : -leader, signal);
  } catch (error) {
    // ESRCH: no process is left. EPERM: macOS reports it for a group whose members have all ended.
    if (!["ESRCH", "EPERM"].includes(errorCode(error) ?? "")) throw error;
  }
}

/** Clock ticks since boot (proc(5), field 22), with the boot's id: ticks repeat after a reboot. */
function linuxStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The program's name, field 2, is in parentheses and may contain any character.
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
