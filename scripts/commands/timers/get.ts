/** `almanac timers get <id>`: shows one timer. */
import { describeTimer } from "../../features/timers/describe";
import { findTimers, kindOf, notFound, type OnceOption, timersAction } from "../../features/timers/environment";
import { environmentCommand, EXIT, type EnvironmentOptions, type JsonOption } from "../../shared/terminal/command-line";

export const command = () =>
  environmentCommand({
    description: "Shows a timer.",
    examples: ["npx almanac timers get tea", "npx almanac timers get reminder --once"],
  })
    .argument("<id>", "the timer's id")
    .option("--once", "a timer that fires once")
    .action(timersAction(run));

async function run(id: string, options: OnceOption & EnvironmentOptions & JsonOption): Promise<number> {
  const { environment, client } = await findTimers(options);
  const timer = await client[kindOf(options)].get(id);
  if (timer === undefined) throw notFound(environment, id, options);
  console.log(options.json ? JSON.stringify(timer) : describeTimer(timer));
  return EXIT.ok;
}
