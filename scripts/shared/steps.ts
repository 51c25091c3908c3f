/** Shows the steps of a command as they run: alive on a terminal, plain lines elsewhere, each with how long it took. */
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
        if (!onTerminal) console.log(`${title} ...`);
        const took = () => `${((performance.now() - began) / 1000).toFixed(1)} s`;
        try {
          const result = await run((line) => {
            if (onTerminal) task.output = line;
            else console.log(`    ${line}`);
          });
          task.title = `${title}${result === undefined ? "" : `: ${result}`} (${took()})`;
          if (!onTerminal) console.log(`  ${task.title}`);
        } catch (error) {
          task.title = `${title}: failed after ${took()}`;
          if (!onTerminal) console.log(`  ${task.title}`);
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
