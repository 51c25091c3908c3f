import * as z from "zod";
import { exportSchema } from "../../functions/exports/contract";
import { symlinkKey } from "../../functions/exports/run/object-keys";
import { slotOf } from "../../functions/exports/run/schedule";
import { DAY_MS, HOUR_MS } from "../../functions/shared/time";
import { ConfigurationError } from "../../modules/constructs/config";
import { exportMachine } from "../../modules/exports/definition";
import { PRESETS } from "../../modules/exports/schema";
import { aslFaultsOf } from "../support/asl-faults";
import { overview } from "../support/overview";
import { describePolicy, resource, synthesize } from "../support/synthesized";

const exports = {
  tables: [
    { name: "orders", table: "shop-orders", maxReadUnitsPerSecond: 500 },
    { name: "simple-user-logs", preset: "simple-user-logs" as const },
    { name: "changes", table: "shop-orders", engine: "dynamodb-export" as const, mode: "incremental" as const },
  ],
  jobs: { tables: ["app-logs"], roles: ["arn:aws:iam::123456789012:role/reader"] },
};

/** Of the module's account, region and state machine. */
const DEPLOYMENT =
  "${data.aws_caller_identity.account.account_id}/${data.aws_region.region.name}/${var.app}-${var.environment}-exports-run";

const module_ = (input: Parameters<typeof synthesize>[0]["exports"] = exports) => {
  const module = synthesize({ exports: input }).modules["exports"];
  if (!module) throw new Error("no module");
  return module;
};

const arn = (service: string, name: string) =>
  `arn:\${data.aws_partition.partition.partition}:${service}:\${data.aws_region.region.name}:\${data.aws_caller_identity.account.account_id}:${name}`;

describe("the exports module", () => {
  it("is what a reviewer reads", () => {
    expect(overview(module_())).toMatchSnapshot();
  });

  it("lets the reader scan these tables, write where exports go, and nothing else", () => {
    expect(describePolicy(resource(module_(), "aws_iam_role_policy", "read_segment_policy")["policy"])).toEqual([
      "Allow dynamodb:GetItem, dynamodb:PutItem, dynamodb:UpdateItem on ${aws_dynamodb_table.state.arn} (StateTable)",
      `Allow dynamodb:DescribeTable, dynamodb:Scan on ${["shop-orders", "webapp_user_logs", "app-logs"].map((name) => arn("dynamodb", `table/${name}`)).join(", ")} (TableNames)`,
      // The bucket has nothing but exports, so one pattern for all of them: a role's policy does not grow with their number.
      "Allow s3:AbortMultipartUpload, s3:ListBucketMultipartUploads, s3:PutObject on ${aws_s3_bucket.files.arn}, ${aws_s3_bucket.files.arn}/* (BucketNames)",
      "Allow sts:AssumeRole on arn:aws:iam::123456789012:role/reader (JobRoleArns)",
      "Allow logs:CreateLogStream, logs:PutLogEvents on ${aws_cloudwatch_log_group.read_segment_log_group.arn}:* (Logs)",
      "Allow xray:PutTelemetryRecords, xray:PutTraceSegments on * (Traces)",
    ]);
  });

  it("lets DynamoDB's own exports of these tables begin and be followed, into their prefix of a foreign bucket and nowhere else", () => {
    const elsewhere = { name: "big", table: "shop-orders", engine: "dynamodb-export" as const, bucket: "their-bucket" };
    const policyOf = (name: string) =>
      describePolicy(
        resource(module_({ tables: [elsewhere] }), "aws_iam_role_policy", `${name}_policy`)["policy"],
      ).filter((statement) => /\((TableNames|BucketNames)\)$/.test(statement));
    const table = arn("dynamodb", "table/shop-orders");
    const bucket = "arn:${data.aws_partition.partition.partition}:s3:::their-bucket";
    expect(policyOf("native_export")).toEqual([
      `Allow dynamodb:DescribeExport, dynamodb:DescribeTable, dynamodb:ExportTableToPointInTime on ${table}, ${table}/export/* (TableNames)`,
      `Allow s3:AbortMultipartUpload, s3:GetObject, s3:PutObject on ${bucket}, ${bucket}/big/* (BucketNames)`,
    ]);
    expect(policyOf("finish_run")).toEqual([
      `Allow s3:AbortMultipartUpload, s3:DeleteObject, s3:GetObject, s3:ListBucket, s3:ListBucketMultipartUploads, s3:PutObject on ${bucket}, ${bucket}/big/*, ${bucket}/_exports/* (BucketNames)`,
    ]);
  });

  it("ends a rule's name in the export's", () => {
    expect(resource(module_(), "aws_cloudwatch_event_rule", "schedule_orders")).toMatchObject({
      name: "${var.app}-${var.environment}-exports-schedule-orders",
      schedule_expression: "cron(0 17 * * ? *)",
    });
  });

  it("has a lateness alarm for each export, whatever the others do and however rarely it runs", () => {
    expect(resource(module_(), "aws_cloudwatch_metric_alarm", "late_orders")).toMatchObject({
      metric_name: "lateExports",
      dimensions: { service: "exports", environment: "${var.app}-${var.environment}", export: "orders" },
      statistic: "Maximum",
      comparison_operator: "GreaterThanThreshold",
      threshold: 0,
    });
    const late = (module: ReturnType<typeof module_>) =>
      Object.keys(module.resource["aws_cloudwatch_metric_alarm"] ?? {}).filter((name) => name.startsWith("late"));
    expect(late(module_())).toEqual(["late_orders", "late_simple_user_logs", "late_changes"]);
    expect(late(module_({ tables: [{ name: "rare", table: "rare", schedule: "rate(7 days)" }] }))).toEqual([
      "late_rare",
    ]);
  });

  it("lets the machine start itself, announce ends, and watch and stop the executions of its segments", () => {
    const statements = describePolicy(resource(module_(), "aws_iam_role_policy", "run_policy")["policy"]);
    const machine = arn("states", "stateMachine:${var.app}-${var.environment}-exports-run");
    const executions = arn("states", "execution:${var.app}-${var.environment}-exports-run");
    expect(statements).toContain(`Allow states:StartExecution on ${machine} (Self)`);
    expect(statements).toContain(`Allow events:PutEvents on ${arn("events", "event-bus/default")} (Events)`);
    const ends = "states:DescribeExecution, states:RedriveExecution, states:StopExecution";
    expect(statements).toContain(`Allow ${ends} on ${executions}:*, ${executions}/* (ItemExecutionsEnds)`);
  });

  it("has S3 abort incomplete uploads of killed runs, except in the emulator", () => {
    expect(resource(module_(), "aws_s3_bucket_lifecycle_configuration", "abandoned_uploads")).toMatchObject({
      rule: [{ status: "Enabled", abort_incomplete_multipart_upload: [{ days_after_initiation: 15 }] }],
    });
    const local = synthesize({ awsEndpoint: "http://127.0.0.1:4566", exports }).modules["exports"];
    expect(local?.resource).not.toHaveProperty("aws_s3_bucket_lifecycle_configuration");
  });

  it("opens a queue for jobs only where there are jobs", () => {
    expect(module_({ tables: [] }).resource["aws_sqs_queue"]).not.toHaveProperty("jobs");
  });

  it("has an Athena table for NDJSON in daily folders", () => {
    const tables = module_().resource["aws_glue_catalog_table"] ?? {};
    expect(Object.keys(tables)).toEqual(["athena_orders"]);
    // Of each day, the list of the published run's files: see run-files.ts.
    const location = `s3://\${aws_s3_bucket.files.bucket}/_exports/${DEPLOYMENT}/orders/athena/`;
    expect(tables["athena_orders"]).toMatchObject({
      parameters: { "storage.location.template": `${location}dt=$\${dt}/` },
      storage_descriptor: { location, input_format: "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat" },
    });
  });

  it.each([
    [{}],
    [{ prefix: "shop/{year}/{month}/" }],
    [{ columns: { userId: "string", utcDate: "string", amount: "double", _id: "string" } }],
    [{ format: "parquet" as const }],
    [{ format: "parquet" as const, columns: { userId: "string", amount: "decimal(20,2)" } }],
    [{ schedule: "rate(1 hour)" }],
    [{ schedule: "rate(15 minutes)", prefix: "shop/{year}/{hour}/" }],
  ])("has an Athena table that Glue accepts and that finds its files: %j", (more) => {
    const module = module_({ tables: [{ name: "orders", table: "orders", bucket: "ours", ...more }] });
    const table = glueTable(module.resource["aws_glue_catalog_table"]?.["athena_orders"]);
    const deployment = "123456789012/eu-central-1/shop-live-exports-run";
    const deployed = (text: string) => text.replace(DEPLOYMENT, deployment);
    const location = deployed(table.storage_descriptor.location);
    const names = [...table.storage_descriptor.columns, ...table.partition_keys].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z0-9_]{1,255}$/);
    // Each projected partition is a placeholder of the template, and the location is before the first one.
    const template = deployed(table.parameters["storage.location.template"] ?? "").replaceAll("$${", "${");
    const placeholders = [...template.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name);
    expect(placeholders).toEqual(table.partition_keys.map(({ name }) => name));
    for (const name of placeholders) expect(table.parameters).toHaveProperty([`projection.${name ?? ""}.type`]);
    expect(location).toBe(template.slice(0, template.indexOf("dt=")));
    expect(location).not.toMatch(/[{}]/);
    const config = exportSchema.parse({
      name: "orders",
      table: "orders",
      ...("prefix" in more && { prefix: more.prefix }),
    });
    const slot = slotOf(Date.parse("2026-11-21T07:15:00Z"), {
      expression: "schedule" in more ? more.schedule : "rate(1 day)",
      timeZone: "UTC",
    });
    const run = { config, deployment, exportId: "orders", id: "now", application: "", keyTime: 0, ...slot };
    const values: Readonly<Record<string, string>> = { dt: "2026-11-21", hour: "07", minute: "15" };
    const folder = template.replace(/\$\{(\w+)\}/g, (_, partition: string) => values[partition] ?? "");
    expect(`s3://ours/${symlinkKey(run)}`).toBe(`${folder}files.txt`);
    const isParquet = "format" in more;
    const attributes = [
      ...("columns" in more ? Object.keys(more.columns) : []),
      ...(isParquet || !("columns" in more) ? ["item"] : []),
    ];
    expect(table.storage_descriptor.columns.map(({ name }) => name)).toEqual(
      attributes.map((name) => name.toLowerCase()),
    );
    // JSON's SerDe looks for each column under its attribute's name; Parquet files have the columns' names.
    for (const name of attributes.filter((attribute) => !isParquet && attribute !== attribute.toLowerCase()))
      expect(table.storage_descriptor.ser_de_info.parameters).toHaveProperty([`mapping.${name.toLowerCase()}`], name);
  });

  it.each(["Pacific/Auckland", "Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])(
    "has an Athena table whose days include each run's as soon as it has ended, in %s",
    (timeZone) => {
      const schedule = "cron(0 6 * * ? *)";
      const module = module_({ tables: [{ name: "orders", table: "orders", schedule, timeZone }] });
      const { parameters } = glueTable(module.resource["aws_glue_catalog_table"]?.["athena_orders"]);
      const [, daysAhead] = /^2020-01-01,NOW\+(\d)DAYS$/.exec(parameters["projection.dt.range"] ?? "") ?? [];
      for (let hour = 0; hour < 48; hour++) {
        const now = Date.parse("2026-11-20T00:00:00Z") + hour * HOUR_MS;
        const last = new Date(now + Number(daysAhead) * DAY_MS).toISOString().slice(0, 10);
        expect(slotOf(now, { expression: schedule, timeZone }).day <= last).toBe(true);
      }
    },
  );

  it("gives functions the columns of Parquet files only: a change of Athena's starts no unfinished run over", () => {
    const columns = { amount: "double" };
    const tables = [
      { name: "lines", table: "orders", columns },
      { name: "columns", table: "orders", columns, format: "parquet" as const },
    ];
    const { configuration } = synthesize({ exports: { tables } }).root.module["exports"] as {
      configuration: { tables: { columns?: object }[] };
    };
    expect(configuration.tables.map((table) => table.columns)).toEqual([undefined, columns]);
  });

  it("keeps the presets unchanged", () => {
    const [, simple] = synthesizedTables();
    expect(simple).toMatchObject({ ...PRESETS["simple-user-logs"], mode: "full", engine: "scan" });
  });

  it.each([
    [{ mode: "incremental" as const }, "watermark: undefined is required"],
    [{ watermark: { attribute: "at" } }, "watermark"],
    [{ engine: "dynamodb-export" as const, format: "json" as const }, "engine"],
    [{ format: "json" as const, columns: { id: "string" } }, "columns"],
    [{ format: "parquet" as const, columns: { tags: "array<string>" } }, "columns.tags"],
    [{ format: "parquet" as const, columns: { amount: "decimal(39,2)" } }, "columns.amount"],
    [{ format: "parquet" as const, columns: { amount: "decimal(2,3)" } }, "columns.amount"],
    [{ format: "parquet" as const, columns: { amount: "decimal" } }, "columns.amount"],
    [{ format: "parquet" as const, columns: { count: "int(3,0)" } }, "columns.count"],
    [{ format: "parquet" as const, columns: { Item: "string" } }, "columns.Item"],
    [{ format: "parquet" as const, engine: "dynamodb-export" as const }, "engine"],
    [{ prefix: "/orders" }, "prefix"],
    [{ segments: 0 }, "segments"],
    [{ bucket: "almanac-staging-exports-files-123456789012" }, "bucket"],
    [{ columns: { userId: "string", userid: "string" } }, "columns.userid"],
    [{ columns: { DT: "string" } }, "columns.DT"],
    [{ columns: { Hour: "string" } }, "columns.Hour"],
    [{ timeZone: "Europe/Berlin", schedule: "rate(1 hour)" }, "timeZone"],
    [{ timeZone: "Mars" }, "timeZone"],
    [{ lateAfterMinutes: 0 }, "lateAfterMinutes"],
    [{ partMegabytes: 0 }, "partMegabytes"],
    [{ prefix: "_exports/mine/" }, "prefix"],
    [{ prefix: "../orders/" }, "prefix"],
    [{ prefix: "orders/./" }, "prefix"],
    [{ columns: {} }, "columns"],
    [{ columns: { id: "strin" } }, "columns.id"],
    [{ columns: { id: "${x}" } }, "columns.id"],
    [{ columns: { id: "struct<a:int" } }, "columns.id"],
    [{ columns: { id: "array<map<string,struct<a:thing>>>" } }, "columns.id"],
    [{ columns: { id: "stringint" } }, "columns.id"],
    [{ columns: { id: "decimal(39,0)" } }, "columns.id"],
    [{ columns: { id: "array<decimal( 2 , 3 )>" } }, "columns.id"],
    [{ columns: { id: "VARCHAR(65536)" } }, "columns.id"],
    [{ columns: { id: "char(256)" } }, "columns.id"],
    [{ columns: { id: "char(0)" } }, "columns.id"],
    [{ columns: { id: "struct<userId:string,userid:string>" } }, "columns.id"],
    [{ columns: { userId: "string", lines: "array<struct<price:int,userid : string>>" } }, "columns.lines"],
    [{ prefix: "orders/{years}/" }, "prefix"],
    [{ prefix: "orders/{year/" }, "prefix"],
  ])("refuses %j", (wrong, message) => {
    const refused = () => synthesize({ exports: { tables: [{ name: "orders", table: "orders", ...wrong }] } });
    expect(refused).toThrow(ConfigurationError);
    expect(refused).toThrow(`staging.exports.tables[0].${message}`);
  });

  it("has NDJSON's columns of any type that Athena has, also nested ones", () => {
    const columns = {
      id: "varchar(64)",
      tags: "array<string>",
      lines: "array<struct<id: int, prices: map<string, decimal(20,2)>>>",
      at: "TIMESTAMP",
      char: "char(255)",
    };
    expect(() => synthesize({ exports: { tables: [{ name: "orders", table: "orders", columns }] } })).not.toThrow();
  });

  it("refuses two exports of one name", () => {
    const twice = [1, 2].map(() => ({ name: "orders", table: "orders" }));
    expect(() => synthesize({ exports: { tables: twice } })).toThrow("is the name of another export");
    const jobs = { tables: [{ name: "user-logs", table: "orders" }], jobs: { tables: [] } };
    expect(() => synthesize({ exports: jobs })).toThrow("is the name of another export");
  });

  it.each([
    ["shared/", "shared/"],
    ["shared/", "shared/b/"],
    ["shared/{year}/", "shared/b/"],
    ["", undefined],
    [undefined, "a/"],
  ])("refuses two exports with the prefixes %j and %j, unless their buckets differ", (one, other) => {
    const tables = [
      { name: "a", table: "orders", ...(one !== undefined && { prefix: one }) },
      { name: "b", table: "orders", ...(other !== undefined && { prefix: other }) },
    ];
    expect(() => synthesize({ exports: { tables } })).toThrow('overlaps the keys of the export "a"');
    const apart = tables.map((table, index) => ({ ...table, bucket: `bucket-${index}` }));
    expect(() => synthesize({ exports: { tables: apart } })).not.toThrow();
  });
});

describe("the machine that runs exports", () => {
  const machine = exportMachine({
    self: "arn:aws:states:eu-central-1:123456789012:stateMachine:exports",
    claimRun: "claimRun",
    readSegment: "readSegment",
    nativeExport: "nativeExport",
    finishRun: "finishRun",
    recordFailure: "recordFailure",
  });

  it("is Amazon States Language", () => {
    expect(aslFaultsOf(machine)).toEqual([]);
  });

  it("retries every task, and records every failure", () => {
    const tasks = Object.entries(machine.States).filter(([, { Type }]) => Type === "Task" || Type === "Map");
    for (const [name, state] of tasks) {
      if (state.Type === "Task")
        expect([name, state]).toEqual([name, expect.objectContaining({ Retry: expect.anything() as unknown })]);
      expect([name, state.Catch?.map(({ Next }) => Next)]).toEqual([name, CAUGHT_BY[name] ?? ["RecordFailure"]]);
    }
  });
});

/** After a run is finished, nothing is to record. */
const CAUGHT_BY: Readonly<Record<string, readonly string[]>> = {
  Announce: ["CheckClaimAgain"],
  Continue: ["Exported", "RecordFailure"],
  RecordFailure: ["Failed"],
};

const glueTable = (table: unknown) => glueTableSchema.parse(table);

const named = z.array(z.object({ name: z.string() }));
const glueTableSchema = z.object({
  parameters: z.record(z.string(), z.string()),
  partition_keys: named,
  storage_descriptor: z.object({
    location: z.string(),
    columns: named,
    ser_de_info: z.object({ parameters: z.record(z.string(), z.string().optional()).optional() }),
  }),
});

function synthesizedTables(): readonly unknown[] {
  const { root } = synthesize({ exports });
  const { configuration } = root.module["exports"] as { configuration: { tables: unknown[] } };
  return configuration.tables;
}
