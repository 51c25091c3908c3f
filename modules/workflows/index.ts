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
import { DeadLetterQueue } from "../constructs/queue";
import { RestApi } from "../constructs/rest-api";
import { Schedule } from "../constructs/schedule";
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
    .regex(/^[\w./-]+\.ts$/, 'is not the path of a TypeScript file such as "functions/workflow/my-work.ts"')
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
  constructor(environment: TerraformStack, deployment: Deployment, config: WorkflowConfig) {
    super(environment, "workflow", deployment);
    const settings = this.inputSettings(config);
    const table = this.createTable();
    const deadLetters = this.createDeadLetters();
    const work = this.createWork(config);
    const machine = this.createMachine(table, work, settings);
    const start = this.createStart(machine, deadLetters);
    const tasks = this.createTasks(table, machine, settings);
    const api = this.createApi(tasks);
    this.createReconciler(table, machine, deadLetters, settings);
    const sweep = this.createSweep(table, machine, deadLetters, settings);
    this.createAlarms();
    this.showOnDashboard("Workflow", this.graphs(machine, start, sweep));

    this.output("table_name", "A row for each task", table.name);
    this.output("start_function_name", "Starts a task when it is invoked with {taskId}", start.name);
    this.output("sweep_function_name", "Mends rows whose execution ended unseen", sweep.name);
    this.output("machine_arn", "The state machine", machine.arn);
    this.output("executions_arn", "What its executions' ARNs begin with", machine.executionsArn);
    this.output("keep_days", "Days that a task's row is kept", settings.keepDays.numberValue);
    this.output("api_url", "POST, GET and DELETE <this>/tasks, signed (AWS_IAM)", api.url);
    this.output("api_id", "The API behind that address", api.id);
    this.output("dead_letter_queue_url", "Events that could not be worked on", deadLetters.url);
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

  private createDeadLetters(): DeadLetterQueue {
    return new DeadLetterQueue(this, "dead-letters", {
      alarms: { notEmpty: "Ends of tasks were not seen. See modules/workflows/README.md, 'Dead letters'" },
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
      alarms: { errors: "none, because a task that fails for it raises one" },
    });
    const retries = number("work_retries", "Further tries after the first, of work that fails", work.retries);
    return { binding: lambda.allowsInvoke(), limits: { timeoutSeconds, retries } };
  }

  private createMachine(
    table: Table,
    work: Work | undefined,
    { waitSeconds, timeLimitSeconds, keepDays }: Settings,
  ): StateMachine {
    const TASKS_TABLE = table.allows("PutItem", "UpdateItem");
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
      alarms: { failed: "Tasks fail. See modules/workflows/README.md, 'Tasks fail'" },
    });
  }

  private createStart(machine: StateMachine, deadLetters: DeadLetterQueue): NodeFunction<StartEnvironment> {
    return new NodeFunction<StartEnvironment>(this, "start", {
      entry: "functions/workflows/start.ts",
      environment: {
        TASK_MACHINE: machine.allows("StartExecution"),
        TASK_EXECUTIONS: machine.allowsOnExecutions("DescribeExecution"),
      },
      timeoutSeconds: ANSWER_TIMEOUT_SECONDS,
      // Who doesn't wait for its answer finds in the dead letters what could not be started.
      asynchronous: { deadLetters, retries: 2, maxEventAgeSeconds: MAX_EVENT_AGE_SECONDS },
      alarms: { errors: "Tasks cannot be started. See modules/workflows/README.md, 'Tasks cannot be started'" },
    });
  }

  private createTasks(table: Table, machine: StateMachine, { keepDays }: Settings): NodeFunction<TasksEnvironment> {
    return new NodeFunction<TasksEnvironment>(this, "tasks", {
      entry: "functions/workflows/tasks.ts",
      environment: {
        TASKS_TABLE: table.allows("Query", "UpdateItem"),
        TASK_MACHINE: machine.allows("StartExecution"),
        TASK_EXECUTIONS: machine.allowsOnExecutions("DescribeExecution", "StopExecution"),
        KEEP_DAYS: keepDays.stringValue,
      },
      timeoutSeconds: ANSWER_TIMEOUT_SECONDS,
      alarms: { errors: "none, because what fails here is answered with 5xx, and the API has an alarm for that" },
    });
  }

  private createApi(handler: NodeFunction<TasksEnvironment>): RestApi {
    return new RestApi(this, "api", {
      description: "Starts, shows and cancels tasks",
      routes: [
        { method: "POST", path: "/tasks", handler },
        { method: "GET", path: "/tasks", handler },
        { method: "GET", path: "/tasks/{id}", handler },
        { method: "DELETE", path: "/tasks/{id}", handler },
      ],
      throttling: THROTTLING,
      alarms: { failures: "Tasks cannot be started. See modules/workflows/README.md, 'Tasks cannot be started'" },
    });
  }

  /** Told by Step Functions itself of each execution that did not go well. One that did has written DONE. */
  private createReconciler(
    table: Table,
    machine: StateMachine,
    deadLetters: DeadLetterQueue,
    { keepDays }: Settings,
  ): void {
    const reconcile = new NodeFunction<ReconcileEnvironment>(this, "reconcile", {
      entry: "functions/workflows/reconcile.ts",
      environment: {
        TASKS_TABLE: table.allows("UpdateItem"),
        TASK_EXECUTIONS: machine.allowsOnExecutions("DescribeExecution"),
        KEEP_DAYS: keepDays.stringValue,
      },
      timeoutSeconds: RECONCILE_TIMEOUT_SECONDS,
      asynchronous: { deadLetters, retries: 2, maxEventAgeSeconds: MAX_EVENT_AGE_SECONDS },
      alarms: { errors: "Rows may tell an old status. See modules/workflows/README.md, 'The reconciler fails'" },
    });
    new EventRule(this, "ended", {
      description: "Executions of tasks that did not go well",
      pattern: {
        source: ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        detail: { stateMachineArn: [machine.arn], status: ["FAILED", "TIMED_OUT", "ABORTED"] },
      },
      target: reconcile,
      deadLetters,
      maxEventAgeSeconds: MAX_EVENT_AGE_SECONDS,
    });
  }

  private createSweep(
    table: Table,
    machine: StateMachine,
    deadLetters: DeadLetterQueue,
    { waitSeconds, timeLimitSeconds, keepDays }: Settings,
  ): NodeFunction<SweepEnvironment> {
    const sweep = new NodeFunction<SweepEnvironment>(this, "sweep", {
      entry: "functions/workflows/sweep.ts",
      environment: {
        TASKS_TABLE: table.allows("Query", "UpdateItem"),
        TASK_MACHINE: machine.allows("ListExecutions"),
        TASK_EXECUTIONS: machine.allowsOnExecutions("DescribeExecution"),
        KEEP_DAYS: keepDays.stringValue,
        GRACE_SECONDS: Token.asString(Fn.min([waitSeconds.numberValue, MAX_GRACE_SECONDS])),
        TIME_LIMIT_SECONDS: timeLimitSeconds.stringValue,
      },
      timeoutSeconds: SWEEP_TIMEOUT_SECONDS,
      // The next one does what this one could not.
      asynchronous: { deadLetters, retries: 0, maxEventAgeSeconds: SWEEP_MINUTES * MINUTE_SECONDS },
      alarms: { errors: "Rows may tell an old status. See modules/workflows/README.md, 'The reconciler fails'" },
    });
    new Schedule(this, "sweeps", {
      description: "Mends rows of tasks whose execution ended unseen",
      expression: `rate(${SWEEP_MINUTES} minutes)`,
      target: sweep,
      deadLetters,
      maxEventAgeSeconds: SWEEP_MINUTES * MINUTE_SECONDS,
    });
    return sweep;
  }

  private createAlarms(): void {
    new Alarm(this, "stuck", {
      text: "Tasks run for longer than they may. See modules/workflows/README.md, 'Stuck tasks'",
      ...this.metric("stuckTasks"),
      statistic: "Maximum",
      comparison: "GreaterThanThreshold",
      threshold: 0,
      periodSeconds: SWEEP_MINUTES * MINUTE_SECONDS,
    });
  }

  private graphs(
    machine: StateMachine,
    start: NodeFunction<StartEnvironment>,
    sweep: NodeFunction<SweepEnvironment>,
  ): readonly Graph[] {
    return [
      {
        title: "Tasks",
        lines: [
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
      {
        title: "Starts",
        lines: [
          { ...this.metric("startRequests"), label: "asked for", statistic: "Sum" },
          { ...start.metric("Errors"), label: "errors", statistic: "Sum" },
          { ...sweep.metric("Errors"), label: "sweeps failed", statistic: "Sum" },
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
