/** Follows a task's history. */
import { sleep, type Clock } from "../../../functions/shared/clock";
import type { Task } from "../../../functions/workflows/contract";

const POLL_MS = 1_000;

export interface FollowOptions {
  readonly clock: Clock;
  /** Aborted: stops following. */
  readonly signal?: AbortSignal;
  /** Called once with each entry of the history. */
  readonly onMoment: (moment: Task["history"][number], before: Task["history"][number] | undefined) => void;
  /** Called after each poll of a task that is not finished. */
  readonly onWait: (task: Task) => void;
}

/** Polls a task until it has ended. @returns the task at its end */
export async function follow(
  find: () => Promise<Task>,
  { clock, signal, onMoment, onWait }: FollowOptions,
): Promise<Task> {
  let seen = 0;
  for (;;) {
    const task = await find();
    task.history.forEach((moment, index) => {
      if (index >= seen) onMoment(moment, task.history[index - 1]);
    });
    seen = Math.max(seen, task.history.length);
    if (task.status !== "STARTED" || signal?.aborted === true) return task;
    onWait(task);
    await sleep(clock, POLL_MS);
  }
}
