/** `npm run simulate -- --seed S`: lives through one of the worlds that timers are tested in, and tells what happens. */
import { InvalidArgumentError } from "commander";
import { World } from "../../test/support/simulation/world";
import { colours } from "../shared/colours";
import { EXIT, npmCommand } from "../shared/command-line";
import { describeError } from "../shared/errors";

const whole = (text: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("It is not a whole number.");
  return Number(text);
};

const command = npmCommand("npm run simulate --", "Lives through a simulated world of timers, and explains it.")
  .requiredOption("--seed <number>", "which world: a failed test names it", whole)
  .option("--steps <number>", "end after so many events (default: at the world's end)", whole)
  .addHelpText("after", "\nExit code 1: an invariant was broken.")
  .parse();

async function main({ seed, steps }: { seed: number; steps?: number }): Promise<number> {
  const explain = (time: number, line: string): void => {
    console.log(`${new Date(time).toISOString().slice(11, 23)}  ${line}`);
  };
  const violations = await new World({ seed, explain, ...(steps !== undefined && { steps }) }).run();
  for (const { invariant, detail } of violations) console.log(colours.red(`Broken: ${invariant}: ${detail}`));
  if (violations.length === 0) console.log(colours.green("Every invariant holds."));
  return violations.length === 0 ? EXIT.ok : EXIT.failure;
}

main(command.opts()).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(`npm run simulate: ${describeError(error)}`);
    process.exitCode = EXIT.failure;
  },
);
