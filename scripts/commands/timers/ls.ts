/** `almanac timers ls`: lists the timers. */
import type { TimerResponse } from "../../../clients/timers";
import { describeTimers } from "../../features/timers/describe";
import { findTimers, kindOf, type OnceOption } from "../../features/timers/environment";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  withEnvironment,
  withJson,
  type EnvironmentOptions,
  type JsonOption,
} from "../../shared/command-line";

export const command = () =>
  withJson(
    withEnvironment(
      new DocumentedCommand({
        description: "Lists the timers.",
        examples: ["npx almanac timers ls", "npx almanac timers ls --once --json"],
      }),
    ),
  )
    .option("--once", "timers that fire once")
    .action(exitCodeOf(run));

async function run(options: OnceOption & EnvironmentOptions & JsonOption): Promise<number> {
  const { client } = await findTimers(options);
  const timers: TimerResponse[] = [];
  for await (const timer of client[kindOf(options)].list()) timers.push(timer);
  if (options.json) console.log(JSON.stringify(timers));
  else console.log(timers.length === 0 ? `no ${kindOf(options)} timers` : describeTimers(timers));
  return EXIT.ok;
}
