/**
 * `npm run simulate`: runs simulated worlds of timers or exports: one, with its events, or many: of timers as many as it takes for a number of
 * timer-hours.
 */
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

const EXPORT_WORKER = join(process.cwd(), "test/support/export-simulation/worker.ts");

const command = npmCommand("npm run simulate --", "Run simulated worlds of timers or exports.")
  .addArgument(new Argument("[feature]", "what runs in the worlds").choices(["timers", "exports"]).default("timers"))
  .option("--seed <number>", "one world, with its events; with --hours or --worlds: the first world", whole)
  .option("--steps <number>", "maximum number of events of that world (default: no limit)", whole)
  .option("--hours <number>", "worlds on all processors, until this many timer-hours of virtual time", whole)
  .option("--worlds <number>", "exports: this many worlds on all processors", whole)
  .addHelpText("after", "\nExit code 1: an invariant is violated.")
  .parse();

const trace = (time: number, line: string): void => {
  console.log(`${new Date(time).toISOString().slice(5, 23)}  ${line}`);
};

async function main(feature: string, { seed, steps, hours, worlds }: Options): Promise<number> {
  if (feature === "exports") return runExports(seed, worlds);
  if (worlds !== undefined) throw new UsageError("--worlds: only of exports");
  if (hours !== undefined) return runMany(hours, seed ?? 0);
  if (seed === undefined) throw new UsageError("--seed or --hours: one of the two");
  return report(await new World({ seed, trace, ...(steps !== undefined && { steps }) }).run());
}

function report(violations: readonly { readonly invariant: string; readonly detail: string }[]): number {
  for (const { invariant, detail } of violations) console.log(colours.red(`Violated: ${invariant}: ${detail}`));
  if (violations.length === 0) console.log(colours.green("Every invariant holds."));
  return violations.length === 0 ? EXIT.ok : EXIT.failure;
}

async function runExports(seed: number | undefined, worlds: number | undefined): Promise<number> {
  if (worlds === undefined && seed === undefined) throw new UsageError("--seed or --worlds: one of the two");
  if (worlds === undefined) return report(await new ExportWorld({ seed: seed ?? 0, trace }).run());
  const threads = await SimulationThreads.start(undefined, EXPORT_WORKER);
  let [done, broken] = [0, 0];
  const first = seed ?? 0;
  await threads.run(
    first,
    () => done >= worlds,
    (world, { violations }) => {
      done += 1;
      for (const { invariant, detail } of violations) {
        broken += 1;
        console.log(colours.red(`npm run simulate -- exports --seed ${world}: ${invariant}: ${detail}`));
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

main(command.processedArgs[0] as string, command.opts()).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(`npm run simulate: ${describeError(error)}`);
    process.exitCode = EXIT.failure;
  },
);
