/** The priority of the processes that tests start. */
import type { ChildProcess } from "node:child_process";
import { getPriority, setPriority } from "node:os";

/** Lets a child process, and what it starts, have fewer of the processors: by a niceness of 0 to 19 more than ours. */
export function lowerPriority({ pid }: ChildProcess, niceness: number): void {
  if (pid !== undefined && niceness > 0) setPriority(pid, Math.min(19, getPriority() + niceness));
}
