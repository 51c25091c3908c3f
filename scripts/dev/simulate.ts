/** `npm run simulate`: runs simulated worlds of a feature: one, or many; of timers as many as it takes for a number of timer-hours. */
import { join } from "node:path";
import { Argument, InvalidArgumentError } from "commander";
import { World as ExportWorld } from "../../test/support/export-simulation/world";
import { World } from "../../test/support/simulation/world";
import { SimulationThreads } from "../../test/support/simulation/threads";
import { colours } from "../shared/terminal/colours";
import { EXIT, npmCommand, UsageError } from "../shared/terminal/command-line";
import { describeError } from "../shared/terminal/errors";
import { table } from "../shared/terminal/table";

const whole = (text: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("Not a whole number.");
  return Number(text);
};

interface Options {
  readonly seed?: number;
  readonly steps?: number;
  readonly hours?: number;
  readonly worlds?: number;
}

const FEATURES = ["timers", "exports", "heartbeats", "schedules", "workflows"] as const;
type Feature = (typeof FEATURES)[number];

const command = npmCommand("npm run simulate --", "Run simulated worlds of a feature.")
  .addArgument(new Argument("[feature]", "what runs in the worlds").choices(FEATURES).default("timers"))
  .option("--seed <number>", "one world, of timers and exports with its events; or the first of many", whole)
  .option("--steps <number>", "timers: maximum number of events of that world (default: no limit)", whole)
  .option("--hours <number>", "timers: worlds on all processors, until this many timer-hours of virtual time", whole)
  .option("--worlds <number>", "the others: this many worlds on all processors", whole)
  .addHelpText("after", "\nExit code 1: an invariant is violated.")
  .parse();

const trace = (time: number, line: string): void => {
  console.log(`${new Date(time).toISOString().slice(5, 23)}  ${line}`);
};

async function main(feature: Feature, { seed, steps, hours, worlds }: Options): Promise<number> {
  if (feature !== "timers") return runWorlds(feature, seed, worlds);
  if (worlds !== undefined) throw new UsageError("--worlds: not of timers, which have --hours");
  if (hours !== undefined) return runMany(hours, seed ?? 0);
  if (seed === undefined) throw new UsageError("--seed or --hours: one of the two");
  return report(await new World({ seed, trace, ...(steps !== undefined && { steps }) }).run());
}

function report(violations: readonly { readonly invariant: string; readonly detail: string }[]): number {
  for (const { invariant, detail } of violations) console.log(colours.red(`Violated: ${invariant}: ${detail}`));
  if (violations.length === 0) console.log(colours.green("Every invariant holds."));
  return violations.length === 0 ? EXIT.ok : EXIT.failure;
}

async function runWorlds(feature: Feature, seed: number | undefined, worlds = 1): Promise<number> {
  if (seed !== undefined && feature === "exports" && worlds === 1)
    return report(await new ExportWorld({ seed, trace }).run());
  const folder = `${feature.slice(0, -1)}-simulation`;
  const threads = await SimulationThreads.start(undefined, join(process.cwd(), "test/support", folder, "worker.ts"));
  let [done, broken] = [0, 0];
  await threads.run(
    seed ?? 0,
    () => done >= worlds,
    (world, { violations }) => {
      done += 1;
      for (const { invariant, detail } of violations) {
        broken += 1;
        console.log(colours.red(`npm run simulate -- ${feature} --seed ${world}: ${invariant}: ${detail}`));
      }
    },
  );
  await threads.stop();
  console.log(`${done.toLocaleString("en")} worlds, ${broken} violations`);
  return broken === 0 ? EXIT.ok : EXIT.failure;
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

main(command.processedArgs[0] as Feature, command.opts()).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(`npm run simulate: ${describeError(error)}`);
    process.exitCode = EXIT.failure;
  },
);
