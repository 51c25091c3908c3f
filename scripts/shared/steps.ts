/** Shows the steps of a command with how long each took: live on a terminal, one line a step elsewhere. */
import { Listr } from "listr2";

export interface Step {
  readonly title: string;
  /** What there is to tell meanwhile goes to `report`; what it returns stands after the title when it is done. */
  readonly run: (report: (line: string) => void) => Promise<string | undefined>;
}

/** Runs one step after the other. The first one that throws is the last. */
export async function runSteps(steps: readonly Step[]): Promise<void> {
  const onTerminal = process.stdout.isTTY;
  const tasks = new Listr(
    steps.map(({ title, run }) => ({
      title,
      task: async (_, task) => {
        const began = performance.now();
        const took = () => `${((performance.now() - began) / 1000).toFixed(1)} s`;
        try {
          const result = await run((line) => {
            task.output = line;
          });
          task.title = `${title}${result === undefined ? "" : `: ${result}`} (${took()})`;
          if (!onTerminal) console.log(task.title);
        } catch (error) {
          task.title = `${title}: failed after ${took()}`;
          if (!onTerminal) console.log(task.title);
          throw error;
        }
      },
    })),
    {
      renderer: onTerminal ? "default" : "silent",
      // The command itself says what went wrong, and what to do about it.
      rendererOptions: { collapseErrors: true, showErrorMessage: false, formatOutput: "truncate" },
      // The command decides what an interrupt means.
      registerSignalListeners: false,
    },
  );
  await tasks.run();
}
