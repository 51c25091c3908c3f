/** `almanac schedules show <schedule> [run]`: one run. */
import { describeRun, jsonOfRun } from "../../features/schedules/describe";
import { findSchedules, ownSchedule } from "../../features/schedules/environment";
import { logUrlOf } from "../../features/schedules/log-url";
import { colours } from "../../shared/terminal/colours";
import {
  environmentCommand,
  EXIT,
  exitCodeOf,
  UsageError,
  type EnvironmentOptions,
  type JsonOption,
} from "../../shared/terminal/command-line";
import { nearest } from "../../../modules/constructs/nearest";

export const command = () =>
  environmentCommand({
    description: "Shows a run: times, outcome, result or reason, and where its log is.",
    examples: [
      "npx almanac schedules show minuteReport",
      "npx almanac schedules show minuteReport 2026-11-21T17:00:00.000Z",
    ],
  })
    .argument("<schedule>", "its name in main.ts")
    .argument("[run]", "as `schedules runs` lists it (default: the latest)")
    .action(exitCodeOf(run));

async function run(name: string, key: string | undefined, options: EnvironmentOptions & JsonOption): Promise<number> {
  const found = await findSchedules(options);
  const { table } = ownSchedule(name, found);
  const [latest] = await table.list(name, 1);
  const [chosen] = key === undefined ? [latest] : await table.read([{ schedule: name, run: key }]);
  if (chosen === undefined) throw await noSuchRun(name, key, async () => table.list(name, 100));
  const logUrl = logUrlOf(chosen, found.deployed.aws);
  console.log(
    options.json
      ? JSON.stringify({ ...jsonOfRun(chosen), ...(logUrl !== undefined && { logUrl }) })
      : describeRun(chosen, logUrl, colours),
  );
  return EXIT.ok;
}

async function noSuchRun(
  name: string,
  key: string | undefined,
  list: () => Promise<readonly { readonly run: string }[]>,
): Promise<UsageError> {
  if (key === undefined) return new UsageError(`${name} has not run yet.`);
  const meant = nearest(
    key,
    (await list()).map(({ run }) => run),
  );
  return new UsageError(`${name} has no run "${key}".${meant === undefined ? "" : ` Did you mean ${meant}?`}`);
}
