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
      `Allow dynamodb:Scan on ${["shop-orders", "webapp_user_logs", "app-logs"].map((name) => arn("dynamodb", `table/${name}`)).join(", ")} (TableNames)`,
      // The bucket has nothing but exports, so one pattern for all of them: a role's policy does not grow with their number.
      "Allow s3:AbortMultipartUpload, s3:ListBucketMultipartUploads, s3:PutObject on ${aws_s3_bucket.files.arn}, ${aws_s3_bucket.files.arn}/* (BucketNames)",
      "Allow sts:AssumeRole on arn:aws:iam::123456789012:role/reader (JobRoleArns)",
      "Allow logs:CreateLogStream, logs:PutLogEvents on ${aws_cloudwatch_log_group.read_segment_log_group.arn}:* (Logs)",
      "Allow xray:PutTelemetryRecords, xray:PutTraceSegments on * (Traces)",
    ]);
  });

  it("ends a rule's name in the export's", () => {
    expect(resource(module_(), "aws_cloudwatch_event_rule", "schedule_orders")).toMatchObject({
      name: "${var.app}-${var.environment}-exports-schedule-orders",
      schedule_expression: "cron(0 17 * * ? *)",
    });
  });

  it("has a lateness alarm for each daily export, whatever the others do", () => {
    expect(resource(module_(), "aws_cloudwatch_metric_alarm", "late_orders")).toMatchObject({
      metric_name: "finishedExports",
      dimensions: { service: "exports", environment: "${var.app}-${var.environment}", export: "orders" },
      threshold: 1,
      treat_missing_data: "breaching",
    });
    const late = (module: ReturnType<typeof module_>) =>
      Object.keys(module.resource["aws_cloudwatch_metric_alarm"] ?? {}).filter((name) => name.startsWith("late"));
    expect(late(module_())).toEqual(["late_orders", "late_simple_user_logs", "late_changes"]);
    expect(late(module_({ tables: [{ name: "rare", table: "rare", schedule: "rate(7 days)" }] }))).toEqual([]);
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
    expect(tables["athena_orders"]).toMatchObject({
      parameters: { "storage.location.template": "s3://${aws_s3_bucket.files.bucket}/orders/dt=$${dt}/" },
    });
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
    [{ prefix: "/orders" }, "prefix"],
    [{ segments: 0 }, "segments"],
  ])("refuses %j", (wrong, message) => {
    const refused = () => synthesize({ exports: { tables: [{ name: "orders", table: "orders", ...wrong }] } });
    expect(refused).toThrow(ConfigurationError);
    expect(refused).toThrow(`staging.exports.tables[0].${message}`);
  });

  it("refuses two exports of one name", () => {
    const twice = [1, 2].map(() => ({ name: "orders", table: "orders" }));
    expect(() => synthesize({ exports: { tables: twice } })).toThrow("is the name of another export");
  });
});

describe("the machine that runs exports", () => {
  const machine = exportMachine({
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
      expect([name, state.Catch?.map(({ Next }) => Next)]).toEqual([
        name,
        [name === "RecordFailure" ? "Failed" : "RecordFailure"],
      ]);
    }
  });
});

function synthesizedTables(): readonly unknown[] {
  const { root } = synthesize({ exports });
  const { configuration } = root.module["exports"] as { configuration: { tables: unknown[] } };
  return configuration.tables;
}
