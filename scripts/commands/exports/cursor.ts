/** `almanac exports cursor <export>`: shows or sets where the next incremental run starts. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SFNClient } from "@aws-sdk/client-sfn";
import { isRunning } from "../../../functions/exports/run/executions";
import { timeOf } from "../../../functions/exports/run/window";
import { stateTable } from "../../../functions/exports/storage/state-table";
import { systemClock } from "../../../functions/shared/clock";
import { findDeployed } from "../../environments/deployed";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  UsageError,
  withEnvironment,
  type EnvironmentOptions,
} from "../../shared/command-line";
import { outputsOf } from "../../shared/feature-outputs";

interface Options extends EnvironmentOptions {
  readonly set?: string;
  readonly reset: boolean;
}

export const command = () =>
  withEnvironment(
    new DocumentedCommand({
      description: "Shows where the next run of an incremental export starts, or sets it.",
      examples: [
        "npx almanac exports cursor orders --env staging",
        "npx almanac exports cursor orders --set 2026-11-01T00:00Z --env staging",
      ],
    }),
  )
    .argument("<export>", "its name in main.ts; a job's is <export>/<application>/<account>/<region>/<table>")
    .option("--set <time>", "the next run exports items from this time on: 2026-11-01T00:00Z")
    .option("--reset", "the next run exports all items", false)
    .action(exitCodeOf(run));

/** A run is in progress, and would overwrite the cursor. */
class ExportRunningError extends Error {
  override readonly name = "ExportRunningError";
}

async function run(name: string, options: Options): Promise<number> {
  const time = options.set === undefined ? undefined : timeOf("iso8601", options.set);
  if (Number.isNaN(time)) throw new UsageError(`--set: "${options.set ?? ""}" is not a time such as 2026-11-01T00:00Z`);
  if (time !== undefined && options.reset) throw new UsageError("Pass either --set or --reset.");
  const deployed = await findDeployed(options);
  const state = stateTable(
    new DynamoDBClient(deployed.aws),
    outputsOf("exports", deployed).state_table_name,
    systemClock,
  );
  const { active, cursor } = await state.exportState(name);
  if (time === undefined && !options.reset) {
    console.log(
      cursor === undefined
        ? `${name} has no cursor: its next run exports all items, or those of initialLookbackHours.`
        : `The next run of ${name} starts at ${new Date(timeOf(cursor.source?.unit ?? "milliseconds", cursor.value)).toISOString()}.`,
    );
    return EXIT.ok;
  }
  const running = active !== undefined && (await isRunning(new SFNClient(deployed.aws), active.execution));
  if (running || !(await state.setCursor(name, time, active)))
    throw new ExportRunningError(
      `${name} is running, and its end sets the cursor. Wait for it, or stop its execution.`,
    );
  console.log(
    time === undefined
      ? `${name} has no cursor any more: its next run exports all items, or those of initialLookbackHours.`
      : `The next run of ${name} starts at ${new Date(time).toISOString()}.`,
  );
  return EXIT.ok;
}
