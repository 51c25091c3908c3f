/** The module of exports: state machine, functions, queue, tables, bucket. */
import { GlueCatalogDatabase } from "@cdktf/provider-aws/lib/glue-catalog-database";
import { S3BucketLifecycleConfiguration } from "@cdktf/provider-aws/lib/s3-bucket-lifecycle-configuration";
import { S3Object } from "@cdktf/provider-aws/lib/s3-object";
import { Fn, type TerraformStack } from "cdktf";
import {
  CONFIGURATION_KEY,
  EXPORT_DIMENSION,
  exportSchema,
  RECONCILE_MINUTES,
  RESERVATIONS,
  STATE_TABLE_KEYS,
  type ClaimRunEnvironment,
  configurationSchema,
  type Configuration,
  type ExportConfig,
  type FinishRunEnvironment,
  type NativeExportEnvironment,
  type ReadSegmentEnvironment,
  type ReconcileEnvironment,
  type RecordFailureEnvironment,
  type ScheduledExport,
  type StartExportEnvironment,
  type StartJobsEnvironment,
} from "../../functions/exports/contract";
import { HOUR_SECONDS, MINUTE_SECONDS } from "../../functions/shared/time";
import { Alarm } from "../constructs/resources/alarm";
import type { AlarmSpec } from "../constructs/alarm-spec";
import { Bucket } from "../constructs/resources/bucket";
import type { Graph, Line, Metric } from "../constructs/dashboard";
import { EventRule } from "../constructs/resources/event-rule";
import { escapeTemplate } from "../constructs/escape-template";
import { Feature, type Deployment } from "../constructs/feature";
import type { Binding } from "../constructs/resources/grants";
import { NodeFunction } from "../constructs/resources/node-function";
import { AsyncFunction } from "../constructs/patterns/async-function";
import { QueueFunction } from "../constructs/patterns/queue-function";
import { ScheduledFunction } from "../constructs/patterns/scheduled-function";
import { Schedule } from "../constructs/resources/schedule";
import { StateMachine } from "../constructs/resources/state-machine";
import { Table } from "../constructs/resources/table";
import { AthenaTable, hasAthenaTable } from "./athena-table";
import { exportMachine, type ExportMachineRefs } from "./definition";
import { jobExport, type ExportsConfig, type TableExport } from "./schema";
import { utcRule } from "./utc-rule";

/** Lambda's maximum. Another invocation resumes a segment that takes longer. */
const READ_TIMEOUT_SECONDS = 900;

/** One vCPU: exporting is CPU-bound. */
const READ_MEMORY_MB = 1_769;

/** Enough to list the files of very large tables. */
const FINISH_TIMEOUT_SECONDS = 300;

/** S3 bills incomplete uploads of killed runs. Longer than any run. */
const ABORT_UPLOADS_AFTER_DAYS = 15;

const CLAIM_TIMEOUT_SECONDS = 60;

/** A manual invocation waits for the execution to end. */
const START_TIMEOUT_SECONDS = 900;

/** A late event would export today's table for an earlier day. */
const MAX_EVENT_AGE_SECONDS = HOUR_SECONDS;

const JOB_TIMEOUT_SECONDS = 30;

/** Less than {@link RECONCILE_MINUTES}: calls do not overlap. */
const RECONCILE_TIMEOUT_SECONDS = 240;

/** Daily exports of DynamoDB tables to S3. Runs are claimed by a conditional write, read in segments and resumed after failures. */
export class Exports extends Feature {
  readonly deadLetterAlarm = {
    description: "A scheduled export was not started (messages in the dead-letter queue)",
    impact: "The export has no files for that run.",
    runbook: "exports#dead-letter-queue",
  } as const;
  private readonly exports: readonly ExportConfig[];

  constructor(environment: TerraformStack, deployment: Deployment, config: ExportsConfig) {
    super(environment, "exports", deployment);
    this.exports = [...config.tables.map(runtimeConfig), ...(config.jobs ? [jobExport(config.jobs)] : [])];
    const state = this.createStateTable();
    const files = this.createFiles();
    const configuration = this.createConfiguration(config);
    const machine = this.createMachine({ state, files, configuration }, config);
    const starter = this.createStarter(machine, configuration);
    for (const table of config.tables) this.createSchedule(table, starter);
    this.createReconciler(machine, state, configuration);
    if (config.jobs) this.createJobQueue(machine, configuration);
    this.createAthenaTables(config.tables, files);
    this.createAlarms(config.tables);
    this.createDashboardRow("Exports", this.graphs(machine));

    this.output("bucket_name", "Bucket of exports that configure none", files.name);
    this.output("state_table_name", "State of exports and their runs", state.name);
    this.output("configuration_bucket_name", "Bucket of exports.json", configuration.name);
    this.output("state_machine_arn", "Runs an export", machine.arn);
    this.output("start_function_name", "Starts an export when invoked, and returns when it has ended", starter.name);
  }

  private createStateTable(): Table {
    return new Table(this, "state", {
      partitionKey: { name: STATE_TABLE_KEYS.partition, type: "S" },
      sortKey: { name: STATE_TABLE_KEYS.sort, type: "S" },
      timeToLiveAttribute: STATE_TABLE_KEYS.timeToLive,
    });
  }

  private createFiles(): Bucket {
    const files = new Bucket(this, "files", { nameSuffix: "files" });
    // The emulator takes a minute to create the rule, and storage there is free.
    if (this.deployment.awsEndpoint === undefined)
      new S3BucketLifecycleConfiguration(this, "abandoned-uploads", {
        bucket: files.name,
        rule: [
          {
            id: "abandoned-uploads",
            status: "Enabled",
            filter: [{ prefix: "" }],
            abortIncompleteMultipartUpload: [{ daysAfterInitiation: ABORT_UPLOADS_AFTER_DAYS }],
          },
        ],
      });
    return files;
  }

  private createConfiguration({ tables, jobs }: ExportsConfig): Bucket {
    const bucket = new Bucket(this, "configuration", { nameSuffix: "configuration", versioned: true });
    const value: Configuration = { tables: tables.map(runtimeConfig), ...(jobs && { jobs: jobExport(jobs) }) };
    const input = this.input("configuration", {
      type: "any",
      description: "The exports, an object: see README.md",
      value: escapeTemplate(JSON.parse(JSON.stringify(value)) as unknown),
      schema: configurationSchema,
    });
    new S3Object(this, "configuration-object", {
      bucket: bucket.name,
      key: CONFIGURATION_KEY,
      content: Fn.jsonencode(input.value),
      etag: Fn.md5(Fn.jsonencode(input.value)), // a change outside Terraform shows in a plan
      contentType: "application/json",
    });
    return bucket;
  }

  private createMachine({ state, files, configuration }: Storage, { tables, jobs }: ExportsConfig) {
    const tableNames = [...new Set([...tables.map(({ table }) => table), ...(jobs?.tables ?? [])])];
    const keys = listBinding(["kms:Decrypt", "kms:GenerateDataKey"], this.keys());
    const claim = new NodeFunction<ClaimRunEnvironment>(this, "claim-run", {
      entry: "functions/exports/claim-run.ts",
      environment: {
        STATE_TABLE: state.grant("DeleteItem", "GetItem", "PutItem", "UpdateItem"),
        TABLE_NAMES: this.tables(tableNames, "DescribeTable"),
        CONFIGURATION_BUCKET: configuration.grantRead(CONFIGURATION_KEY),
        EXPORTS_BUCKET: files.name,
        BUCKET_NAMES: this.reservations(files),
        KMS_KEY_ARNS: keys,
        EXECUTION_ARN_PREFIX: {
          value: this.executionsArn,
          actions: ["states:DescribeExecution"],
          resources: [`${this.executionsArn}:*`],
        },
      },
      timeoutSeconds: CLAIM_TIMEOUT_SECONDS,
      alarms: { errors: COVERED_BY_MACHINE },
    });
    const read = new NodeFunction<ReadSegmentEnvironment>(this, "read-segment", {
      entry: "functions/exports/read-segment.ts",
      environment: {
        STATE_TABLE: state.grant("GetItem", "PutItem", "UpdateItem"),
        TABLE_NAMES: this.tables(tableNames, "DescribeTable", "Scan"),
        BUCKET_NAMES: this.buckets(files, {
          of: this.exports.filter(({ engine }) => engine !== "dynamodb-export"),
          actions: ["s3:AbortMultipartUpload", "s3:ListBucketMultipartUploads", "s3:PutObject"],
        }),
        JOB_ROLE_ARNS: listBinding(["sts:AssumeRole"], jobs?.roles ?? []),
        KMS_KEY_ARNS: keys,
      },
      timeoutSeconds: READ_TIMEOUT_SECONDS,
      memoryMb: READ_MEMORY_MB,
      alarms: { errors: COVERED_BY_MACHINE },
    });
    const native = new NodeFunction<NativeExportEnvironment>(this, "native-export", {
      entry: "functions/exports/native-export.ts",
      environment: {
        STATE_TABLE: state.grant("PutItem"),
        TABLE_NAMES: this.nativeTables(tables),
        BUCKET_NAMES: this.buckets(files, {
          of: this.exports.filter(({ engine }) => engine === "dynamodb-export"),
          actions: ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
        }),
        KMS_KEY_ARNS: keys,
      },
      timeoutSeconds: FINISH_TIMEOUT_SECONDS,
      alarms: { errors: COVERED_BY_MACHINE },
    });
    const finish = new NodeFunction<FinishRunEnvironment>(this, "finish-run", {
      entry: "functions/exports/finish-run.ts",
      environment: {
        STATE_TABLE: state.grant("DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
        BUCKET_NAMES: this.buckets(files, {
          of: this.exports,
          actions: [
            "s3:AbortMultipartUpload",
            "s3:DeleteObject",
            "s3:GetObject",
            "s3:ListBucket",
            "s3:ListBucketMultipartUploads",
            "s3:PutObject",
          ],
          extraPrefix: "_exports/", // manifests of flat layouts, and Athena's lists of files
        }),
        KMS_KEY_ARNS: keys,
      },
      timeoutSeconds: READ_TIMEOUT_SECONDS,
      alarms: { errors: COVERED_BY_MACHINE },
    });
    const fail = new NodeFunction<RecordFailureEnvironment>(this, "record-failure", {
      entry: "functions/exports/record-failure.ts",
      environment: { STATE_TABLE: state.grant("DeleteItem", "GetItem", "UpdateItem") },
      timeoutSeconds: CLAIM_TIMEOUT_SECONDS,
      alarms: { errors: COVERED_BY_MACHINE },
    });
    return new StateMachine(this, "run", {
      bindings: {
        self: {
          value: this.arn("states", `stateMachine:${this.physicalName("run")}`),
          actions: ["states:StartExecution"],
          resources: [this.arn("states", `stateMachine:${this.physicalName("run")}`)],
        },
        events: {
          value: this.arn("events", "event-bus/default"),
          actions: ["events:PutEvents"],
          resources: [this.arn("events", "event-bus/default")],
        },
        claimRun: claim.grantInvoke(),
        readSegment: read.grantInvoke(),
        nativeExport: native.grantInvoke(),
        finishRun: finish.grantInvoke(),
        recordFailure: fail.grantInvoke(),
      },
      definition: exportMachine,
      alarms: {
        executionFailures: {
          description: "An export run failed",
          impact: "The files of that run are missing or incomplete.",
          runbook: "exports#an-export-failed",
        },
      },
    });
  }

  private createStarter(machine: Machine, configuration: Bucket): AsyncFunction<StartExportEnvironment> {
    return new AsyncFunction<StartExportEnvironment>(this, "start-export", {
      entry: "functions/exports/start-export.ts",
      environment: {
        CONFIGURATION_BUCKET: configuration.grantRead(CONFIGURATION_KEY),
        STATE_MACHINE_ARN: machine.grant("StartExecution"),
        EXECUTION_ARN_PREFIX: machine.grantExecutions("DescribeExecution"),
      },
      timeoutSeconds: START_TIMEOUT_SECONDS,
      retries: 2,
      maxEventAgeSeconds: MAX_EVENT_AGE_SECONDS,
      alarms: {
        errors: {
          description: "The function that starts exports is failing",
          impact: "Scheduled exports may not start. Failed invocations are retried twice.",
          runbook: "exports#dead-letter-queue",
        },
      },
    });
  }

  /** The function gets the export's name from the end of the rule's name. */
  private createSchedule(
    { name, schedule, timeZone }: TableExport,
    starter: AsyncFunction<StartExportEnvironment>,
  ): void {
    new Schedule(this, `schedule-${name}`, {
      description: `Exports ${name}`,
      expression: utcRule(schedule, timeZone),
      target: starter,
    });
  }

  /** Step Functions emits an event for each unsuccessful execution. Regularly, too, because events are lost. */
  private createReconciler(machine: Machine, state: Table, configuration: Bucket): void {
    const runbook = "exports#records-are-not-reconciled";
    const reconcile = new ScheduledFunction<ReconcileEnvironment>(this, "reconcile", {
      entry: "functions/exports/reconcile.ts",
      environment: {
        STATE_TABLE: state.grant("DeleteItem", "GetItem", "Query", "UpdateItem"),
        CONFIGURATION_BUCKET: configuration.grantRead(CONFIGURATION_KEY),
        EXECUTION_ARN_PREFIX: machine.grantExecutions("DescribeExecution"),
      },
      timeoutSeconds: RECONCILE_TIMEOUT_SECONDS,
      schedule: {
        everyMinutes: RECONCILE_MINUTES,
        description: "Records ends of export runs, and checks for late ones",
      },
      retries: 0, // the next call does the same
      maxEventAgeSeconds: RECONCILE_MINUTES * MINUTE_SECONDS,
      alarms: {
        errors: {
          description: "The function that reconciles exports is failing",
          impact: "Runs that were stopped may still say RUNNING, and late exports do not alarm.",
          runbook,
        },
        noInvocations: {
          description: "Exports are not reconciled",
          impact: "Runs that were stopped still say RUNNING, and late exports do not alarm.",
          runbook,
        },
      },
    });
    new EventRule(this, "executions-ended", {
      description: "Unsuccessful executions of exports",
      pattern: {
        source: ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        detail: { stateMachineArn: [machine.arn], status: ["FAILED", "TIMED_OUT", "ABORTED"] },
      },
      target: reconcile,
    });
  }

  /** Each message starts an execution. */
  private createJobQueue(machine: Machine, configuration: Bucket): void {
    const runbook = "exports#jobs-are-not-started";
    const { queue } = new QueueFunction<StartJobsEnvironment>(this, "start-jobs", {
      entry: "functions/exports/start-jobs.ts",
      environment: {
        CONFIGURATION_BUCKET: configuration.grantRead(CONFIGURATION_KEY),
        STATE_MACHINE_ARN: machine.grant("StartExecution"),
      },
      timeoutSeconds: JOB_TIMEOUT_SECONDS,
      queue: { nameSuffix: "jobs" },
      batch: { batchSize: 10 },
      alarms: {
        errors: {
          description: "The function that starts export jobs is failing",
          impact: "Requested exports start late or not at all.",
          runbook,
        },
        deadLetterQueue: {
          depth: {
            description: "Export jobs cannot be started (messages in the dead-letter queue)",
            impact: "The requested exports do not run.",
            runbook,
          },
        },
        oldestMessageAge: { disabled: "jobs that cannot be started go to the dead-letter queue within minutes" },
      },
    });
    this.output("jobs_queue_url", "Queue of jobs: {application, table_name, region, assume_role}", queue.url);
    this.output("jobs_dead_letter_queue_url", "Jobs that could not be started", queue.deadLetterQueue.url);
  }

  private createAthenaTables(tables: readonly TableExport[], files: Bucket): void {
    const suitable = tables.filter(hasAthenaTable);
    if (suitable.length === 0) return;
    const { app, environment } = this.deployment;
    const database = new GlueCatalogDatabase(this, "database", {
      // Athena requires quotes around names with hyphens.
      name: Fn.replace(`${app}_${environment}_exports`, "-", "_"),
      description: "Exports of DynamoDB tables",
    });
    for (const table of suitable)
      new AthenaTable(this, `athena-${table.name}`, {
        database: database.name,
        bucket: table.bucket ?? files.name,
        deployment: `${this.accountId}/${this.regionName}/${this.physicalName("run")}`,
        table,
      });
    this.output("glue_database_name", "Database of the Athena tables", database.name);
  }

  /** One lateness alarm per export: the runs of another must not hide that it is late. */
  private createAlarms(tables: readonly TableExport[]): void {
    for (const { name } of tables) {
      const late = this.metric("lateExports");
      new Alarm(this, `late-${name}`, {
        spec: {
          description: `A scheduled run of the export ${name} has not finished in time`,
          impact: `There are no current files of ${name}.`,
          runbook: "exports#an-export-is-late",
        },
        ...late,
        dimensions: { ...late.dimensions, [EXPORT_DIMENSION]: name },
        statistic: "Maximum",
        periodSeconds: RECONCILE_MINUTES * MINUTE_SECONDS,
      });
    }
    new Alarm(this, "empty-exports", {
      spec: {
        description: "A scheduled export has no items",
        impact: "The export's files for that run are empty.",
        runbook: "exports#an-export-is-empty",
      },
      ...this.metric("emptyExports"),
    });
    if (this.exports.some(({ mode, engine }) => mode === "incremental" && engine === "scan"))
      new Alarm(this, "unusable-items", {
        spec: {
          description: "Items without a usable watermark are not exported",
          impact: "Incremental exports lack these items. The manifest has their number.",
          runbook: "exports#items-without-a-usable-watermark",
        },
        ...this.metric("unusableItems"),
      });
  }

  private graphs(machine: Machine): readonly Graph[] {
    return [
      {
        title: "Runs",
        lines: [
          ...this.exports.map(({ name }): Line => ({
            ...this.finished(name),
            label: `${name} finished`,
            statistic: "Sum",
          })),
          { ...this.metric("failedExports"), label: "failed", statistic: "Sum" },
          { ...this.metric("emptyExports"), label: "empty", statistic: "Sum" },
          { ...machine.metric("ExecutionsStarted"), label: "executions", statistic: "Sum" },
        ],
      },
      {
        title: "Read",
        lines: [
          { ...this.metric("exportedItems"), label: "items", statistic: "Sum" },
          { ...this.metric("readBytes"), label: "bytes", statistic: "Sum" },
          { ...this.metric("readUnits"), label: "read units", statistic: "Sum" },
        ],
      },
      {
        title: "Duration (ms)",
        lines: [{ ...this.metric("exportDuration"), label: "longest", statistic: "Maximum" }],
      },
    ];
  }

  /** Metric of one export's finished runs. */
  private finished(name: string): Metric {
    const metric = this.metric("finishedExports");
    return { ...metric, dimensions: { ...metric.dimensions, [EXPORT_DIMENSION]: name } };
  }

  /** Not from the machine, which needs the functions' names first. */
  private get executionsArn(): string {
    return this.arn("states", `execution:${this.physicalName("run")}`);
  }

  private tables(names: readonly string[], ...actions: readonly string[]): Binding | string {
    if (names.length === 0) return "-";
    return {
      value: names.join(","),
      actions: actions.map((action) => `dynamodb:${action}`),
      resources: names.map((name) => this.arn("dynamodb", `table/${name}`)),
    };
  }

  private nativeTables(tables: readonly TableExport[]): Binding | string {
    const names = [...new Set(tables.filter(({ engine }) => engine === "dynamodb-export").map(({ table }) => table))];
    if (names.length === 0) return "-";
    const arns = names.map((name) => this.arn("dynamodb", `table/${name}`));
    return {
      value: names.join(","),
      actions: ["dynamodb:DescribeExport", "dynamodb:DescribeTable", "dynamodb:ExportTableToPointInTime"],
      resources: arns.flatMap((arn) => [arn, `${arn}/export/*`]),
    };
  }

  /** The exports' buckets, and the keys under their prefixes. */
  private buckets(
    files: Bucket,
    { of, actions, extraPrefix }: { of: readonly ExportConfig[]; actions: readonly string[]; extraPrefix?: string },
  ): Binding | string {
    if (of.length === 0) return "-";
    const targets = of.map(({ bucket, prefix, name }) => ({
      arn: bucket === undefined ? files.arn : `arn:${this.partitionName}:s3:::${bucket}`,
      name: bucket ?? files.name,
      // The feature's own bucket has nothing but exports: one grant for all of them, so that a role's policy (10,240 characters) does
      // not grow with their number.
      prefix: bucket === undefined ? "" : (prefix ?? `${name}/`).replace(/\{.*/, ""),
    }));
    const objects = targets.flatMap(({ arn, prefix }) => [
      `${arn}/${prefix}*`,
      ...(extraPrefix === undefined || prefix === "" ? [] : [`${arn}/${extraPrefix}*`]),
    ]);
    return {
      value: [...new Set(targets.map(({ name }) => name))].join(","),
      actions,
      resources: [...new Set([...targets.map(({ arn }) => arn), ...objects])],
    };
  }

  /** Keys of flat layouts are reserved in their bucket. */
  private reservations(files: Bucket): Binding | string {
    const flat = this.exports.filter(({ layout }) => layout === "flat");
    if (flat.length === 0) return "-";
    return {
      value: [...new Set(flat.map(({ bucket }) => bucket ?? files.name))].join(","),
      actions: ["s3:GetObject", "s3:PutObject"],
      resources: [
        ...new Set(
          flat.map(({ bucket }) => {
            const arn = bucket === undefined ? files.arn : `arn:${this.partitionName}:s3:::${bucket}`;
            return `${arn}/${RESERVATIONS}*`;
          }),
        ),
      ],
    };
  }

  private keys(): readonly string[] {
    return [...new Set(this.exports.flatMap(({ kmsKeyArn }) => kmsKeyArn ?? []))];
  }
}

const COVERED_BY_MACHINE: AlarmSpec = { disabled: "the state machine retries, and has an alarm for failed executions" };

interface Storage {
  readonly state: Table;
  readonly files: Bucket;
  readonly configuration: Bucket;
}

type Machine = StateMachine<Readonly<Record<keyof ExportMachineRefs, Binding>>>;

/** Without the fields that only the module uses. */
function runtimeConfig({
  preset: _,
  schedule,
  timeZone,
  columns,
  lateAfterMinutes,
  ...config
}: TableExport): ScheduledExport {
  // NDJSON has no columns: a change of Athena's does not make an unfinished run start over.
  const inFiles = config.format === "parquet" && columns !== undefined ? { columns } : {};
  const late = lateAfterMinutes === undefined ? {} : { lateAfterMinutes };
  return { ...exportSchema.parse({ ...config, ...inFiles }), schedule: { expression: schedule, timeZone, ...late } };
}

function listBinding(actions: readonly string[], resources: readonly string[]): Binding | string {
  return resources.length === 0 ? "" : { value: resources.join(","), actions, resources };
}
