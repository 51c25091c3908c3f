/** Shows the steps of a command with their durations: live on a terminal, plain lines elsewhere. */
import { Listr } from "listr2";

export interface Step {
  readonly title: string;
  /** Reports progress lines; its result is shown after the title. */
  readonly run: (report: (line: string) => void) => Promise<string | undefined>;
}

/** Runs the steps in order until one throws. */
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
      // The command reports the error.
      rendererOptions: { collapseErrors: true, showErrorMessage: false, formatOutput: "truncate" },
      // The command handles interrupts.
      registerSignalListeners: false,
    },
  );
  await tasks.run();
}
