/** `almanac timers fires <id>`: shows the fires of a timer. */
import type { FireResponse } from "../../../clients/timers";
import { describeFires } from "../../features/timers/describe";
import { findTimers, kindOf, type OnceOption, timersAction } from "../../features/timers/environment";
import {
  environmentCommand,
  EXIT,
  wholeNumber,
  type EnvironmentOptions,
  type JsonOption,
} from "../../shared/terminal/command-line";

export const command = () =>
  environmentCommand({
    description:
      "Shows the fires of a timer in the last seven days, with outcome, lateness and attempts, where its callback records them.",
    examples: ["npx almanac timers fires tea", "npx almanac timers fires reminder --once --limit 100"],
  })
    .argument("<id>", "the timer's id")
    .option("--once", "a timer that fires once")
    .option("--limit <count>", "only the latest", wholeNumber(1), 20)
    .action(timersAction(run));

async function run(
  id: string,
  options: OnceOption & EnvironmentOptions & JsonOption & { readonly limit: number },
): Promise<number> {
  const { client } = await findTimers(options);
  const { limit } = options;
  const fires: FireResponse[] = [];
  for await (const fire of client[kindOf(options)].fires(id, { pageSize: Math.min(limit, 1_000) })) {
    fires.push(fire);
    if (fires.length === limit) break;
  }
  if (options.json) console.log(JSON.stringify(fires));
  else if (fires.length === 0)
    console.log(`no recorded fires of a ${kindOf(options)} timer "${id}" in the last seven days`);
  else console.log(describeFires(fires));
  return EXIT.ok;
}
