/** `almanac exports run <export>`: runs an export now, and shows its progress. */
import { setTimeout as sleep } from "node:timers/promises";
import { DescribeTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { DescribeExecutionCommand, SFNClient } from "@aws-sdk/client-sfn";
import { executionOutputSchema, type ExportConfig } from "../../../functions/exports/contract";
import { findExport, readConfiguration } from "../../../functions/exports/run/configuration";
import { startExecution } from "../../../functions/exports/run/executions";
import { stateTable } from "../../../functions/exports/storage/state-table";
import { systemClock } from "../../../functions/shared/clock";
import { parseJson } from "../../../functions/shared/input";
import { SECOND_MS } from "../../../functions/shared/time";
import { findDeployed } from "../../environments/deployed";
import { estimate } from "../../features/exports/estimate";
import { s3Settings } from "../../shared/aws-settings";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  UsageError,
  withEnvironment,
  type EnvironmentOptions,
  type JsonOption,
} from "../../shared/command-line";
import { outputsOf } from "../../shared/feature-outputs";
import { count, duration, progressOn, size, type Progress } from "../../shared/progress";

const POLL_MS = SECOND_MS;

interface Options extends EnvironmentOptions, JsonOption {
  readonly day?: string;
  readonly force: boolean;
  readonly estimate: boolean;
}

export const command = () =>
  withEnvironment(
    new DocumentedCommand({
      description: "Runs an export now, and shows its progress. Ctrl-C stops only the display.",
      examples: ["npx almanac exports run orders", "npx almanac exports run orders --env staging --estimate"],
      exitCodes: {
        [EXIT.ok]: "the export exists, new or from before",
        [EXIT.failure]: "the export failed, or another execution is running it",
      },
    }),
  )
    .argument("<export>", "its name in main.ts")
    .option("--day <day>", "the day of the export: 2026-11-21 (default: today, UTC)")
    .option("--force", "export again, although the day's export is finished", false)
    .option("--estimate", "only estimate cost and duration", false)
    .option("--json", "with --estimate: one JSON document on standard output", false)
    .action(exitCodeOf(run));

/** The export failed. The message says why, and what to do. */
class ExportFailedError extends Error {
  override readonly name = "ExportFailedError";
}

async function run(name: string, options: Options): Promise<number> {
  const { day, force } = options;
  if (day !== undefined && !isDay(day)) throw new UsageError(`--day: "${day}" is not a day such as 2026-11-21`);
  const deployed = await findDeployed(options);
  const { aws } = deployed;
  const outputs = outputsOf("exports", deployed);
  const s3 = new S3Client(s3Settings(aws));
  const dynamodb = new DynamoDBClient(aws);
  const sfn = new SFNClient(aws);
  const config = findExport(await readConfiguration(s3, outputs.configuration_bucket_name), { export: name });

  const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName: config.table }));
  const table = { items: Table?.ItemCount ?? 0, bytes: Table?.TableSizeBytes ?? 0 };
  showEstimate(config, table, options);
  if (options.estimate) return EXIT.ok;

  const request = { export: name, force, ...(day !== undefined && { day }) };
  const execution = await startExecution(sfn, outputs.state_machine_arn, `${name}-${Date.now().toString(36)}`, request);
  const state = stateTable(dynamodb, outputs.state_table_name, systemClock);
  const progress = progressOn(process.stderr, Date.now);
  const startedAt = Date.now();
  for (;;) {
    const { status, output, error, cause } = await sfn.send(new DescribeExecutionCommand({ executionArn: execution }));
    if (status === "RUNNING") {
      await showProgress(progress, { state, name, table, startedAt });
      await sleep(POLL_MS);
      continue;
    }
    progress.end();
    if (status !== "SUCCEEDED")
      throw new ExportFailedError(
        `${name}: ${status ?? "gone"}: ${error ?? ""} ${cause ?? ""}\nFinished segments are kept; the next run resumes from them. See modules/exports/README.md, 'An export failed'`,
      );
    const { outcome, message } = executionOutputSchema.parse(parseJson(output ?? ""));
    console.log(message);
    return outcome === "running" ? EXIT.failure : EXIT.ok;
  }
}

function isDay(text: string): boolean {
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN;
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

function showEstimate(
  config: ExportConfig,
  table: { readonly items: number; readonly bytes: number },
  options: Options,
): void {
  const { dollars, seconds, costs } = estimate(config, table);
  if (options.estimate && options.json) {
    console.log(JSON.stringify({ table: config.table, ...table, dollars, seconds, costs }));
    return;
  }
  const parts = Object.entries(costs)
    .filter(([, cost]) => cost > 0)
    .map(([service, cost]) => `${service} $${cost.toPrecision(2)}`);
  console.log(`${config.table}: ${count(table.items)} items, ${size(table.bytes)}, by DynamoDB's last count`);
  console.log(`About $${dollars.toPrecision(2)} (${parts.join(", ")}) and ${duration(seconds)}.`);
}

interface RunningExport {
  readonly state: ReturnType<typeof stateTable>;
  readonly name: string;
  readonly table: { readonly items: number };
  readonly startedAt: number;
}

async function showProgress(progress: Progress, { state, name, table, startedAt }: RunningExport): Promise<void> {
  const { active } = await state.exportState(name);
  if (active === undefined) return;
  const current = await state.run(name, active.id);
  if (current === undefined) return;
  const seen = await state.runProgress(current);
  const share = table.items === 0 ? undefined : Math.min(1, seen.items / table.items);
  const elapsed = (Date.now() - startedAt) / SECOND_MS;
  const left = share === undefined || share === 0 ? undefined : (elapsed / share) * (1 - share);
  progress.show(
    share,
    [
      `${count(seen.items)} items`,
      size(seen.bytes),
      `${seen.segmentsDone} of ${seen.segments} segments`,
      ...(left === undefined ? [] : [`${duration(left)} left`]),
    ].join(", "),
  );
}
