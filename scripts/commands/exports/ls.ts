/** `almanac exports ls`: lists the exports of an environment with their last and next runs. */
import { describeExports, describeUnreadable } from "../../features/exports/describe-runs";
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
    exitCodes: { [EXIT.failure]: "some records cannot be read, or the command failed" },
  }).action(exitCodeOf(run));

async function run(options: EnvironmentOptions & JsonOption): Promise<number> {
  const { configuration, state } = await findExports(options);
  const unreadable: string[] = [];
  const exports = await Promise.all(
    configuration.tables.map(async (config) => {
      const onUnreadable = (id: string): void => void unreadable.push(describeUnreadable(config.name, id));
      return { config, latest: (await state.latestRuns(config.name, 1, onUnreadable))[0] };
    }),
  );
  console.log(options.json ? JSON.stringify({ exports }) : describeExports(exports, Date.now(), colours));
  for (const line of unreadable) console.error(line);
  return unreadable.length === 0 ? EXIT.ok : EXIT.failure;
}
