/** `npm run export -- <environment> <name>`: runs an export now, and shows how far it is. */
import { setTimeout as sleep } from "node:timers/promises";
import { DescribeTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { DescribeExecutionCommand, SFNClient } from "@aws-sdk/client-sfn";
import * as z from "zod";
import { exportOf, readConfiguration } from "../../../functions/exports/run/configuration";
import { answerSchema, type ExportConfig } from "../../../functions/exports/contract";
import { startExecution } from "../../../functions/exports/run/executions";
import { stateTable } from "../../../functions/exports/storage/state-table";
import { systemClock } from "../../../functions/shared/clock";
import { findDeployed, NotDeployedError, type DeployedOptions } from "../../environments/deployed";
import { DEFAULT_HOME } from "../../emulator/home";
import { describeError, EXIT, npmCommand } from "../../shared/command-line";
import { count, duration, progressOn, size, type Progress } from "../../shared/progress";
import { estimate } from "../../features/exports/estimate";

const LOOK_EVERY_MS = 1_000;

const command = npmCommand(
  "npm run export --",
  "Runs an export now, and shows how far it is. Ctrl-C stops only the showing.",
)
  .argument("<environment>", "as main.ts names it: staging")
  .argument("<name>", "of one of its exports")
  .option("--day <day>", "the day that it is for: 2026-11-21 (default: today, UTC)")
  .option("--force", "again, though the day has its export", false)
  .option("--estimate", "tells what it would cost and how long it would take, and does nothing", false)
  .option("--app <file>", "the app that has the environment", "main.ts")
  .option("--home <folder>", "for local: the folder that was given to npm start", DEFAULT_HOME)
  .addHelpText("after", "\nExit code 0: it is there, or was there already; 1: it failed.")
  .parse();

const optionsSchema = z.looseObject({ day: z.iso.date().optional(), force: z.boolean(), estimate: z.boolean() });
const outputsSchema = z.looseObject({
  configuration_bucket_name: z.string(),
  state_table_name: z.string(),
  state_machine_arn: z.string(),
});

/** The export has failed. The message says why, and what to do. */
class ExportFailedError extends Error {
  override readonly name = "ExportFailedError";
}

async function main(environment: string, name: string, deployed: DeployedOptions, given: unknown): Promise<number> {
  const options = optionsSchema.parse(given);
  const { features, aws } = await findDeployed(environment, deployed);
  const outputs = outputsSchema.safeParse(features["exports"]).data;
  if (outputs === undefined) throw new NotDeployedError(`${environment} has no exports`);
  const s3 = new S3Client({ ...aws, forcePathStyle: aws.endpoint !== undefined });
  const dynamodb = new DynamoDBClient(aws);
  const sfn = new SFNClient(aws);
  const config = exportOf(await readConfiguration(s3, outputs.configuration_bucket_name), { export: name });

  const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName: config.table }));
  const table = { items: Table?.ItemCount ?? 0, bytes: Table?.TableSizeBytes ?? 0 };
  tellEstimate(config, table);
  if (options.estimate) return EXIT.ok;

  const request = { export: name, force: options.force, ...(options.day !== undefined && { day: options.day }) };
  const execution = await startExecution(sfn, outputs.state_machine_arn, `${name}-${Date.now().toString(36)}`, request);
  const state = stateTable(dynamodb, outputs.state_table_name, systemClock);
  const progress = progressOn(process.stderr, Date.now);
  const began = Date.now();
  for (;;) {
    const { status, output, error, cause } = await sfn.send(new DescribeExecutionCommand({ executionArn: execution }));
    if (status === "RUNNING") {
      await tellProgress(progress, { state, name, table, began });
      await sleep(LOOK_EVERY_MS);
      continue;
    }
    progress.end();
    if (status !== "SUCCEEDED")
      throw new ExportFailedError(
        `${name}: ${status ?? "gone"}: ${error ?? ""} ${cause ?? ""}\nWhat is finished of it stays; the next run goes on from there. See modules/exports/README.md, 'An export failed'`,
      );
    console.log(answerSchema.parse(JSON.parse(output ?? "")).message);
    return EXIT.ok;
  }
}

function tellEstimate(config: ExportConfig, table: { readonly items: number; readonly bytes: number }): void {
  const { dollars, seconds, costs } = estimate(config, table);
  const parts = Object.entries(costs)
    .filter(([, cost]) => cost > 0)
    .map(([service, cost]) => `${service} $${cost.toPrecision(2)}`);
  console.log(`${config.table}: ${count(table.items)} items, ${size(table.bytes)}, by DynamoDB's last count`);
  console.log(`About $${dollars.toPrecision(2)} (${parts.join(", ")}) and ${duration(seconds)}.`);
}

interface Watched {
  readonly state: ReturnType<typeof stateTable>;
  readonly name: string;
  readonly table: { readonly items: number };
  readonly began: number;
}

async function tellProgress(progress: Progress, { state, name, table, began }: Watched): Promise<void> {
  const { active } = await state.head(name);
  if (active === undefined) return;
  const run = await state.run(name, active.id);
  if (run === undefined) return;
  const seen = await state.seen(run);
  const share = table.items === 0 ? undefined : Math.min(1, seen.items / table.items);
  const elapsed = (Date.now() - began) / 1_000;
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

main(command.args[0] ?? "", command.args[1] ?? "", command.opts<DeployedOptions>(), command.opts()).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(`npm run export: ${describeError(error)}`);
    process.exitCode = EXIT.failure;
  },
);
