/** Prints a task's history until it has ended. */
import { systemClock } from "../../../functions/shared/clock";
import { startedAtOf } from "../../../functions/workflows/task/task";
import type { Task } from "../../../functions/workflows/contract";
import { colours } from "../../shared/terminal/colours";
import { EXIT } from "../../shared/terminal/command-line";
import { outputClosed } from "../../shared/terminal/output";
import { describeMoment } from "./describe-task";
import { follow } from "./follow";

/** Shows a task's history until it has ended. @returns 0 when the task is DONE */
export async function watchTask(find: () => Promise<Task>, json: boolean): Promise<number> {
  const live = process.stderr.isTTY && !json;
  const clear = live ? "\r\u001b[K" : "";
  const task = await follow(find, {
    clock: systemClock,
    signal: outputClosed,
    onMoment: (moment, before) => {
      process.stderr.write(clear);
      console.log(json ? JSON.stringify(moment) : describeMoment(moment, before, colours));
    },
    onWait: (task) => {
      if (live) process.stderr.write(`${clear}  for ${Math.round((systemClock.now() - startedAtOf(task)) / 1_000)} s`);
    },
  });
  return task.status === "DONE" ? EXIT.ok : EXIT.failure;
}
