/** Runs a task of the exports' benchmark in its own process. */
import type { Measured, Task } from "./messages";
import { taskSchema } from "./messages";

/** What a task has done. */
interface Done {
  /** Items. */
  readonly exported: number;
  /** Bytes of pages, if they were not the stub's. */
  readonly scanned?: number;
}

/**
 * Runs the task of this process, sends the measurements to the parent process, and ends.
 *
 * @param prepare what is not measured
 */
export function measure<Prepared>(
  prepare: (task: Task) => Prepared,
  work: (task: Task, prepared: Prepared) => Promise<Done>,
): void {
  const task = taskSchema.parse(JSON.parse(process.env["BENCH"] ?? ""));
  const prepared = prepare(task);
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  void work(task, prepared).then((done) => {
    const { user, system } = process.cpuUsage(cpu);
    const measured: Measured = {
      seconds: (performance.now() - startedAt) / 1_000,
      cpuSeconds: (user + system) / 1e6,
      ...done,
      peakResidentBytes: process.resourceUsage().maxRSS * 1_024,
    };
    process.send?.(measured, () => {
      process.disconnect();
    });
  });
}
