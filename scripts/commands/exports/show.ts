/** `almanac exports show <export>`: shows an export's latest runs. */
import { describeCursor, describeRuns, describeUnreadable } from "../../features/exports/describe-runs";
import { configurationOf, findExports } from "../../features/exports/environment";
import { colours } from "../../shared/terminal/colours";
import {
  environmentCommand,
  EXIT,
  exitCodeOf,
  wholeNumber,
  type EnvironmentOptions,
  type JsonOption,
} from "../../shared/terminal/command-line";

interface Options extends EnvironmentOptions, JsonOption {
  readonly limit: number;
}

export const command = () =>
  environmentCommand({
    description: "Shows an export's latest runs: when, how many items, where they are, or why it failed.",
    examples: ["npx almanac exports show orders", "npx almanac exports show orders --env staging --limit 50"],
    exitCodes: { [EXIT.failure]: "some records cannot be read, or the command failed" },
  })
    .argument("<export>", "its name in main.ts; a job's is <export>/<application>/<account>/<region>/<table>")
    .option("--limit <n>", "only the latest", wholeNumber(1, 1_000), 10)
    .action(exitCodeOf(run));

async function run(name: string, options: Options): Promise<number> {
  const deployed = await findExports(options);
  const config = await configurationOf(name, deployed);
  const unreadable: string[] = [];
  const runs = await deployed.state.latestRuns(name, options.limit, (id) => void unreadable.push(id));
  const { cursor } = await deployed.state.exportState(name);
  if (options.json) console.log(JSON.stringify({ config, cursor, runs }));
  else {
    console.log(describeRuns(runs, Date.now(), colours));
    if (config?.mode !== "full") console.log(describeCursor(name, cursor));
  }
  for (const id of unreadable) console.error(describeUnreadable(name, id));
  return unreadable.length === 0 ? EXIT.ok : EXIT.failure;
}
