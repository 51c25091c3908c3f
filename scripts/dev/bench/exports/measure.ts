/** Runs a task of the exports' benchmark in its own process. */
import type { Measured, Task } from "./messages";
import { taskSchema } from "./messages";

/** Runs the task of this process, and sends the measurements to the parent process. */
export function measure(work: (task: Task) => Promise<number>): void {
  const task = taskSchema.parse(JSON.parse(process.env["BENCH"] ?? ""));
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  void work(task).then((exported) => {
    const { user, system } = process.cpuUsage(cpu);
    const measured: Measured = {
      seconds: (performance.now() - startedAt) / 1_000,
      cpuSeconds: (user + system) / 1e6,
      exported,
      peakResidentBytes: process.resourceUsage().maxRSS * 1_024,
    };
    process.send?.(measured);
  });
}
