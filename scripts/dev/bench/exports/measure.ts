import type { Measured, Task } from "./messages";
import { taskSchema } from "./messages";

/** Does the task that this process was started for, and tells its parent what it took. */
export function measure(work: (task: Task) => Promise<number>): void {
  const task = taskSchema.parse(JSON.parse(process.env["BENCH"] ?? ""));
  const began = performance.now();
  const cpu = process.cpuUsage();
  void work(task).then((exported) => {
    const { user, system } = process.cpuUsage(cpu);
    const measured: Measured = {
      seconds: (performance.now() - began) / 1_000,
      cpuSeconds: (user + system) / 1e6,
      exported,
      peakResidentBytes: process.resourceUsage().maxRSS * 1_024,
    };
    process.send?.(measured);
  });
}
