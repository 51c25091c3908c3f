/** `almanac clock now`: back to the machine's time. */
import { backToNow } from "../../emulator/clock";
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
        description:
          "Returns to the machine's time, and to the state before the clock was first moved: rows of tomorrow are none of today.",
        examples: ["npx almanac clock now"],
      }),
    ),
  ).action(exitCodeOf(run));

async function run({ home, json }: JsonOption & { readonly home: string }): Promise<number> {
  const clock = await backToNow((await requireRunning(homeAt(home))).endpoint);
  console.log(json ? JSON.stringify(clock) : describeClock(clock));
  return EXIT.ok;
}
