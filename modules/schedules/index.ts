/** The module of schedules: the keeper, the table of runs, and the function of each schedule. */
import { S3Object } from "@cdktf/provider-aws/lib/s3-object";
import { Fn, type TerraformStack } from "cdktf";
import * as z from "zod";
import {
  CONFIGURATION_KEY,
  MAX_TIMEOUT_SECONDS,
  RUN_KEYS,
  SCHEDULE_MONITOR_KEYS,
  ABORT_SECONDS,
  instantsFault,
  isReservedVariable,
  kebabCase,
  parameterNameSchema,
  presentation,
  scheduleFields,
  scheduleNameSchema,
  schedulesSchema as keptSchedulesSchema,
  type KeepEnvironment,
  type RunEnvironment,
  type Schedules as KeptSchedules,
} from "../../functions/schedules/contract";
import { Alarm } from "../constructs/resources/alarm";
import { Bucket } from "../constructs/resources/bucket";
import type { Graph } from "../constructs/dashboard";
import { exportsHandler } from "../constructs/bundling/entry";
import { escapeTemplate } from "../constructs/escape-template";
import { Feature, type Deployment } from "../constructs/feature";
import { permissionSchema, variablesSchema } from "../constructs/own-function";
import type { Binding } from "../constructs/resources/grants";
import { AsyncFunction } from "../constructs/patterns/async-function";
import { ScheduledFunction } from "../constructs/patterns/scheduled-function";
import { Table } from "../constructs/resources/table";

/** Each has its function, and the keeper's role the permission to invoke it: a role's policies have 10,240 characters. */
const MAX_SCHEDULES = 50;

/** Less than a minute, so that ticks do not overlap. */
const KEEP_TIMEOUT_SECONDS = 55;

/** After a minute the next tick does the work. Lambda's minimum. */
const MAX_TICK_AGE_SECONDS = 60;

/** The keeper repeats an invocation that has not begun after five minutes. */
const MAX_INVOCATION_AGE_SECONDS = 300;

const scheduleSchema = z
  .strictObject({
    /** The file that exports `handler = onSchedule(...)`. */
    entry: z
      .string()
      .regex(/^[\w./-]+\.ts$/, { error: 'is not a file such as "functions/clean-up.ts"', abort: true })
      .superRefine(exportsHandler("onSchedule")),
    ...scheduleFields,
    /** Of one attempt. The handler's `signal` aborts five seconds earlier. @default 60 */
    timeoutSeconds: z
      .int()
      .min(ABORT_SECONDS + 5)
      .max(MAX_TIMEOUT_SECONDS, {
        error: `is more than the ${MAX_TIMEOUT_SECONDS} s that Lambda allows: longer work is a workflow (workflows)`,
      })
      .default(60),
    /** CPU scales with memory. @default 512 */
    memoryMb: z.int().min(128).max(10_240).default(512),
    /** What the function may do: IAM actions on ARNs. @default nothing */
    permissions: z.array(permissionSchema).default([]),
    /** Variables of the function. No secrets: Terraform's state would contain them. @default none */
    environment: variablesSchema(isReservedVariable),
    /** Secrets by name: SSM parameters (SecureString), for the handler's `secret(name)`. @default none */
    secrets: z
      .record(
        z.string().regex(/^\w{1,64}$/, "is not a name of letters, digits and _"),
        parameterNameSchema("/invoices/api-key"),
      )
      .default({}),
    /** Its monitor of heartbeats, where the environment has them: a run that fails, is missed or overdue is an incident. @default {} */
    monitor: z
      .strictObject({
        /** False: keeps it off the status page, status.json and badges. @default true */
        public: z.boolean().optional(),
        ...presentation,
      })
      .prefault({}),
  })
  .superRefine((schedule, context) => {
    const fault = instantsFault(schedule, Date.now());
    if (fault !== undefined) context.addIssue({ code: "custom", ...fault });
  });

/** `cleanUp: { entry: "functions/clean-up.ts", schedule: "rate(1 hour)" }`: functions of your own by name. */
export const schedulesSchema = z
  .record(scheduleNameSchema, scheduleSchema)
  .refine((schedules) => Object.keys(schedules).length > 0, "has no schedule")
  .refine((schedules) => Object.keys(schedules).length <= MAX_SCHEDULES, `has more than ${MAX_SCHEDULES} schedules`)
  .superRefine(rejectSharedNames);
type SchedulesConfig = z.output<typeof schedulesSchema>;
type ScheduleConfig = SchedulesConfig[string];

/** The monitors of schedules, for heartbeats. A disabled one has none: it has no runs. */
export function scheduleMonitors(config: SchedulesConfig): readonly ScheduleMonitor[] {
  return Object.entries(config).flatMap(([name, { enabled, monitor }]) =>
    enabled ? [{ schedule: name, name: kebabCase(name), ...monitor }] : [],
  );
}
type ScheduleMonitor = { readonly schedule: string; readonly name: string } & ScheduleConfig["monitor"];

/** Physical names do not distinguish them. */
function rejectSharedNames(schedules: SchedulesConfig, context: z.RefinementCtx): void {
  const names = Object.keys(schedules);
  for (const [index, name] of names.entries()) {
    const other = names.slice(0, index).find((each) => each.toLowerCase() === name.toLowerCase());
    if (other !== undefined)
      context.addIssue({ code: "custom", path: [name], message: `is also the name of ${other}`, input: name });
  }
}

/** Runs functions of the user's own on a schedule, and keeps a row for each run. */
export class Schedules extends Feature {
  readonly deadLetterAlarm = {
    description: "Runs were ended by Lambda, or could not be started (messages in the dead-letter queue)",
    impact: "These runs failed, or are late. Each has its row.",
    runbook: "schedules#dead-letter-queue",
  } as const;

  /** @param heartbeatsTable the state table of heartbeats; undefined: the environment has none */
  constructor(
    environment: TerraformStack,
    deployment: Deployment,
    config: SchedulesConfig,
    heartbeatsTable: string | undefined,
  ) {
    super(environment, "schedules", deployment);
    const runs = this.createRunsTable();
    const functions = Object.entries(config).map(([name, schedule]) => this.createFunction(name, schedule, runs));
    const configuration = this.createConfiguration(config);
    this.createKeeper(runs, configuration, functions, this.monitors(heartbeatsTable));
    this.createAlarms();
    this.createDashboardRow("Schedules", this.graphs());

    this.output("runs_table_name", "A row for each run, and the state of each schedule", runs.name);
    this.output("configuration_bucket_name", "Bucket of the schedules' configuration", configuration.bucket.name);
    this.output("function_prefix", "Begins the name of each schedule's function", this.functionPrefix);
  }

  private get functionPrefix(): string {
    return this.physicalName("run-");
  }

  private createRunsTable(): Table {
    return new Table(this, "runs", {
      nameSuffix: "runs",
      partitionKey: { name: RUN_KEYS.partition, type: "S" },
      sortKey: { name: RUN_KEYS.sort, type: "S" },
      timeToLiveAttribute: RUN_KEYS.timeToLive,
    });
  }

  private createFunction(name: string, config: ScheduleConfig, runs: Table): AsyncFunction<RunEnvironment> {
    const { entry, timeoutSeconds, memoryMb, permissions, environment, secrets } = config;
    return new AsyncFunction<RunEnvironment>(this, `run-${kebabCase(name)}`, {
      entry,
      environment: {
        ...escapeTemplate(environment),
        RUNS_TABLE: runs.grant("UpdateItem"),
        SECRETS: this.secrets(secrets),
      },
      permissions: escapeTemplate(permissions),
      timeoutSeconds,
      memoryMb,
      // The keeper retries: it knows what has begun, and when the next attempt is due.
      retries: 0,
      maxEventAgeSeconds: MAX_INVOCATION_AGE_SECONDS,
      alarms: { errors: { disabled: "covered by the alarm for failed runs" } },
    });
  }

  private secrets(secrets: Readonly<Record<string, string>>): Binding | string {
    const parameters = [...new Set(Object.values(secrets))];
    if (parameters.length === 0) return "";
    return {
      value: JSON.stringify(secrets),
      actions: ["ssm:GetParameter"],
      resources: parameters.map((parameter) => this.arn("ssm", `parameter${parameter}`)),
    };
  }

  /** The monitors of schedules, and of nothing else. */
  private monitors(heartbeatsTable: string | undefined): Binding | string {
    if (heartbeatsTable === undefined) return "";
    const { stringValue: value } = this.input("heartbeats_table", {
      type: "string",
      description: "State table of heartbeats, with the schedules' monitors",
      value: heartbeatsTable,
    });
    return {
      value,
      actions: ["dynamodb:UpdateItem"],
      resources: [this.arn("dynamodb", `table/${value}`)],
      condition: { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": [SCHEDULE_MONITOR_KEYS] } },
    };
  }

  /** In S3, because a function's environment has 4 KB. */
  private createConfiguration(config: SchedulesConfig): Configuration {
    const bucket = new Bucket(this, "configuration", { nameSuffix: "configuration", versioned: true });
    const schedules = this.input("schedules", {
      type: "any",
      description: "When each schedule runs: an object by name, see README.md",
      value: escapeTemplate(keptOf(config)),
      schema: keptSchedulesSchema,
    });
    const object = new S3Object(this, "schedules-object", {
      bucket: bucket.name,
      key: CONFIGURATION_KEY,
      content: Fn.jsonencode(schedules.value),
      etag: Fn.md5(Fn.jsonencode(schedules.value)), // a change outside Terraform shows in a plan
      contentType: "application/json",
    });
    // Not its version: S3 gives none to an object that is put before the bucket's versioning is enabled.
    return { bucket, version: object.etag };
  }

  private createKeeper(
    runs: Table,
    { bucket, version }: Configuration,
    functions: readonly AsyncFunction<RunEnvironment>[],
    monitors: Binding | string,
  ): ScheduledFunction<KeepEnvironment> {
    return new ScheduledFunction<KeepEnvironment>(this, "keep", {
      entry: "functions/schedules/keep.ts",
      environment: {
        RUNS_TABLE: runs.grant("BatchGetItem", "PutItem", "Query", "UpdateItem"),
        CONFIGURATION_BUCKET: bucket.grantRead(CONFIGURATION_KEY),
        CONFIGURATION_VERSION: version,
        FUNCTION_PREFIX: {
          value: this.functionPrefix,
          actions: ["lambda:InvokeFunction"],
          resources: functions.map(({ arn }) => arn),
        },
        HEARTBEATS_TABLE: monitors,
      },
      timeoutSeconds: KEEP_TIMEOUT_SECONDS,
      schedule: { everyMinutes: 1, description: "Starts due runs" },
      retries: 0, // the next tick is the retry
      maxEventAgeSeconds: MAX_TICK_AGE_SECONDS,
      alarms: {
        errors: {
          description: "The schedules' keeper is failing",
          impact: "Runs of the affected schedules start late.",
          runbook: "schedules#the-keeper-is-failing",
        },
        noInvocations: {
          description: "The schedules' keeper is not running",
          impact: "No schedule runs. Later runs catch up, as each schedule says.",
          runbook: "schedules#the-keeper-is-not-running",
        },
      },
    });
  }

  private createAlarms(): void {
    new Alarm(this, "failed", {
      spec: {
        description: "Scheduled runs failed after all retries",
        impact: "The work of these runs is not done.",
        runbook: "schedules#runs-failed",
      },
      ...this.metric("failed"),
    });
    new Alarm(this, "missed", {
      spec: {
        description: "Scheduled runs were missed",
        impact: "The work of these runs is not done.",
        runbook: "schedules#runs-were-missed",
      },
      ...this.metric("missed"),
    });
    new Alarm(this, "late", {
      spec: {
        description: "Scheduled runs began more than five minutes late",
        impact: "Their work is done late.",
        runbook: "schedules#runs-are-late",
      },
      ...this.metric("late"),
    });
  }

  private graphs(): readonly Graph[] {
    return [
      {
        title: "Runs",
        lines: [
          { ...this.metric("succeeded"), label: "succeeded", statistic: "Sum" },
          { ...this.metric("failed"), label: "failed", statistic: "Sum" },
          { ...this.metric("retried"), label: "retried", statistic: "Sum" },
          { ...this.metric("missed"), label: "missed", statistic: "Sum" },
          { ...this.metric("late"), label: "late", statistic: "Sum" },
        ],
      },
      {
        title: "Duration (ms)",
        lines: [
          { ...this.metric("duration"), label: "p50", statistic: "p50" },
          { ...this.metric("duration"), label: "longest", statistic: "Maximum" },
        ],
      },
    ];
  }
}

interface Configuration {
  readonly bucket: Bucket;
  /** Changes with its content. */
  readonly version: string;
}

/** What the keeper reads. The rest is the function's own. */
function keptOf(config: SchedulesConfig): KeptSchedules {
  return Object.fromEntries(
    Object.entries(config).map(([name, schedule]) => {
      const { entry, timeoutSeconds, memoryMb, permissions, environment, secrets, monitor, ...kept } = schedule;
      return [name, kept];
    }),
  );
}
