import { GlueCatalogDatabase } from "@cdktf/provider-aws/lib/glue-catalog-database";
import { S3BucketLifecycleConfiguration } from "@cdktf/provider-aws/lib/s3-bucket-lifecycle-configuration";
import { S3Object } from "@cdktf/provider-aws/lib/s3-object";
import { Fn, type TerraformStack } from "cdktf";
import {
  CONFIGURATION_KEY,
  EXPORT_DIMENSION,
  exportSchema,
  STATE_KEYS,
  type ClaimEnvironment,
  type Configuration,
  type ExportConfig,
  type FailEnvironment,
  type FinishEnvironment,
  type ReadEnvironment,
  type RunEnvironment,
  type StartEnvironment,
} from "../../functions/exports/contract";
import { DAY_SECONDS, HOUR_SECONDS, MINUTE_SECONDS } from "../../functions/shared/time";
import { Alarm } from "../constructs/alarm";
import type { AlarmSpec } from "../constructs/alarm-spec";
import { Bucket } from "../constructs/bucket";
import type { Graph, Line, Metric } from "../constructs/dashboard";
import { Feature, type Deployment } from "../constructs/feature";
import type { Binding } from "../constructs/grants";
import { escapeTemplate } from "../constructs/escape-template";
import { NodeFunction } from "../constructs/node-function";
import { AsyncFunction } from "../constructs/patterns/async-function";
import { QueueFunction } from "../constructs/patterns/queue-function";
import { Schedule } from "../constructs/schedule";
import { minutesOf } from "../constructs/schedule-expression";
import { StateMachine } from "../constructs/state-machine";
import { Table } from "../constructs/table";
import { AthenaTable, hasAthenaTable } from "./athena-table";
import { exportMachine } from "./definition";
import { jobExport, type ExportsConfig, type TableExport } from "./schema";

/** Lambda's longest. A segment that is not done by then goes on in another invocation. */
const READ_TIMEOUT_SECONDS = 900;

/** A whole processor: an export is work, not waiting. */
const READ_MEMORY_MB = 1_769;

/** Listing and completing the parts of the largest tables. */
const FINISH_TIMEOUT_SECONDS = 300;

/** An upload of a killed run is nobody's, and is paid for, if the run is never taken up again. No run takes so long. */
const ABANDONED_DAYS = 15;

const CLAIM_TIMEOUT_SECONDS = 60;

/** Whoever runs an export by hand is answered when it is there, or after so long. */
const RUN_TIMEOUT_SECONDS = 900;

/** A tick of yesterday would export today's table under yesterday's name. */
const MAX_TICK_AGE_SECONDS = HOUR_SECONDS;

const JOB_TIMEOUT_SECONDS = 30;

/** Tables to S3, every day: claimed by a conditional write, read in segments, resumed where they were left. */
export class Exports extends Feature {
  readonly deadLetterAlarm = {
    description: "A scheduled export was not started (messages in the dead-letter queue)",
    impact: "The export has no files for that run.",
    runbook: "exports#dead-letter-queue",
  } as const;
  private readonly exports: readonly ExportConfig[];

  constructor(environment: TerraformStack, deployment: Deployment, config: ExportsConfig) {
    super(environment, "exports", deployment);
    this.exports = [...config.tables.map(plain), ...(config.jobs ? [jobExport(config.jobs)] : [])];
    const state = this.createStateTable();
    const files = this.createFiles();
    const configuration = this.createConfiguration(config);
    const machine = this.createMachine({ state, files, configuration }, config);
    const runner = this.createRunner(machine, configuration);
    for (const table of config.tables) this.createSchedule(table, runner);
    if (config.jobs) this.createJobQueue(machine, configuration);
    this.createAthenaTables(config.tables, files);
    this.createAlarms(config.tables);
    this.createDashboardRow("Exports", this.graphs(machine));

    this.output("bucket_name", "Where exports go that name no bucket of their own", files.name);
    this.output("state_table_name", "What exports are at, and what they were", state.name);
    this.output("configuration_bucket_name", "Holds exports.json", configuration.name);
    this.output("state_machine_arn", "Runs exports", machine.arn);
    this.output("run_function_name", "Runs an export when it is invoked, and answers when it is there", runner.name);
  }

  private createStateTable(): Table {
    return new Table(this, "state", {
      partitionKey: { name: STATE_KEYS.partition, type: "S" },
      sortKey: { name: STATE_KEYS.sort, type: "S" },
      timeToLiveAttribute: STATE_KEYS.timeToLive,
    });
  }

  private createFiles(): Bucket {
    const files = new Bucket(this, "files", { nameSuffix: "files" });
    // An emulator bills nobody, and takes a minute to make the rule.
    if (this.deployment.awsEndpoint === undefined)
      new S3BucketLifecycleConfiguration(this, "abandoned-uploads", {
        bucket: files.name,
        rule: [
          {
            id: "abandoned-uploads",
            status: "Enabled",
            filter: [{ prefix: "" }],
            abortIncompleteMultipartUpload: [{ daysAfterInitiation: ABANDONED_DAYS }],
          },
        ],
      });
    return files;
  }

  private createConfiguration({ tables, jobs }: ExportsConfig): Bucket {
    const bucket = new Bucket(this, "configuration", { nameSuffix: "configuration", versioned: true });
    const value: Configuration = { tables: tables.map(plain), ...(jobs && { jobs: jobExport(jobs) }) };
    const input = this.input("configuration", {
      type: "any",
      description: "What is exported, and how: an object, see README.md",
      value: escapeTemplate(JSON.parse(JSON.stringify(value)) as unknown),
    });
    new S3Object(this, "configuration-object", {
      bucket: bucket.name,
      key: CONFIGURATION_KEY,
      content: Fn.jsonencode(input.value),
      contentType: "application/json",
    });
    return bucket;
  }

  private createMachine({ state, files, configuration }: Parts, { tables, jobs }: ExportsConfig) {
    const tableNames = [...new Set([...tables.map(({ table }) => table), ...(jobs?.tables ?? [])])];
    const keys = listBinding(["kms:Decrypt", "kms:GenerateDataKey"], this.keys());
    const claim = new NodeFunction<ClaimEnvironment>(this, "claim", {
      entry: "functions/exports/claim-run.ts",
      environment: {
        STATE_TABLE: state.grant("GetItem", "UpdateItem"),
        TABLES: this.tables(tableNames, "DescribeTable"),
        CONFIGURATION_BUCKET: configuration.grantRead(CONFIGURATION_KEY),
        EXPORTS_BUCKET: files.name,
        EXECUTIONS: {
          value: this.executionsArn,
          actions: ["states:DescribeExecution"],
          resources: [`${this.executionsArn}:*`],
        },
      },
      timeoutSeconds: CLAIM_TIMEOUT_SECONDS,
      alarms: { errors: COVERED_BY_MACHINE },
    });
    const read = new NodeFunction<ReadEnvironment>(this, "read", {
      entry: "functions/exports/read-segment.ts",
      environment: {
        STATE_TABLE: state.grant("PutItem", "UpdateItem"),
        TABLES: this.tables(tableNames, "Scan"),
        BUCKETS: this.buckets(files, {
          of: this.exports.filter(({ engine }) => engine !== "dynamodb-export"),
          actions: ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListBucketMultipartUploads", "s3:PutObject"],
        }),
        JOB_ROLES: listBinding(["sts:AssumeRole"], jobs?.roles ?? []),
        KEYS: keys,
      },
      timeoutSeconds: READ_TIMEOUT_SECONDS,
      memoryMb: READ_MEMORY_MB,
      alarms: { errors: COVERED_BY_MACHINE },
    });
    const native = new NodeFunction<ReadEnvironment>(this, "native", {
      entry: "functions/exports/export-natively.ts",
      environment: {
        STATE_TABLE: state.grant("PutItem"),
        TABLES: this.nativeTables(tables),
        BUCKETS: this.buckets(files, {
          of: this.exports.filter(({ engine }) => engine === "dynamodb-export"),
          actions: ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
        }),
        JOB_ROLES: "",
        KEYS: keys,
      },
      timeoutSeconds: FINISH_TIMEOUT_SECONDS,
      alarms: { errors: COVERED_BY_MACHINE },
    });
    const finish = new NodeFunction<FinishEnvironment>(this, "finish", {
      entry: "functions/exports/finish-run.ts",
      environment: {
        STATE_TABLE: state.grant("GetItem", "PutItem", "Query", "UpdateItem"),
        BUCKETS: this.buckets(files, {
          of: this.exports,
          actions: ["s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"],
          besides: "_exports/", // the manifests of flat layouts
        }),
        KEYS: keys,
      },
      timeoutSeconds: FINISH_TIMEOUT_SECONDS,
      alarms: { errors: COVERED_BY_MACHINE },
    });
    const fail = new NodeFunction<FailEnvironment>(this, "fail", {
      entry: "functions/exports/fail-run.ts",
      environment: { STATE_TABLE: state.grant("GetItem", "UpdateItem") },
      timeoutSeconds: CLAIM_TIMEOUT_SECONDS,
      alarms: { errors: COVERED_BY_MACHINE },
    });
    return new StateMachine(this, "run", {
      bindings: {
        claim: claim.grantInvoke(),
        read: read.grantInvoke(),
        native: native.grantInvoke(),
        finish: finish.grantInvoke(),
        fail: fail.grantInvoke(),
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

  private createRunner(machine: Machine, configuration: Bucket): AsyncFunction<RunEnvironment> {
    return new AsyncFunction<RunEnvironment>(this, "start", {
      entry: "functions/exports/run-export.ts",
      environment: {
        CONFIGURATION_BUCKET: configuration.grantRead(CONFIGURATION_KEY),
        MACHINE: machine.grant("StartExecution"),
        EXECUTIONS: machine.grantExecutions("DescribeExecution"),
      },
      timeoutSeconds: RUN_TIMEOUT_SECONDS,
      retries: 2,
      maxEventAgeSeconds: MAX_TICK_AGE_SECONDS,
      alarms: {
        errors: {
          description: "The function that starts exports is failing",
          impact: "Scheduled exports may not start. Failed invocations are retried twice.",
          runbook: "exports#dead-letter-queue",
        },
      },
    });
  }

  /** The rule's name ends in the export's: by that the function knows which one is due. */
  private createSchedule({ name, schedule }: TableExport, runner: AsyncFunction<RunEnvironment>): void {
    new Schedule(this, `schedule-${name}`, {
      description: `Exports ${name}`,
      expression: schedule,
      target: runner,
    });
  }

  /** A queue of jobs; each becomes an execution of its own. */
  private createJobQueue(machine: Machine, configuration: Bucket): void {
    const runbook = "exports#jobs-are-not-started";
    const { queue } = new QueueFunction<StartEnvironment>(this, "take-jobs", {
      entry: "functions/exports/start-jobs.ts",
      environment: {
        CONFIGURATION_BUCKET: configuration.grantRead(CONFIGURATION_KEY),
        MACHINE: machine.grant("StartExecution"),
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
    this.output("jobs_queue_url", "Takes jobs: {application, table_name, region, assume_role}", queue.url);
    this.output("jobs_dead_letter_queue_url", "Jobs that were not taken", queue.deadLetterQueue.url);
  }

  private createAthenaTables(tables: readonly TableExport[], files: Bucket): void {
    const suitable = tables.filter(hasAthenaTable);
    if (suitable.length === 0) return;
    const { app, environment } = this.deployment;
    const database = new GlueCatalogDatabase(this, "database", {
      // Athena takes no hyphens without quotes.
      name: Fn.replace(`${app}_${environment}_exports`, "-", "_"),
      description: "What was exported from DynamoDB",
    });
    for (const table of suitable)
      new AthenaTable(this, `athena-${table.name}`, {
        database: database.name,
        bucket: table.bucket ?? files.name,
        table,
      });
    this.output("glue_database_name", "Athena's tables over what was exported", database.name);
  }

  /** Each export that is due every day has its own: that others are done must not hide that one is not. */
  private createAlarms(tables: readonly TableExport[]): void {
    for (const { name } of tables.filter(({ schedule }) => isDaily(schedule)))
      new Alarm(this, `late-${name}`, {
        spec: {
          description: `The export ${name} has not finished for 24 hours`,
          impact: `There are no current files of ${name}.`,
          runbook: "exports#an-export-is-late",
        },
        ...this.finished(name),
        comparison: "LessThanThreshold",
        threshold: 1,
        periodSeconds: DAY_SECONDS,
        missingData: "breaching",
      });
    new Alarm(this, "empty-exports", {
      spec: {
        description: "A scheduled export has no items",
        impact: "The export's files for that run are empty.",
        runbook: "exports#an-export-is-empty",
      },
      ...this.metric("emptyExports"),
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

  /** A metric: the finished runs of one export. */
  private finished(name: string): Metric {
    const metric = this.metric("finishedExports");
    return { ...metric, dimensions: { ...metric.dimensions, [EXPORT_DIMENSION]: name } };
  }

  /** Known before the machine is, whose definition has the functions' names in it. */
  private get executionsArn(): string {
    return this.arn("states", `execution:${this.physicalName("run")}`);
  }

  private tables(names: readonly string[], ...actions: readonly string[]): Binding | string {
    if (names.length === 0) return "-";
    return {
      value: names.join(",") || "-",
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

  /** What these exports write to: whole buckets for what is asked of a bucket, and what their prefixes begin with. */
  private buckets(
    files: Bucket,
    { of, actions, besides }: { of: readonly ExportConfig[]; actions: readonly string[]; besides?: string },
  ): Binding | string {
    if (of.length === 0) return "-";
    const at = of.map(({ bucket, prefix, name }) => ({
      arn: bucket === undefined ? files.arn : `arn:aws:s3:::${bucket}`,
      name: bucket ?? files.name,
      prefix: (prefix ?? `${name}/`).replace(/\{.*/, ""),
    }));
    const objects = at.flatMap(({ arn, prefix }) => [
      `${arn}/${prefix}*`,
      ...(besides === undefined ? [] : [`${arn}/${besides}*`]),
    ]);
    return {
      value: [...new Set(at.map(({ name }) => name))].join(","),
      actions,
      resources: [...new Set([...at.map(({ arn }) => arn), ...objects])],
    };
  }

  private keys(): readonly string[] {
    return [...new Set(this.exports.flatMap(({ kmsKeyArn }) => kmsKeyArn ?? []))];
  }
}

const COVERED_BY_MACHINE: AlarmSpec = { disabled: "the state machine retries, and has an alarm for failed executions" };

interface Parts {
  readonly state: Table;
  readonly files: Bucket;
  readonly configuration: Bucket;
}

type Machine = StateMachine<Readonly<Record<"claim" | "read" | "native" | "finish" | "fail", Binding>>>;

/** What functions need of it: neither when it runs nor what Athena makes of it. */
function plain({ preset: _, schedule: __, columns: ___, ...config }: TableExport): ExportConfig {
  return exportSchema.parse(config);
}

function listBinding(actions: readonly string[], resources: readonly string[]): Binding | string {
  return resources.length === 0 ? "" : { value: resources.join(","), actions, resources };
}

/** Whether there has to be an export on each day. */
function isDaily(schedule: string): boolean {
  const minutes = minutesOf(schedule);
  return minutes === undefined
    ? /^cron\(\S+ \S+ (\* \* \?|\? \* \*) \*\)$/.test(schedule)
    : minutes * MINUTE_SECONDS <= DAY_SECONDS;
}
