import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { typeErrorsIn } from "../../../../scripts/local/live/type-errors";
import { identifyProcess, isRunning, type ProcessIdentity } from "../../../../scripts/shared/processes";

/** Linters and type checkers among the descendants of a process. */
function linters(of: number): readonly number[] {
  const table = execFileSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8" }).trim().split("\n");
  const rows = table.map((row) => row.trim().split(/\s+/));
  const under = (parent: number): number[] =>
    rows.flatMap(([pid, ppid, ...args]) =>
      Number(ppid) === parent && args.some((arg) => arg.includes("lint")) ? [Number(pid), ...under(Number(pid))] : [],
    );
  return under(of);
}

it("ends the type checker with the linter", async () => {
  const stop = new AbortController();
  const errors = typeErrorsIn(["functions/timers/api.ts"], stop.signal);
  let processes: readonly ProcessIdentity[] = [];
  // The linter, the checker's launcher, and the checker.
  while (processes.length < 3) {
    processes = linters(process.pid).flatMap((pid) => identifyProcess(pid) ?? []);
    await sleep(5);
  }
  stop.abort();
  await expect(errors).rejects.toThrow();
  while (processes.some(isRunning)) await sleep(5);
});
