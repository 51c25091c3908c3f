import { existsSync } from "node:fs";
import { Fn, Op, Token, type TerraformStack, type TerraformVariable } from "cdktf";
import { z } from "zod";
import { DAY_SECONDS, HOUR_SECONDS, MINUTE_SECONDS } from "../../functions/shared/time";
import {
  STATUS_INDEX,
  SWEEP_MINUTES,
  TASK_KEYS,
  type ReconcileEnvironment,
  type StartEnvironment,
  type SweepEnvironment,
  type TasksEnvironment,
} from "../../functions/workflows/contract";
import { Alarm } from "../constructs/alarm";
import type { Graph } from "../constructs/dashboard";
import { EventRule } from "../constructs/event-rule";
import { Feature, type Deployment } from "../constructs/feature";
import type { Binding } from "../constructs/grants";
import { NodeFunction } from "../constructs/node-function";
import { ApiFunction } from "../constructs/patterns/api-function";
import { AsyncFunction } from "../constructs/patterns/async-function";
import { ScheduledFunction } from "../constructs/patterns/scheduled-function";
import { StateMachine } from "../constructs/state-machine";
import { Table } from "../constructs/table";
import { taskMachine, type TaskWork } from "./definition";

/** Step Functions' own limit: a year. */
const MAX_SECONDS = 365 * DAY_SECONDS;

/** Lambda has 900; what is beyond the work's own limit is for Step Functions to see first that it is over. */
const WORK_GRACE_SECONDS = 5;
const MAX_WORK_SECONDS = 900 - WORK_GRACE_SECONDS;

/** For the writes, and for retries of what AWS could not do at once. */
const SECONDS_AROUND_WORK = 60;

/** Callers wait for these; API Gateway for 29 s at most. */
const ANSWER_TIMEOUT_SECONDS = 29;

const RECONCILE_TIMEOUT_SECONDS = 30;

/** It is over before the next one begins. */
const SWEEP_TIMEOUT_SECONDS = 240;

/** The sweep leaves a task alone while it only waits, but no longer than this. */
const MAX_GRACE_SECONDS = 60;

/** Lambda tries an event again for as long as this: an end is worth knowing hours later, too. */
const MAX_EVENT_AGE_SECONDS = 6 * HOUR_SECONDS;

/** StartExecution goes at 300 a second in large regions, and 150 elsewhere. */
const THROTTLING = { requestsPerSecond: 100, burst: 200 } as const;

export const workSchema = z.strictObject({
  /** The file of a Lambda handler, relative to the project: it is invoked with the task. */
  entry: z
    .string()
    .regex(/^[\w./-]+\.ts$/, 'is not the path of a TypeScript file such as "functions/workflows/my-work.ts"')
    .refine((entry) => existsSync(entry), { error: "is no file", when: ({ issues }) => issues.length === 0 }),
  /** Of each try; a task whose work takes longer ends as TIMED_OUT. @default 60 */
  timeoutSeconds: z.int().min(1).max(MAX_WORK_SECONDS).default(60),
  /** Further tries after the first, of work that fails. @default 2 */
  retries: z.int().min(0).max(10).default(2),
  /** CPU comes with memory. @default 512 */
  memoryMb: z.int().min(128).max(10_240).default(512),
});

export const workflowSchema = z
  .strictObject({
    /** Between STARTED and the work. @default 30 */
    waitSeconds: z.int().min(0).max(MAX_SECONDS).default(30),
    /** Done after the wait: a Lambda function of your own. @default nothing */
    work: workSchema.optional(),
    /** Of a whole task; one that takes longer ends as TIMED_OUT. @default 3600 */
    timeLimitSeconds: z.int().min(1).max(MAX_SECONDS).default(HOUR_SECONDS),
    /** How long after its start a task's row is kept. @default 90 */
    keepDays: z.int().min(1).max(3_650).default(90),
  })
  .superRefine(({ waitSeconds, work, timeLimitSeconds }, context) => {
    const needed = waitSeconds + (work ? work.timeoutSeconds * (work.retries + 1) : 0) + SECONDS_AROUND_WORK;
    if (timeLimitSeconds >= needed) return;
    context.addIssue({
      code: "custom",
      path: ["timeLimitSeconds"],
      message: `is less than the ${needed} s that the wait and the work can take`,
      input: timeLimitSeconds,
    });
  });

/** The workflow of an environment, as people write it in main.ts. */
export type WorkflowInput = z.input<typeof workflowSchema>;
type WorkflowConfig = z.output<typeof workflowSchema>;

/** Runs tasks through a state machine, and keeps a status of each that is always true. */
export class Workflow extends Feature {
  readonly deadLetterAlarm = {
    description: "Task starts, task events or sweeps failed after all retries (messages in the dead-letter queue)",
    impact: "Some tasks did not start, or their rows may be stale until the next sweep.",
    runbook: "workflows#dead-letter-queue",
  } as const;

  constructor(environment: TerraformStack, deployment: Deployment, config: WorkflowConfig) {
    super(environment, "workflow", deployment);
    const settings = this.inputSettings(config);
    const table = this.createTable();
    const work = this.createWork(config);
    const machine = this.createMachine(table, work, settings);
    const start = this.createStart(machine);
    const { api } = this.createTasksApi(table, machine, settings);
    this.createReconciler(table, machine, settings);
    const sweep = this.createSweep(table, machine, settings);
    this.createAlarms();
    this.createDashboardRow("Workflow", this.graphs(machine));

    this.output("table_name", "A row for each task", table.name);
    this.output("start_function_name", "Starts a task when it is invoked with {taskId}", start.name);
    this.output("sweep_function_name", "Mends rows whose execution ended unseen", sweep.name);
    this.output("machine_arn", "The state machine", machine.arn);
    this.output("executions_arn", "What its executions' ARNs begin with", machine.executionsArn);
    this.output("keep_days", "Days that a task's row is kept", settings.keepDays.numberValue);
    this.output("api_url", "POST, GET and DELETE <this>/tasks, signed (AWS_IAM)", api.url);
    this.output("api_id", "The API behind that address", api.id);
  }

  private inputSettings({ waitSeconds, timeLimitSeconds, keepDays }: WorkflowConfig): Settings {
    const number = (name: string, description: string, value: number) =>
      this.input(name, { type: "number", description, value });
    return {
      waitSeconds: number("wait_seconds", "Between STARTED and the work", waitSeconds),
      timeLimitSeconds: number("time_limit_seconds", "Of a whole task", timeLimitSeconds),
      keepDays: number("keep_days", "Days that a task's row is kept after its start", keepDays),
    };
  }

  private createTable(): Table {
    const timestamp = { name: TASK_KEYS.sort, type: "N" } as const;
    return new Table(this, "table", {
      partitionKey: { name: TASK_KEYS.partition, type: "S" },
      sortKey: timestamp,
      timeToLiveAttribute: TASK_KEYS.timeToLive,
      indexes: [{ name: STATUS_INDEX, partitionKey: { name: TASK_KEYS.status, type: "S" }, sortKey: timestamp }],
    });
  }

  private createWork({ work }: WorkflowConfig): Work | undefined {
    if (work === undefined) return undefined;
    const number = (name: string, description: string, value: number) =>
      this.input(name, { type: "number", description, value }).numberValue;
    const timeoutSeconds = number("work_timeout_seconds", "Of each try of the work", work.timeoutSeconds);
    const lambda = new NodeFunction(this, "work", {
      entry: work.entry,
      environment: {},
      timeoutSeconds: Token.asNumber(Op.add(timeoutSeconds, WORK_GRACE_SECONDS)),
      memoryMb: number("work_memory_mb", "The work's memory", work.memoryMb),
      alarms: { errors: { disabled: "covered by the task-failure alarm" } },
    });
    const retries = number("work_retries", "Further tries after the first, of work that fails", work.retries);
    return { binding: lambda.grantInvoke(), limits: { timeoutSeconds, retries } };
  }

  private createMachine(
    table: Table,
    work: Work | undefined,
    { waitSeconds, timeLimitSeconds, keepDays }: Settings,
  ): StateMachine {
    const TASKS_TABLE = table.grant("PutItem", "UpdateItem");
    const bindings: Readonly<Record<string, Binding>> = work
      ? { TASKS_TABLE, WORK_FUNCTION: work.binding }
      : { TASKS_TABLE };
    return new StateMachine(this, "task", {
      bindings,
      definition: ({ TASKS_TABLE: tableName = "", WORK_FUNCTION: functionName = "" }) =>
        taskMachine({
          table: tableName,
          waitSeconds: waitSeconds.numberValue,
          timeLimitSeconds: timeLimitSeconds.numberValue,
          keepDays: keepDays.stringValue,
          ...(work && { work: { ...work.limits, functionName } }),
        }),
      alarms: {
        executionFailures: {
          description: "Tasks are failing or timing out",
          impact: "The affected tasks end as FAILED or TIMED_OUT.",
          runbook: "workflows#tasks-fail",
        },
      },
    });
  }

  private createStart(machine: StateMachine): AsyncFunction<StartEnvironment> {
    return new AsyncFunction<StartEnvironment>(this, "start", {
      entry: "functions/workflows/start.ts",
      environment: {
        TASK_MACHINE: machine.grant("StartExecution"),
        TASK_EXECUTIONS: machine.grantExecutions("DescribeExecution"),
      },
      timeoutSeconds: ANSWER_TIMEOUT_SECONDS,
      retries: 2,
      maxEventAgeSeconds: MAX_EVENT_AGE_SECONDS,
      alarms: {
        errors: {
          description: "The function that starts tasks is failing",
          impact: "Callers cannot start tasks.",
          runbook: "workflows#tasks-cannot-be-started",
        },
      },
    });
  }

  private createTasksApi(table: Table, machine: StateMachine, { keepDays }: Settings): ApiFunction<TasksEnvironment> {
    return new ApiFunction<TasksEnvironment>(this, "api", {
      entry: "functions/workflows/tasks.ts",
      environment: {
        TASKS_TABLE: table.grant("Query", "UpdateItem"),
        TASK_MACHINE: machine.grant("StartExecution"),
        TASK_EXECUTIONS: machine.grantExecutions("DescribeExecution", "StopExecution"),
        KEEP_DAYS: keepDays.stringValue,
      },
      timeoutSeconds: ANSWER_TIMEOUT_SECONDS,
      routes: [
        { method: "POST", path: "/tasks" },
        { method: "GET", path: "/tasks" },
        { method: "GET", path: "/tasks/{id}" },
        { method: "DELETE", path: "/tasks/{id}" },
      ],
      api: { description: "Starts, shows and cancels tasks", throttling: THROTTLING },
      alarms: {
        serverErrors: {
          description: "The tasks API returns 5xx",
          impact: "Clients cannot start, read or cancel tasks.",
          runbook: "workflows#tasks-cannot-be-started",
        },
      },
    });
  }

  /** Told by Step Functions itself of each execution that did not go well. One that did has written DONE. */
  private createReconciler(table: Table, machine: StateMachine, { keepDays }: Settings): void {
    const reconcile = new AsyncFunction<ReconcileEnvironment>(this, "reconcile", {
      entry: "functions/workflows/reconcile.ts",
      environment: {
        TASKS_TABLE: table.grant("UpdateItem"),
        TASK_EXECUTIONS: machine.grantExecutions("DescribeExecution"),
        KEEP_DAYS: keepDays.stringValue,
      },
      timeoutSeconds: RECONCILE_TIMEOUT_SECONDS,
      retries: 2,
      maxEventAgeSeconds: MAX_EVENT_AGE_SECONDS,
      alarms: {
        errors: {
          description: "The task reconciler is failing",
          impact: "Task rows may be stale until the next sweep.",
          runbook: "workflows#the-reconciler-is-failing",
        },
      },
    });
    new EventRule(this, "executions-ended", {
      description: "Executions of tasks that did not go well",
      pattern: {
        source: ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        detail: { stateMachineArn: [machine.arn], status: ["FAILED", "TIMED_OUT", "ABORTED"] },
      },
      target: reconcile,
    });
  }

  private createSweep(
    table: Table,
    machine: StateMachine,
    { waitSeconds, timeLimitSeconds, keepDays }: Settings,
  ): ScheduledFunction<SweepEnvironment> {
    return new ScheduledFunction<SweepEnvironment>(this, "sweep", {
      entry: "functions/workflows/sweep.ts",
      environment: {
        TASKS_TABLE: table.grant("Query", "UpdateItem"),
        TASK_MACHINE: machine.grant("ListExecutions"),
        TASK_EXECUTIONS: machine.grantExecutions("DescribeExecution"),
        KEEP_DAYS: keepDays.stringValue,
        GRACE_SECONDS: Token.asString(Fn.min([waitSeconds.numberValue, MAX_GRACE_SECONDS])),
        TIME_LIMIT_SECONDS: timeLimitSeconds.stringValue,
      },
      timeoutSeconds: SWEEP_TIMEOUT_SECONDS,
      schedule: { everyMinutes: SWEEP_MINUTES, description: "Reconciles tasks whose end event was lost" },
      retries: 0, // the next sweep covers the same tasks
      maxEventAgeSeconds: SWEEP_MINUTES * MINUTE_SECONDS,
      alarms: {
        errors: {
          description: "The task sweep is failing",
          impact: "Rows of tasks whose end event was lost are stale.",
          runbook: "workflows#the-reconciler-is-failing",
        },
        noInvocations: { disabled: "the sweep only covers lost events, which are rare" },
      },
    });
  }

  private createAlarms(): void {
    new Alarm(this, "stuck-tasks", {
      spec: {
        description: "Tasks are running longer than their time limit",
        impact: "The affected tasks stay STARTED.",
        runbook: "workflows#stuck-tasks",
      },
      ...this.metric("stuckTasks"),
      statistic: "Maximum",
      periodSeconds: SWEEP_MINUTES * MINUTE_SECONDS,
    });
  }

  private graphs(machine: StateMachine): readonly Graph[] {
    return [
      {
        title: "Tasks",
        lines: [
          { ...this.metric("startRequests"), label: "start requests", statistic: "Sum" },
          { ...machine.metric("ExecutionsStarted"), label: "started", statistic: "Sum" },
          { ...machine.metric("ExecutionsSucceeded"), label: "done", statistic: "Sum" },
          { ...machine.metric("ExecutionsFailed"), label: "failed", statistic: "Sum" },
          { ...machine.metric("ExecutionsTimedOut"), label: "timed out", statistic: "Sum" },
          { ...machine.metric("ExecutionsAborted"), label: "aborted", statistic: "Sum" },
        ],
      },
      {
        title: "Rows that had to be mended",
        lines: [
          { ...this.metric("settledByEvent"), label: "by an event", statistic: "Sum" },
          { ...this.metric("settledBySweep"), label: "by the sweep", statistic: "Sum" },
          { ...this.metric("stuckTasks"), label: "stuck", statistic: "Maximum" },
        ],
      },
    ];
  }
}

/** What the module's variables are called in code. */
interface Settings {
  readonly waitSeconds: TerraformVariable;
  readonly timeLimitSeconds: TerraformVariable;
  readonly keepDays: TerraformVariable;
}

/** The user's own function, and what it is held to. */
interface Work {
  readonly binding: Binding;
  readonly limits: Omit<TaskWork, "functionName">;
}
