/** `almanac exports ls`: lists the exports of an environment with their last and next runs. */
import { describeExports } from "../../features/exports/describe-runs";
import { findExports } from "../../features/exports/environment";
import { colours } from "../../shared/terminal/colours";
import {
  environmentCommand,
  EXIT,
  exitCodeOf,
  type EnvironmentOptions,
  type JsonOption,
} from "../../shared/terminal/command-line";

export const command = () =>
  environmentCommand({
    description: "Lists exports with their last and next runs.",
    examples: ["npx almanac exports ls", "npx almanac exports ls --env staging --json"],
  }).action(exitCodeOf(run));

async function run(options: EnvironmentOptions & JsonOption): Promise<number> {
  const { configuration, state } = await findExports(options);
  const exports = await Promise.all(
    configuration.tables.map(async (config) => ({ config, latest: (await state.latestRuns(config.name, 1))[0] })),
  );
  console.log(options.json ? JSON.stringify({ exports }) : describeExports(exports, Date.now(), colours));
  return EXIT.ok;
}
