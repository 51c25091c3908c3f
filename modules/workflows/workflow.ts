/** The resources of one workflow: table, state machine, start function, API, reconciler and sweep. */
import { S3BucketLifecycleConfiguration } from "@cdktf/provider-aws/lib/s3-bucket-lifecycle-configuration";
import { Op, Token, type TerraformVariable } from "cdktf";
import { Construct } from "constructs";
import { HOUR_SECONDS, MINUTE_SECONDS } from "../../functions/shared/time";
import {
  API_ROUTES,
  OWN_ROUTES,
  STATUS_INDEX,
  SWEEP_MINUTES,
  TASK_KEYS,
  type ApiEnvironment,
  type ReconcileEnvironment,
  type SweepEnvironment,
  type TasksEnvironment,
  type WorkEnvironment,
} from "../../functions/workflows/contract";
import type { Machine } from "../asl/machine";
import { Bucket } from "../constructs/resources/bucket";
import { escapeTemplate } from "../constructs/escape-template";
import { EventRule } from "../constructs/resources/event-rule";
import { Feature } from "../constructs/feature";
import type { Binding } from "../constructs/resources/grants";
import { NodeFunction } from "../constructs/resources/node-function";
import { API_TIMEOUT_SECONDS, ApiFunction } from "../constructs/patterns/api-function";
import { AsyncFunction } from "../constructs/patterns/async-function";
import { ScheduledFunction } from "../constructs/patterns/scheduled-function";
import { StateMachine } from "../constructs/resources/state-machine";
import { Table } from "../constructs/resources/table";
import { taskMachine } from "./definition";
import { loadDefinition } from "./load-definition";
import { ownMachine } from "./own-machine";
import { nestedApprovalsOf, permissionsOf, unusedOf } from "./permissions";
import { approval } from "./record";
import {
  UNPREFIXED_WORKFLOW,
  WORK_GRACE_SECONDS,
  waitSecondsSchema,
  workflowSchema,
  workSchema,
  type WorkflowConfig,
} from "./schema";

const RECONCILE_TIMEOUT_SECONDS = 30;

/** Less than {@link SWEEP_MINUTES}: sweeps do not overlap. */
const SWEEP_TIMEOUT_SECONDS = 240;

/** Lambda's maximum for asynchronous retries. */
const MAX_EVENT_AGE_SECONDS = 6 * HOUR_SECONDS;

/** Below StartExecution's quota: 300 per second in large regions, 150 elsewhere. */
const THROTTLING = { requestsPerSecond: 100, burst: 200 } as const;

/** Step Functions authorizes these on the machine whose state waits. */
const DECIDE = ["SendTaskSuccess", "SendTaskFailure"] as const;

const EXECUTION_FAILURES = {
  description: "Tasks are failing or timing out",
  impact: "The affected tasks end as FAILED or TIMED_OUT.",
  runbook: "workflows#tasks-fail",
} as const;

export interface CreatedWorkflow {
  readonly name: string;
  readonly machine: StateMachine;
  /** Of its module. */
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** The workflow's variables. */
interface Settings {
  readonly timeLimitSeconds: TerraformVariable;
  readonly keepDays: TerraformVariable;
}

/** Everything below it has the workflow's name, and `task`, the first workflow, has none: `refund-start`, `start`. */
export function createWorkflow(feature: Feature, name: string, config: WorkflowConfig): CreatedWorkflow {
  const isUnprefixed = name === UNPREFIXED_WORKFLOW;
  const scope = isUnprefixed ? feature : new Construct(feature, name);
  const settings = inputSettings(feature, name, config);
  const table = createTable(scope, isUnprefixed ? undefined : name);
  const machine =
    config.definition === undefined
      ? createTaskMachine(scope, name, config, table, settings)
      : createOwnMachine(scope, name, config.definition, table, settings);
  const start = createStart(scope, table, machine, settings);
  const { api } = createTasksApi(scope, table, machine, {
    keepDays: settings.keepDays,
    scopes: config.scopes,
    definition: config.definition,
  });
  createReconciler(scope, table, machine, settings);
  const sweep = createSweep(scope, table, machine, settings);
  return {
    name,
    machine,
    outputs: {
      table_name: table.name,
      state_machine_arn: machine.arn,
      execution_arn_prefix: machine.executionsArn,
      keep_days: settings.keepDays.numberValue,
      is_own: config.definition !== undefined,
      start_function_name: start.name,
      sweep_function_name: sweep.name,
      api_url: api.url,
      api_id: api.id,
    },
  };
}

function inputSettings(feature: Feature, name: string, { timeLimitSeconds, keepDays }: WorkflowConfig): Settings {
  const { shape } = workflowSchema;
  return {
    timeLimitSeconds: feature.input(`${name}_time_limit_seconds`, {
      type: "number",
      description: "Time limit of a task, in seconds. A task that takes longer ends as TIMED_OUT",
      value: timeLimitSeconds,
      schema: shape.timeLimitSeconds,
    }),
    keepDays: feature.input(`${name}_keep_days`, {
      type: "number",
      description: "Days until a task's row expires",
      value: keepDays,
      schema: shape.keepDays,
    }),
  };
}

function createTable(scope: Construct, nameSuffix: string | undefined): Table {
  const timestamp = { name: TASK_KEYS.sort, type: "N" } as const;
  return new Table(scope, "table", {
    ...(nameSuffix !== undefined && { nameSuffix }),
    partitionKey: { name: TASK_KEYS.partition, type: "S" },
    sortKey: timestamp,
    timeToLiveAttribute: TASK_KEYS.timeToLive,
    indexes: [{ name: STATUS_INDEX, partitionKey: { name: TASK_KEYS.status, type: "S" }, sortKey: timestamp }],
  });
}

/** A wait, then the work. */
function createTaskMachine(
  scope: Construct,
  name: string,
  config: WorkflowConfig,
  table: Table,
  settings: Settings,
): StateMachine {
  const { timeLimitSeconds, keepDays } = settings;
  const waitSeconds = Feature.of(scope).input(`${name}_wait_seconds`, {
    type: "number",
    description: "Wait between STARTED and the work, in seconds",
    value: waitSecondsSchema.parse(config.waitSeconds),
    schema: waitSecondsSchema,
  });
  const TASKS_TABLE = table.grant("UpdateItem");
  const work = createWork(scope, name, config, settings);
  const bindings: Readonly<Record<string, Binding>> = work
    ? { TASKS_TABLE, WORK_FUNCTION: work.binding }
    : { TASKS_TABLE };
  return new StateMachine(scope, machineId(name), {
    bindings,
    definition: ({ TASKS_TABLE: tableName = "", WORK_FUNCTION: functionName = "" }) =>
      taskMachine({
        table: tableName,
        waitSeconds: waitSeconds.numberValue,
        timeLimitSeconds: timeLimitSeconds.numberValue,
        keepDays: keepDays.stringValue,
        ...(work && { work: { ...work.limits, functionName } }),
      }),
    alarms: { executionFailures: EXECUTION_FAILURES },
  });
}

function createWork(scope: Construct, name: string, { work }: WorkflowConfig, { keepDays }: Settings) {
  if (work === undefined) return undefined;
  const feature = Feature.of(scope);
  const isUnprefixed = name === UNPREFIXED_WORKFLOW;
  const results = createResults(scope, isUnprefixed ? "results" : `${name}-results`, keepDays);
  const { shape } = workSchema;
  const { numberValue: timeoutSeconds } = feature.input(`${name}_work_timeout_seconds`, {
    type: "number",
    description: "Timeout of each attempt of the work, in seconds",
    value: work.timeoutSeconds,
    schema: shape.timeoutSeconds,
  });
  const lambda = new NodeFunction<WorkEnvironment>(scope, isUnprefixed ? "task-work" : "work", {
    entry: work.entry,
    wrapper: { file: "functions/workflows/keep-result.ts", name: "keepResult" },
    environment: { RESULTS_BUCKET: results.grantWrite("results/*") },
    timeoutSeconds: Token.asNumber(Op.add(timeoutSeconds, WORK_GRACE_SECONDS)),
    memoryMb: feature.input(`${name}_work_memory_mb`, {
      type: "number",
      description: "Memory of the work's function in MB. CPU scales with it",
      value: work.memoryMb,
      schema: shape.memoryMb,
    }).numberValue,
    alarms: { errors: { disabled: "covered by the task-failure alarm" } },
  });
  const { numberValue: retries } = feature.input(`${name}_work_retries`, {
    type: "number",
    description: "Retries of work that fails",
    value: work.retries,
    schema: shape.retries,
  });
  return { binding: lambda.grantInvoke(), limits: { timeoutSeconds, retries } };
}

/** Results of work that are too large for a row. They expire after it. */
function createResults(scope: Construct, nameSuffix: string, keepDays: TerraformVariable): Bucket {
  const results = new Bucket(scope, "results", { nameSuffix });
  new S3BucketLifecycleConfiguration(scope, "results-expiry", {
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

/** The user's machine, with its functions. */
function createOwnMachine(
  scope: Construct,
  name: string,
  file: string,
  table: Table,
  { timeLimitSeconds, keepDays }: Settings,
): StateMachine {
  const feature = Feature.of(scope);
  const { functions, machine: build, permissions } = loadDefinition(file);
  const lambdas = Object.entries(functions).map(([id, { entry, timeoutSeconds, memoryMb }]) => {
    const lambda = new NodeFunction<Readonly<Record<string, never>>>(scope, id, {
      entry,
      environment: {},
      timeoutSeconds,
      memoryMb,
      alarms: { errors: { disabled: "covered by the task-failure alarm" } },
    });
    return [id, lambda] as const;
  });
  const machine = build({
    functions: Object.fromEntries(lambdas.map(([id, lambda]) => [id, lambda.name])),
    approval: (fields) => approval({ table: table.name, keepDays: keepDays.stringValue }, fields),
  });
  checkFunctions(file, machine, lambdas);
  const nested = nestedApprovalsOf(machine);
  if (nested.length > 0)
    throw new NestedApprovalError(`${file}: ${nested.join(", ")} waits for a person within a Map or Parallel`);
  const own: Readonly<Record<string, Binding>> = {
    TASKS_TABLE: table.grant("UpdateItem"),
    ...Object.fromEntries(lambdas.map(([id, lambda]) => [`${id}Function`, lambda.grantInvoke()])),
  };
  const bindings: Readonly<Record<string, Binding>> = {
    ...own,
    ...permissionsOf(machine, {
      taken: Object.keys(own),
      bound: lambdas.map(([, lambda]) => lambda.name),
      stated: permissions,
      source: { arn: (service, resource) => feature.arn(service, resource), partitionName: feature.partitionName },
    }),
  };
  return new StateMachine(scope, machineId(name), {
    bindings,
    definition: ({ TASKS_TABLE: tableName = "" }) =>
      ownMachine({
        table: tableName,
        machine,
        timeLimitSeconds: timeLimitSeconds.numberValue,
        keepDays: keepDays.stringValue,
      }),
    alarms: { executionFailures: EXECUTION_FAILURES },
  });
}

function checkFunctions(
  file: string,
  machine: Machine,
  lambdas: readonly (readonly [string, { readonly name: string }])[],
): void {
  const unused = unusedOf(
    machine,
    lambdas.map(([, lambda]) => lambda.name),
  );
  const ids = lambdas.filter(([, lambda]) => unused.includes(lambda.name)).map(([id]) => id);
  if (ids.length > 0) throw new UnusedFunctionError(`${file}: no task invokes ${ids.join(", ")}`);
}

/** A task waits for one approval at a time, and branches run side by side. */
export class NestedApprovalError extends Error {
  override readonly name = "NestedApprovalError";
}

/** A function of a workflow that its machine does not invoke. */
export class UnusedFunctionError extends Error {
  override readonly name = "UnusedFunctionError";
}

const machineId = (name: string) => (name === UNPREFIXED_WORKFLOW ? UNPREFIXED_WORKFLOW : "machine");

function createStart(
  scope: Construct,
  table: Table,
  machine: StateMachine,
  { keepDays }: Settings,
): AsyncFunction<TasksEnvironment> {
  return new AsyncFunction<TasksEnvironment>(scope, "start", {
    entry: "functions/workflows/start.ts",
    environment: {
      STATE_MACHINE_ARN: machine.grant("StartExecution"),
      EXECUTION_ARN_PREFIX: machine.grantExecutions("DescribeExecution"),
      TASKS_TABLE: table.grant("Query"),
      KEEP_DAYS: keepDays.stringValue,
    },
    timeoutSeconds: API_TIMEOUT_SECONDS,
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

function createTasksApi(
  scope: Construct,
  table: Table,
  machine: StateMachine,
  { keepDays, scopes, definition }: Pick<Settings, "keepDays"> & Pick<WorkflowConfig, "scopes" | "definition">,
): ApiFunction<ApiEnvironment> {
  const isOwn = definition !== undefined;
  return new ApiFunction<ApiEnvironment>(scope, "api", {
    entry: "functions/workflows/tasks.ts",
    environment: {
      TASKS_TABLE: table.grant("Query", "UpdateItem"),
      STATE_MACHINE_ARN: machine.grant("StartExecution", ...(isOwn ? DECIDE : [])),
      EXECUTION_ARN_PREFIX: machine.grantExecutions(
        "DescribeExecution",
        "StopExecution",
        ...(isOwn ? (["GetExecutionHistory", "RedriveExecution"] as const) : []),
      ),
      KEEP_DAYS: keepDays.stringValue,
      SCOPES: scopes === undefined ? "" : escapeTemplate(JSON.stringify(scopes)),
    },
    routes: isOwn ? [...API_ROUTES, ...OWN_ROUTES] : API_ROUTES,
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

/** Step Functions emits an event for each unsuccessful execution, and each redrive. A successful one has written DONE itself. */
function createReconciler(scope: Construct, table: Table, machine: StateMachine, { keepDays }: Settings): void {
  const reconcile = new AsyncFunction<ReconcileEnvironment>(scope, "reconcile", {
    entry: "functions/workflows/reconcile.ts",
    environment: {
      TASKS_TABLE: table.grant("Query", "UpdateItem"),
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
  new EventRule(scope, scope instanceof Feature ? "executions-ended" : "ended", {
    description: "Unsuccessful executions of tasks",
    pattern: {
      source: ["aws.states"],
      "detail-type": ["Step Functions Execution Status Change"],
      detail: { stateMachineArn: [machine.arn], status: ["FAILED", "TIMED_OUT", "ABORTED"] },
    },
    target: reconcile,
  });
  // In the console. Redriven here, the row is STARTED already. An execution that was not redriven writes both itself.
  new EventRule(scope, scope instanceof Feature ? "executions-redriven" : "redriven", {
    description: "Executions of tasks that were redriven",
    pattern: {
      source: ["aws.states"],
      "detail-type": ["Step Functions Execution Status Change"],
      detail: {
        stateMachineArn: [machine.arn],
        status: ["RUNNING", "SUCCEEDED"],
        redriveCount: [{ numeric: [">", 0] }],
      },
    },
    target: reconcile,
  });
}

function createSweep(
  scope: Construct,
  table: Table,
  machine: StateMachine,
  { timeLimitSeconds, keepDays }: Settings,
): ScheduledFunction<SweepEnvironment> {
  return new ScheduledFunction<SweepEnvironment>(scope, "sweep", {
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
