/** The module of workflows: API, and for each workflow state machine, functions and alarms. */
import { existsSync } from "node:fs";
import { S3BucketLifecycleConfiguration } from "@cdktf/provider-aws/lib/s3-bucket-lifecycle-configuration";
import { Op, Token, type TerraformStack, type TerraformVariable } from "cdktf";
import { z } from "zod";
import { DAY_SECONDS, HOUR_SECONDS, MINUTE_SECONDS } from "../../functions/shared/time";
import {
  STATUS_INDEX,
  SWEEP_MINUTES,
  TASK_KEYS,
  type ReconcileEnvironment,
  type SweepEnvironment,
  type TasksEnvironment,
  type WorkEnvironment,
} from "../../functions/workflows/contract";
import { Alarm } from "../constructs/alarm";
import { Bucket } from "../constructs/bucket";
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
import { secondsNeeded, taskMachine, type TaskWork } from "./definition";

/** Step Functions' own limit: a year. */
const MAX_SECONDS = 365 * DAY_SECONDS;

/** The function outlives the task's timeout, so that Step Functions reports the timeout first. Lambda's limit is 900 s. */
const WORK_GRACE_SECONDS = 5;
const MAX_WORK_SECONDS = 900 - WORK_GRACE_SECONDS;

/** API Gateway's limit. */
const SYNCHRONOUS_TIMEOUT_SECONDS = 29;

const RECONCILE_TIMEOUT_SECONDS = 30;

/** Less than {@link SWEEP_MINUTES}: sweeps do not overlap. */
const SWEEP_TIMEOUT_SECONDS = 240;

/** Lambda's maximum for asynchronous retries. */
const MAX_EVENT_AGE_SECONDS = 6 * HOUR_SECONDS;

/** Below StartExecution's quota: 300 per second in large regions, 150 elsewhere. */
const THROTTLING = { requestsPerSecond: 100, burst: 200 } as const;

const workSchema = z.strictObject({
  /** The file of a Lambda handler, relative to the project. Its event is the task. */
  entry: z
    .string()
    .regex(/^[\w./-]+\.ts$/, 'is not the path of a TypeScript file such as "functions/workflows/my-work.ts"')
    .refine((entry) => existsSync(entry), { error: "is not a file", when: ({ issues }) => issues.length === 0 }),
  /** Per attempt. A task whose work takes longer ends as TIMED_OUT. @default 60 */
  timeoutSeconds: z.int().min(1).max(MAX_WORK_SECONDS).default(60),
  /** Retries of work that fails. @default 2 */
  retries: z.int().min(0).max(10).default(2),
  /** Lambda allocates CPU in proportion. @default 512 */
  memoryMb: z.int().min(128).max(10_240).default(512),
});

const workflowSchema = z
  .strictObject({
    /** Between STARTED and the work. @default 30 */
    waitSeconds: z.int().min(0).max(MAX_SECONDS).default(30),
    /** A Lambda function of your own, invoked after the wait. @default none */
    work: workSchema.optional(),
    /** Per task. A task that takes longer ends as TIMED_OUT. @default 3600 */
    timeLimitSeconds: z.int().min(1).max(MAX_SECONDS).default(HOUR_SECONDS),
    /** A task's row expires this long after its end. At least `timeLimitSeconds`. @default 90 */
    keepDays: z.int().min(1).max(3_650).default(90),
  })
  .superRefine(({ waitSeconds, work, timeLimitSeconds, keepDays }, context) => {
    const needed = secondsNeeded(waitSeconds, work);
    if (timeLimitSeconds < needed)
      context.addIssue({
        code: "custom",
        path: ["timeLimitSeconds"],
        message: `is less than the ${needed} s that the wait and the work can take`,
        input: timeLimitSeconds,
      });
    if (keepDays * DAY_SECONDS < timeLimitSeconds)
      context.addIssue({
        code: "custom",
        path: ["keepDays"],
        message: `is less than the time limit of ${timeLimitSeconds} s`,
        input: keepDays,
      });
  });

/** Workflows by name; one so far. What belongs to it carries its name, so that a second one renames nothing. */
export const workflowsSchema = z.strictObject({
  /** The workflow `task`. */
  task: workflowSchema,
});
type WorkflowsConfig = z.output<typeof workflowsSchema>;
type WorkflowConfig = WorkflowsConfig["task"];

/** Runs tasks in a state machine and keeps each task's row consistent with its execution. */
export class Workflows extends Feature {
  readonly deadLetterAlarm = {
    description: "Task starts, task events or sweeps failed after all retries (messages in the dead-letter queue)",
    impact: "Some tasks did not start, or their rows may be stale until the next sweep.",
    runbook: "workflows#dead-letter-queue",
  } as const;

  constructor(environment: TerraformStack, deployment: Deployment, { task: config }: WorkflowsConfig) {
    super(environment, "workflows", deployment);
    const settings = this.inputSettings(config);
    const table = this.createTable();
    const work = this.createWork(config, settings);
    const machine = this.createMachine(table, work, settings);
    const start = this.createStart(table, machine, settings);
    const { api } = this.createTasksApi(table, machine, settings);
    this.createReconciler(table, machine, settings);
    const sweep = this.createSweep(table, machine, settings);
    this.createAlarms();
    this.createDashboardRow("Workflows", this.graphs(machine));

    this.output("table_name", "One row per task", table.name);
    this.output("start_function_name", "Starts a task when invoked with {taskId}", start.name);
    this.output("sweep_function_name", "Reconciles tasks whose end event was lost", sweep.name);
    this.output("workflows", "State machine and retention of rows by workflow name", {
      task: {
        state_machine_arn: machine.arn,
        execution_arn_prefix: machine.executionsArn,
        keep_days: settings.keepDays.numberValue,
      },
    });
    this.output("api_url", "URL of the tasks API: POST, GET and DELETE <url>/tasks, signed (AWS_IAM)", api.url);
    this.output("api_id", "ID of the tasks API", api.id);
  }

  private inputSettings({ waitSeconds, timeLimitSeconds, keepDays }: WorkflowConfig): Settings {
    const { shape } = workflowSchema;
    return {
      waitSeconds: this.input("task_wait_seconds", {
        type: "number",
        description: "Wait between STARTED and the work, in seconds",
        value: waitSeconds,
        schema: shape.waitSeconds,
      }),
      timeLimitSeconds: this.input("task_time_limit_seconds", {
        type: "number",
        description: "Time limit of a task, in seconds. A task that takes longer ends as TIMED_OUT",
        value: timeLimitSeconds,
        schema: shape.timeLimitSeconds,
      }),
      keepDays: this.input("task_keep_days", {
        type: "number",
        description: "Days until a task's row expires",
        value: keepDays,
        schema: shape.keepDays,
      }),
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

  private createWork({ work }: WorkflowConfig, { keepDays }: Settings): Work | undefined {
    if (work === undefined) return undefined;
    const results = this.createResults(keepDays);
    const { shape } = workSchema;
    const { numberValue: timeoutSeconds } = this.input("task_work_timeout_seconds", {
      type: "number",
      description: "Timeout of each attempt of the work, in seconds",
      value: work.timeoutSeconds,
      schema: shape.timeoutSeconds,
    });
    const lambda = new NodeFunction<WorkEnvironment>(this, "task-work", {
      entry: work.entry,
      wrapper: { file: "functions/workflows/keep-result.ts", name: "keepResult" },
      environment: { RESULTS_BUCKET: results.grantWrite("results/*") },
      timeoutSeconds: Token.asNumber(Op.add(timeoutSeconds, WORK_GRACE_SECONDS)),
      memoryMb: this.input("task_work_memory_mb", {
        type: "number",
        description: "Memory of the work's function in MB. CPU scales with it",
        value: work.memoryMb,
        schema: shape.memoryMb,
      }).numberValue,
      alarms: { errors: { disabled: "covered by the task-failure alarm" } },
    });
    const { numberValue: retries } = this.input("task_work_retries", {
      type: "number",
      description: "Retries of work that fails",
      value: work.retries,
      schema: shape.retries,
    });
    return { binding: lambda.grantInvoke(), limits: { timeoutSeconds, retries } };
  }

  /** Results of work that are too large for a row. They expire after it. */
  private createResults(keepDays: TerraformVariable): Bucket {
    const results = new Bucket(this, "results", { nameSuffix: "results" });
    new S3BucketLifecycleConfiguration(this, "results-expiry", {
      bucket: results.name,
      rule: [
        {
          id: "expiry",
          status: "Enabled",
          filter: [{ prefix: "" }],
          expiration: [{ days: Token.asNumber(Op.add(keepDays.numberValue, 1)) }],
          abortIncompleteMultipartUpload: [{ daysAfterInitiation: 1 }],
        },
      ],
    });
    return results;
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

  private createStart(table: Table, machine: StateMachine, { keepDays }: Settings): AsyncFunction<TasksEnvironment> {
    return new AsyncFunction<TasksEnvironment>(this, "start", {
      entry: "functions/workflows/start.ts",
      environment: {
        STATE_MACHINE_ARN: machine.grant("StartExecution"),
        EXECUTION_ARN_PREFIX: machine.grantExecutions("DescribeExecution"),
        TASKS_TABLE: table.grant("Query"),
        KEEP_DAYS: keepDays.stringValue,
      },
      timeoutSeconds: SYNCHRONOUS_TIMEOUT_SECONDS,
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
        STATE_MACHINE_ARN: machine.grant("StartExecution"),
        EXECUTION_ARN_PREFIX: machine.grantExecutions("DescribeExecution", "StopExecution"),
        KEEP_DAYS: keepDays.stringValue,
      },
      timeoutSeconds: SYNCHRONOUS_TIMEOUT_SECONDS,
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

  /** Step Functions emits an event for each unsuccessful execution. A successful one has written DONE itself. */
  private createReconciler(table: Table, machine: StateMachine, { keepDays }: Settings): void {
    const reconcile = new AsyncFunction<ReconcileEnvironment>(this, "reconcile", {
      entry: "functions/workflows/reconcile.ts",
      environment: {
        TASKS_TABLE: table.grant("UpdateItem"),
        EXECUTION_ARN_PREFIX: machine.grantExecutions("DescribeExecution"),
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
      description: "Unsuccessful executions of tasks",
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
    { timeLimitSeconds, keepDays }: Settings,
  ): ScheduledFunction<SweepEnvironment> {
    return new ScheduledFunction<SweepEnvironment>(this, "sweep", {
      entry: "functions/workflows/sweep.ts",
      environment: {
        TASKS_TABLE: table.grant("Query", "UpdateItem"),
        STATE_MACHINE_ARN: machine.grant("ListExecutions"),
        EXECUTION_ARN_PREFIX: machine.grantExecutions("DescribeExecution"),
        KEEP_DAYS: keepDays.stringValue,
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
        title: "Reconciled rows",
        lines: [
          { ...this.metric("reconciledByEvent"), label: "by an event", statistic: "Sum" },
          { ...this.metric("reconciledBySweep"), label: "by the sweep", statistic: "Sum" },
          { ...this.metric("stuckTasks"), label: "stuck", statistic: "Maximum" },
        ],
      },
    ];
  }
}

/** The module's variables. */
interface Settings {
  readonly waitSeconds: TerraformVariable;
  readonly timeLimitSeconds: TerraformVariable;
  readonly keepDays: TerraformVariable;
}

/** The user's function and its limits. */
interface Work {
  readonly binding: Binding;
  readonly limits: Omit<TaskWork, "functionName">;
}
