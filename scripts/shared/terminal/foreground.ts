/** Whether the terminal is this process's to read: a shell's background job that reads is stopped by SIGTTIN. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** False: in the background of its terminal. */
export function isInForeground(): boolean {
  if (!process.stdin.isTTY) return true;
  const [own, foreground] = processGroups();
  // Not known: as on Windows, which has no background jobs.
  return own === undefined || foreground === undefined || own === foreground;
}

/** This process's group, and the one in the foreground of its terminal. */
function processGroups(): readonly [own?: string | undefined, foreground?: string | undefined] {
  if (process.platform === "win32") return [];
  try {
    // proc(5): after the name, which may contain anything: state, parent, group, session, terminal, foreground group.
    const [, , own, , , foreground] = (/^.*\) (.*)$/s.exec(readFileSync("/proc/self/stat", "utf8"))?.[1] ?? "").split(
      " ",
    );
    return [own, foreground];
  } catch {
    const { stdout, error } = spawnSync("ps", ["-o", "pgid=,tpgid=", "-p", String(process.pid)], { encoding: "utf8" });
    if (error !== undefined) return [];
    const [own, foreground] = stdout.trim().split(/\s+/);
    return [own, foreground];
  }
}
