/** `almanac exports cursor <export>`: shows or sets where the next incremental run starts. */
import { isRunning } from "../../../functions/exports/run/executions";
import { describeCursor } from "../../features/exports/describe-runs";
import { configurationOf, findExports } from "../../features/exports/environment";
import { timeOption } from "../../features/exports/time-option";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  UsageError,
  withEnvironment,
  type EnvironmentOptions,
} from "../../shared/terminal/command-line";

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
  const time = timeOption("set", options.set);
  if (time !== undefined && options.reset) throw new UsageError("Pass either --set or --reset.");
  if (time !== undefined && time > Date.now())
    throw new UsageError(`--set: ${options.set ?? ""} is in the future, and items until then would never be exported.`);
  const deployed = await findExports(options);
  const config = await configurationOf(name, deployed);
  if (config?.mode === "full") throw new UsageError(`${name} exports the whole table each time: it has no cursor.`);
  const { state, sfn } = deployed;
  const { active, cursor } = await state.exportState(name);
  if (time !== undefined || options.reset) {
    if (active?.published === true)
      throw new ExportRunningError(
        `${name} has published a run that is not finished: finish it first, npx almanac exports run ${name}`,
      );
    const running = active !== undefined && (await isRunning(sfn, active.execution));
    if (running || !(await state.setCursor(name, time, active)))
      throw new ExportRunningError(
        `${name} is running, and its end sets the cursor. Wait for it, or stop its execution.`,
      );
  }
  const now = time !== undefined || options.reset ? (await state.exportState(name)).cursor : cursor;
  console.log(describeCursor(name, now));
  return EXIT.ok;
}
