import { sleep, type Clock } from "../../../functions/shared/clock";
import type { Task } from "../../../functions/workflows/contract";

const POLL_MS = 1_000;

export interface FollowOptions {
  readonly clock: Clock;
  /** Hears of each step of the history, as it is seen. */
  readonly onMoment: (moment: Task["history"][number], before: Task["history"][number] | undefined) => void;
  /** Hears that it goes on, each second. */
  readonly onWait: (task: Task) => void;
}

/** Follows a task until it has ended, and returns it as it is then. */
export async function follow(find: () => Promise<Task>, { clock, onMoment, onWait }: FollowOptions): Promise<Task> {
  let seen = 0;
  for (;;) {
    const task = await find();
    task.history.forEach((moment, index) => {
      if (index >= seen) onMoment(moment, task.history[index - 1]);
    });
    seen = Math.max(seen, task.history.length);
    if (task.status !== "STARTED") return task;
    onWait(task);
    await sleep(clock, POLL_MS);
  }
}
