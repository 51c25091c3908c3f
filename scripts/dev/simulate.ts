/** `npm run simulate`: runs simulated worlds of timers: one, with its events, or as many as it takes for a number of timer-hours. */
import { InvalidArgumentError } from "commander";
import { World } from "../../test/support/simulation/world";
import { SimulationThreads } from "../../test/support/simulation/threads";
import { colours } from "../shared/colours";
import { EXIT, npmCommand, UsageError } from "../shared/command-line";
import { describeError } from "../shared/errors";
import { table } from "../shared/table";

const whole = (text: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("Not a whole number.");
  return Number(text);
};

interface Options {
  readonly seed?: number;
  readonly steps?: number;
  readonly hours?: number;
}

const command = npmCommand("npm run simulate --", "Run simulated worlds of timers.")
  .option("--seed <number>", "one world, with its events; with --hours: the first world", whole)
  .option("--steps <number>", "maximum number of events of that world (default: no limit)", whole)
  .option("--hours <number>", "worlds on all processors, until this many timer-hours of virtual time", whole)
  .addHelpText("after", "\nExit code 1: an invariant is violated.")
  .parse();

async function main({ seed, steps, hours }: Options): Promise<number> {
  if (hours !== undefined) return runMany(hours, seed ?? 0);
  if (seed === undefined) throw new UsageError("--seed or --hours: one of the two");
  const trace = (time: number, line: string): void => {
    console.log(`${new Date(time).toISOString().slice(11, 23)}  ${line}`);
  };
  const violations = await new World({ seed, trace, ...(steps !== undefined && { steps }) }).run();
  for (const { invariant, detail } of violations) console.log(colours.red(`Violated: ${invariant}: ${detail}`));
  if (violations.length === 0) console.log(colours.green("Every invariant holds."));
  return violations.length === 0 ? EXIT.ok : EXIT.failure;
}

async function runMany(hours: number, first: number): Promise<number> {
  const begin = performance.now();
  const threads = await SimulationThreads.start();
  const faults = new Map<string, number>();
  let [worlds, timerHours, broken] = [0, 0, 0];
  await threads.run(
    first,
    () => timerHours >= hours,
    (seed, result) => {
      worlds += 1;
      timerHours += result.timerHours;
      for (const [fault, count] of result.faults) faults.set(fault, (faults.get(fault) ?? 0) + count);
      for (const { invariant, detail } of result.violations) {
        broken += 1;
        console.log(colours.red(`npm run simulate -- --seed ${seed}: ${invariant}: ${detail}`));
      }
    },
  );
  await threads.stop();
  const rows = [...faults].sort(([, a], [, b]) => b - a).map(([fault, count]) => [fault, count.toLocaleString("en")]);
  console.log(table(["fault injected", "times"], rows));
  const seconds = Math.round((performance.now() - begin) / 1_000);
  console.log(
    `${Math.floor(timerHours).toLocaleString("en")} timer-hours in ${worlds.toLocaleString("en")} worlds, ` +
      `${seconds} s, ${broken} violations`,
  );
  return broken === 0 ? EXIT.ok : EXIT.failure;
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
