/** `almanac schedules runs <schedule>`: the runs of a schedule. */
import { Option } from "commander";
import { OUTCOMES, type Outcome } from "../../../functions/schedules/contract";
import { describeRuns, jsonOfRun } from "../../features/schedules/describe";
import { findSchedules, ownSchedule } from "../../features/schedules/environment";
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
  readonly outcome?: Outcome;
}

export const command = () =>
  environmentCommand({
    description: "Lists the runs of a schedule in the last 90 days, the latest first. Times are UTC.",
    examples: [
      "npx almanac schedules runs minuteReport",
      "npx almanac schedules runs minuteReport --outcome failed --limit 5",
    ],
  })
    .argument("<schedule>", "its name in main.ts")
    .addOption(new Option("--outcome <outcome>", "only runs that ended like this").choices(OUTCOMES))
    .option("--limit <n>", "only the latest", wholeNumber(1, 1_000), 20)
    .action(exitCodeOf(run));

async function run(name: string, options: Options): Promise<number> {
  const { table } = ownSchedule(name, await findSchedules(options));
  const runs = await table.list(name, options.limit, options.outcome);
  if (options.json) console.log(JSON.stringify({ runs: runs.map(jsonOfRun) }));
  else console.log(runs.length === 0 ? `${name} has no such run` : describeRuns(runs, colours));
  return EXIT.ok;
}
