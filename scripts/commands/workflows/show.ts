/** `almanac workflows show <task>`: shows a task with its history. */
import { jsonText } from "../../../functions/shared/json-text";
import { findTask } from "../../../functions/workflows/task/lifecycle";
import { describeTask } from "../../features/workflows/describe-task";
import { findWorkflow, workflowCommand, type WorkflowOptions } from "../../features/workflows/environment";
import { watchTask } from "../../features/workflows/watch";
import { colours } from "../../shared/terminal/colours";
import { EXIT, exitCodeOf, type JsonOption, notEmpty } from "../../shared/terminal/command-line";

export const command = () =>
  workflowCommand({
    description: "Shows a task with its history.",
    examples: ["npx almanac workflows show order-1", "npx almanac workflows show order-1 --watch"],
    exitCodes: { [EXIT.failure]: "there is no such task; with --watch: it did not end as DONE" },
  })
    .argument("<task>", "the task's id", notEmpty)
    .option("--watch", "follow the task until it has ended", false)
    .action(exitCodeOf(run));

async function run(
  taskId: string,
  options: WorkflowOptions & JsonOption & { readonly watch: boolean },
): Promise<number> {
  const { ports } = await findWorkflow(options);
  if (options.watch) return watchTask(() => findTask(taskId, ports), options.json);
  const task = await findTask(taskId, ports);
  console.log(options.json ? jsonText(task) : describeTask(task, colours));
  return EXIT.ok;
}
