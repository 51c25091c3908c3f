/** `almanac workflows ls`: lists tasks. */
import { Option } from "commander";
import { TASK_STATUSES, type TaskStatus } from "../../../functions/workflows/contract";
import { jsonText } from "../../../functions/shared/json-text";
import { describeTasks } from "../../features/workflows/describe-task";
import { findWorkflow, workflowCommand, type WorkflowOptions } from "../../features/workflows/environment";
import { listTasks } from "../../features/workflows/list-tasks";
import { colours } from "../../shared/terminal/colours";
import { EXIT, exitCodeOf, wholeNumber, type JsonOption } from "../../shared/terminal/command-line";

interface Options extends WorkflowOptions, JsonOption {
  readonly status: TaskStatus;
  readonly limit: number;
}

export const command = () =>
  workflowCommand({
    description: "Lists tasks by status, the latest first.",
    examples: ["npx almanac workflows ls", "npx almanac workflows ls --status FAILED --limit 10"],
  })
    .addOption(new Option("--status <status>", "their status").choices(TASK_STATUSES).default("STARTED"))
    .option("--limit <n>", "only the latest", wholeNumber(1, 1_000), 50)
    .action(exitCodeOf(run));

async function run(options: Options): Promise<number> {
  const { ports } = await findWorkflow(options);
  const tasks = await listTasks(ports.table, options.status, options.limit);
  console.log(options.json ? jsonText({ tasks }) : describeTasks(tasks, options.status, colours));
  return EXIT.ok;
}
