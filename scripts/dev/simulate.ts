/** `npm run simulate -- --seed S`: runs one simulated world of timers and prints its events. */
import { InvalidArgumentError } from "commander";
import { World } from "../../test/support/simulation/world";
import { colours } from "../shared/colours";
import { EXIT, npmCommand } from "../shared/command-line";
import { describeError } from "../shared/errors";

const whole = (text: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("Not a whole number.");
  return Number(text);
};

const command = npmCommand("npm run simulate --", "Run a simulated world of timers and print its events.")
  .requiredOption("--seed <number>", "the world; a failed test prints its seed", whole)
  .option("--steps <number>", "maximum number of events (default: no limit)", whole)
  .addHelpText("after", "\nExit code 1: an invariant is violated.")
  .parse();

async function main({ seed, steps }: { seed: number; steps?: number }): Promise<number> {
  const trace = (time: number, line: string): void => {
    console.log(`${new Date(time).toISOString().slice(11, 23)}  ${line}`);
  };
  const violations = await new World({ seed, trace, ...(steps !== undefined && { steps }) }).run();
  for (const { invariant, detail } of violations) console.log(colours.red(`Violated: ${invariant}: ${detail}`));
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
