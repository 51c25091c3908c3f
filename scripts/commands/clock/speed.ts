/** `almanac clock speed <factor>`: time passes faster. */
import { setClockSpeed } from "../../emulator/clock";
import { describeClock } from "../../emulator/describe-clock";
import { requireRunning } from "../../emulator/run-record";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  withHome,
  wholeNumber,
  withJson,
  type JsonOption,
} from "../../shared/terminal/command-line";
import { homeAt } from "../../shared/home";

export const command = () =>
  withJson(
    withHome(
      new DocumentedCommand({
        description:
          "Lets time pass faster by a factor, as far as running work allows, until the factor is 1 again. Due work happens in order.",
        examples: ["npx almanac clock speed 60", "npx almanac clock speed 1"],
      }),
    ),
  )
    .argument("<factor>", "60: an hour passes in a minute; 1: as on the machine", wholeNumber(1, 86_400))
    .action(exitCodeOf(run));

async function run(factor: number, { home, json }: JsonOption & { readonly home: string }): Promise<number> {
  const clock = await setClockSpeed((await requireRunning(homeAt(home))).endpoint, factor);
  console.log(json ? JSON.stringify(clock) : describeClock(clock));
  return EXIT.ok;
}
