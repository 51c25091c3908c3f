/** Workflow tasks: lists by status, and one task with its machine. */
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  type SFNClient,
} from "@aws-sdk/client-sfn";
import { parse, stringify } from "lossless-json";
import { errorName } from "../../../functions/shared/errors";
import { jsonText } from "../../../functions/shared/json-text";
import { stepFunctions } from "../../../functions/workflows/task/executions";
import { systemClock } from "../../../functions/shared/clock";
import { findTask } from "../../../functions/workflows/task/lifecycle";
import { startedAtOf } from "../../../functions/workflows/task/task";
import { taskTable } from "../../../functions/workflows/task/task-table";
import type { Task } from "../../../functions/workflows/contract";
import { workflowOf } from "../../features/workflows/environment";
import { outputsOf } from "../../shared/feature-outputs";
import { machineView } from "../architecture/machine";
import type { MachineEvent } from "../architecture/machine-run";
import { TASK_TABS, type Query, type TasksView, type TaskSummary, type TaskView } from "../contract";
import type { Environment, Source } from "./source";

/** Read of each status: enough for a count that says something. */
const COUNTED = 200;

/** Step Functions' largest page; a task's history is much shorter. */
const EVENTS = 1_000;

/** @param name @default `task`, or the only one */
export function taskPorts(environment: Environment, name?: string) {
  const { table_name, state_machine_arn, execution_arn_prefix, keep_days } = workflowOf(environment, name);
  return {
    table: taskTable(environment.dynamodb, table_name, keep_days),
    executions: stepFunctions(environment.sfn, state_machine_arn, execution_arn_prefix),
  };
}

export function workflowNames(environment: Environment): readonly string[] {
  return Object.keys(outputsOf("workflows", environment).workflows);
}

/** @param query workflow. @default `task`, or the first; status. @default the first that has tasks; q: a part of the id */
export async function readTasks(source: Source, query: Query): Promise<TasksView> {
  const environment = await source.environment();
  const workflows = workflowNames(environment);
  const initial = workflows.includes("task") ? "task" : (workflows[0] ?? "");
  const { status, q = "", workflow = initial } = query;
  const { table } = taskPorts(environment, workflow);
  const pages = await Promise.all(
    TASK_TABS.map(async (tab) => [tab, await table.list(tab, { limit: COUNTED })] as const),
  );
  const matching = pages.map(([tab, page]) => {
    const tasks = page.tasks.filter(({ taskId }) => taskId.toLowerCase().includes(q.toLowerCase()));
    return [tab, { tasks, isMore: page.next !== undefined }] as const;
  });
  const shown = matching.find(([tab]) => tab === status) ?? matching.find(([, { tasks }]) => tasks.length > 0);
  const counts = matching.map(([tab, { tasks, isMore }]) => [tab, { count: tasks.length, isMore }] as const);
  return {
    workflows,
    workflow,
    counts: Object.fromEntries(counts) as TasksView["counts"],
    tasks: (shown?.[1].tasks ?? []).map((task) => summaryOf(workflow, task)),
  };
}

function summaryOf(workflow: string, task: Task): TaskSummary {
  const { taskId, status, history, reason } = task;
  const started = startedAtOf(task);
  const end = status === "STARTED" ? undefined : history.at(-1)?.at;
  return {
    workflow,
    taskId,
    status,
    startedAt: Number.isNaN(started) ? "" : new Date(started).toISOString(),
    ...(end !== undefined && { endedAt: end }),
    ...(reason !== undefined && { reason }),
  };
}

/** @param query workflow, and id: the task's */
export async function readTask(source: Source, { workflow = "", id = "" }: Query): Promise<TaskView> {
  const environment = await source.environment();
  const task = await findTask(id, { ...taskPorts(environment, workflow), clock: systemClock });
  const { input, events } = await readExecution(environment.sfn, task.executionArn);
  return {
    task: summaryOf(workflow, task),
    executionArn: task.executionArn,
    history: task.history.map(({ status, at, reason }) => ({ status, at, ...(reason !== undefined && { reason }) })),
    ...(input !== undefined && { input }),
    ...(task.result !== undefined && { result: readable(jsonText(task.result)) }),
    approvals: task.approvals ?? [],
    canRedrive: workflowOf(environment, workflow).is_own && !["STARTED", "DONE"].includes(task.status),
    machine: machineView(definitionOf(environment, workflow), events),
  };
}

/** With all digits of its numbers. */
const readable = (json: string): string => stringify(parse(json), undefined, 2) ?? json;

function definitionOf(environment: Environment, name: string): string {
  const { state_machine_arn } = workflowOf(environment, name);
  const machine = environment.resources.find(
    ({ type, values }) => type === "aws_sfn_state_machine" && values["arn"] === state_machine_arn,
  );
  const definition = machine?.values["definition"];
  return typeof definition === "string" ? definition : "{}";
}

interface ReadExecution {
  readonly input?: string;
  readonly events: readonly MachineEvent[];
}

/** Step Functions forgets an execution 90 days after its end. */
async function readExecution(sfn: SFNClient, executionArn: string): Promise<ReadExecution> {
  try {
    const [{ input }, { events = [] }] = await Promise.all([
      sfn.send(new DescribeExecutionCommand({ executionArn })),
      sfn.send(new GetExecutionHistoryCommand({ executionArn, maxResults: EVENTS })),
    ]);
    return { ...(input !== undefined && { input }), events: events.map(eventOf) };
  } catch (error) {
    if (errorName(error) === "ExecutionDoesNotExist") return { events: [] };
    throw error;
  }
}

function eventOf(event: HistoryEvent): MachineEvent {
  const {
    id = 0,
    previousEventId = id - 1,
    type = "",
    timestamp,
    stateEnteredEventDetails: entered,
    stateExitedEventDetails: exited,
  } = event;
  const failed = Object.entries(event).find(([name]) => /(Failed|TimedOut|Aborted)EventDetails$/.test(name))?.[1] as
    | { readonly error?: string; readonly cause?: string }
    | undefined;
  const state = entered?.name ?? exited?.name;
  return {
    id,
    previousId: previousEventId,
    type,
    at: timestamp?.getTime() ?? 0,
    ...(state !== undefined && { state }),
    ...(entered?.input !== undefined && { input: entered.input }),
    ...(exited?.output !== undefined && { output: exited.output }),
    ...(failed?.error !== undefined && { error: failed.error }),
    ...(failed?.cause !== undefined && { cause: failed.cause }),
  };
}
