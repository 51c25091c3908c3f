/** `almanac clock status`: the time that the emulator has. */
import { readClock } from "../../emulator/clock";
import { describeClock } from "../../emulator/describe-clock";
import { requireRunning } from "../../emulator/run-record";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  withHome,
  withJson,
  type JsonOption,
} from "../../shared/terminal/command-line";
import { homeAt } from "../../shared/home";

export const command = () =>
  withJson(
    withHome(
      new DocumentedCommand({
        description: "Shows what time it is on the emulator of npm start, and whether the clock is being moved.",
        examples: ["npx almanac clock status"],
      }),
    ),
  ).action(exitCodeOf(run));

async function run({ home, json }: JsonOption & { readonly home: string }): Promise<number> {
  const clock = await readClock((await requireRunning(homeAt(home))).endpoint);
  console.log(json ? JSON.stringify(clock) : describeClock(clock));
  return EXIT.ok;
}
