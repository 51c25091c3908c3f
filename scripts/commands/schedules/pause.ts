/** `almanac schedules pause <schedule>`: no run is due until it is resumed. */
import { findSchedules, ownSchedule } from "../../features/schedules/environment";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  UsageError,
  withEnvironment,
  type EnvironmentOptions,
} from "../../shared/terminal/command-line";

export const command = () =>
  withEnvironment(
    new DocumentedCommand({
      description:
        "Pauses a schedule until `schedules resume`: what is due meanwhile is neither run nor missed. Runs that have begun go on.",
      examples: ["npx almanac schedules pause minuteReport"],
    }),
  )
    .argument("<schedule>", "its name in main.ts")
    .action(exitCodeOf(run));

async function run(name: string, options: EnvironmentOptions): Promise<number> {
  const { table } = ownSchedule(name, await findSchedules(options));
  if (!(await table.pause(name, Date.now())))
    throw new UsageError(`${name} was deployed a moment ago: try again in a minute.`);
  console.log(`${name} is paused. To resume it: npx almanac schedules resume ${name}`);
  return EXIT.ok;
}
