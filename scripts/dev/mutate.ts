/** `npm run mutate -- terraform`: breaks each attribute of the synthesized resources, one at a time, and says which changes no rule notices. */
import { everything, mutate } from "../../test/support/infrastructure/mutation";
import { colours } from "../shared/terminal/colours";
import { EXIT, npmCommand, UsageError } from "../shared/terminal/command-line";
import { describeError } from "../shared/terminal/errors";

/** Of the mutants that matter. */
const LEAST_FOUND = 0.95;

const command = npmCommand(
  "npm run mutate --",
  "Break what is deployed, one attribute at a time, and count what the rules notice.",
)
  .argument("<what>", "terraform: the attributes of all synthesized resources")
  .addHelpText("after", `\nExit code 1: less than ${LEAST_FOUND * 100}% are found.`)
  .parse();

function main(what: string | undefined): number {
  if (what !== "terraform") throw new UsageError(`${String(what)}: terraform is what can be mutated.`);
  const begin = performance.now();
  const { mutants, found, indifferent, survivors } = mutate(everything());
  const share = found / (mutants - indifferent);
  for (const survivor of survivors) console.log(colours.red(`not found: ${survivor}`));
  const seconds = Math.round((performance.now() - begin) / 1_000);
  console.log(
    `${mutants} mutants in ${seconds} s: ${found} found, ${indifferent} do not matter, ${survivors.length} not found (${(share * 100).toFixed(2)}% found)`,
  );
  return share >= LEAST_FOUND ? EXIT.ok : EXIT.failure;
}

try {
  process.exitCode = main(command.args[0]);
} catch (error) {
  console.error(`npm run mutate: ${describeError(error)}`);
  process.exitCode = EXIT.failure;
}
