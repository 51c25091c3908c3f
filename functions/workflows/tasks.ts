/** The handler of the workflows' REST API. */
import * as z from "zod";

import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createSfn } from "../shared/aws/clients/sfn";
import { parameters } from "../shared/handlers/parameters";
import { endpoint, restHandler } from "../shared/handlers/rest-handler";
import { fittingItems } from "../shared/handlers/response-size";
import type { Scope } from "../shared/handlers/scopes";
import { hasExactNumbers, INEXACT } from "../shared/json-text";
import {
  apiEnvironment,
  decisionSchema,
  taskIdSchema,
  taskListSchema,
  taskRequestSchema,
  type Decision,
} from "./contract";
import { decide, type DecidePorts } from "./task/decide";
import { stepFunctions } from "./task/executions";
import { cancelTask, findTask, startTask } from "./task/lifecycle";
import { pageToken, parsePageToken } from "./task/page-token";
import { redriveTask } from "./task/redrive";
import { taskOf } from "./task/task";
import { taskTable, type TaskTable } from "./task/task-table";

const query = parameters({});
const taskPathSchema = z.object({ path: z.object({ id: taskIdSchema }), query });
const startSchema = z
  .object({ query, body: taskRequestSchema, text: z.string() })
  .refine(({ text }) => hasExactNumbers(text), { path: ["body", "input"], error: INEXACT });
const listSchema = z.object({ query: taskListSchema });
const decideSchema = z.object({
  path: z.object({ id: taskIdSchema }),
  query,
  caller: z.string().default("unknown"),
  body: decisionSchema.default({}),
});
type List = z.output<typeof taskListSchema>;

/** Starts, shows, lists and cancels tasks; decides their approvals and redrives them where the workflow has a definition of its own. */
export const handler = restHandler(
  apiEnvironment,
  ({ environment, clock, logger, metrics }) => {
    const { STATE_MACHINE_ARN, EXECUTION_ARN_PREFIX, TASKS_TABLE, KEEP_DAYS } = environment;
    const executions = stepFunctions(createSfn(), STATE_MACHINE_ARN, EXECUTION_ARN_PREFIX);
    const table = taskTable(createDynamoDB(), TASKS_TABLE, KEEP_DAYS, (taskId) => {
      logger.warn("malformed rows", { taskIds: [taskId] });
    });
    const ports = { executions, table, clock };
    return {
      "POST /tasks": endpoint(startSchema, async ({ body }, scope) => {
        scope.check(body.taskId);
        const started = await startTask(body, ports);
        metrics.count("startRequests", 1);
        return { body: started };
      }),
      "GET /tasks": endpoint(listSchema, async ({ query }, scope) => {
        const { malformed, ...body } = await listTasks(table, query, scope);
        if (malformed.length > 0) logger.warn("malformed rows", { taskIds: malformed });
        return { body };
      }),
      "GET /tasks/{id}": endpoint(taskPathSchema, async ({ path: { id } }) => ({
        body: await findTask(id, ports),
      })),
      "DELETE /tasks/{id}": endpoint(taskPathSchema, async ({ path: { id } }) => {
        const task = await cancelTask(id, ports);
        return { status: task.status === "STARTED" ? 202 : 200, body: task };
      }),
      "POST /tasks/{id}/approve": decisionEndpoint("approved", ports),
      "POST /tasks/{id}/reject": decisionEndpoint("rejected", ports),
      "POST /tasks/{id}/redrive": endpoint(taskPathSchema, async ({ path: { id } }) => ({
        body: await redriveTask(id, ports),
      })),
    };
  },
  { scopes: ({ SCOPES }) => SCOPES },
);

function decisionEndpoint(decision: Decision, ports: DecidePorts) {
  return endpoint(decideSchema, async ({ path: { id }, caller: by, body }) => ({
    body: await decide(id, { decision, by, ...body }, ports),
  }));
}

/** A page has what the caller may read of `limit` rows, so it can be empty and have a `next`. */
async function listTasks(table: Pick<TaskTable, "list">, { status, limit, next }: List, scope: Scope) {
  const page = await table.list(status, { limit, from: parsePageToken(next, status) });
  const allowed = page.tasks.filter(({ taskId }) => scope.includes(taskId));
  const tasks = fittingItems(allowed.map(taskOf));
  const last = tasks.length < allowed.length ? tasks.at(-1) : undefined;
  const nextKey = last ? { taskId: last.taskId, timestamp: String(last.timestamp), status } : page.next;
  return { tasks, malformed: page.malformed, ...(nextKey && { next: pageToken(nextKey) }) };
}
