/** `almanac schedules resume <schedule>`: ends a pause. */
import { nextInstant } from "../../../functions/shared/calendar/schedule-expression";
import { isoSeconds } from "../../../functions/shared/time";
import { findSchedules, ownSchedule } from "../../features/schedules/environment";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  withEnvironment,
  type EnvironmentOptions,
} from "../../shared/terminal/command-line";

export const command = () =>
  withEnvironment(
    new DocumentedCommand({
      description:
        "Ends the pause of a schedule. What was due meanwhile is not caught up: `schedules run` runs it now.",
      examples: ["npx almanac schedules resume minuteReport"],
    }),
  )
    .argument("<schedule>", "its name in main.ts")
    .action(exitCodeOf(run));

async function run(name: string, options: EnvironmentOptions): Promise<number> {
  const { table, config } = ownSchedule(name, await findSchedules(options));
  const now = Date.now();
  await table.resume(name, now);
  const next = config.enabled ? nextInstant(config, now) : undefined;
  const more = config.enabled ? "It has no further run." : "It is disabled in main.ts.";
  console.log(`${name} is not paused. ${next === undefined ? more : `Next run: ${isoSeconds(next)}`}`);
  return EXIT.ok;
}
