/** Lists a workflow's tasks, whatever pages DynamoDB makes of them. */
import type { Task, TaskStatus } from "../../../functions/workflows/contract";
import { taskOf } from "../../../functions/workflows/task/task";
import type { PageKey, TaskTable } from "../../../functions/workflows/task/task-table";

/** The latest tasks of a status, without what their rows have for the functions: tokens of approvals, for example. */
export async function listTasks(
  table: Pick<TaskTable, "list">,
  status: TaskStatus,
  limit: number,
): Promise<readonly Task[]> {
  const tasks: Task[] = [];
  let from: PageKey | undefined;
  do {
    const page = await table.list(status, { limit: limit - tasks.length, from });
    tasks.push(...page.tasks.map(taskOf));
    from = page.next;
  } while (from !== undefined && tasks.length < limit);
  return tasks;
}
