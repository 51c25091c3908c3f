/** `almanac workflows redrive <task>`: runs a failed task again from the state that failed. */
import { jsonText } from "../../../functions/shared/json-text";
import { redriveTask } from "../../../functions/workflows/task/redrive";
import { describeTask } from "../../features/workflows/describe-task";
import { findWorkflow, workflowCommand, type WorkflowOptions } from "../../features/workflows/environment";
import { colours } from "../../shared/terminal/colours";
import { EXIT, exitCodeOf, UsageError, type JsonOption, notEmpty } from "../../shared/terminal/command-line";

export const command = () =>
  workflowCommand({
    description:
      "Runs a failed, timed-out or aborted task again, from the state that failed. For workflows with a definition of their own.",
    examples: ["npx almanac workflows redrive order-1 --workflow refund"],
  })
    .argument("<task>", "the task's id", notEmpty)
    .action(exitCodeOf(run));

async function run(taskId: string, options: WorkflowOptions & JsonOption): Promise<number> {
  const { ports, isOwn } = await findWorkflow(options);
  if (!isOwn) throw new UsageError("This workflow's machine records its failures itself. Start another task.");
  const task = await redriveTask(taskId, ports);
  console.log(options.json ? jsonText(task) : describeTask(task, colours));
  return EXIT.ok;
}
