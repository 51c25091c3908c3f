/** `almanac workflows cancel <task>`: cancels a task. */
import { jsonText } from "../../../functions/shared/json-text";
import { cancelTask } from "../../../functions/workflows/task/lifecycle";
import { describeTask } from "../../features/workflows/describe-task";
import { findWorkflow, workflowCommand, type WorkflowOptions } from "../../features/workflows/environment";
import { colours } from "../../shared/terminal/colours";
import { EXIT, exitCodeOf, type JsonOption, notEmpty } from "../../shared/terminal/command-line";

export const command = () =>
  workflowCommand({
    description: "Cancels a task and shows it. A task that has ended stays as it is.",
    examples: ["npx almanac workflows cancel order-1"],
  })
    .argument("<task>", "the task's id", notEmpty)
    .action(exitCodeOf(run));

async function run(taskId: string, options: WorkflowOptions & JsonOption): Promise<number> {
  const task = await cancelTask(taskId, (await findWorkflow(options)).ports);
  console.log(options.json ? jsonText(task) : describeTask(task, colours));
  return EXIT.ok;
}
