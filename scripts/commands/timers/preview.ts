/** `almanac timers preview <id>`: shows when a timer fires next. */
import { findTimers, notFound, type OnceOption, timersAction } from "../../features/timers/environment";
import { putInputOf, type PutOptions, withSchedule } from "../../features/timers/put-options";
import {
  environmentCommand,
  EXIT,
  wholeNumber,
  type EnvironmentOptions,
  type JsonOption,
} from "../../shared/terminal/command-line";

export const command = () =>
  withSchedule(
    environmentCommand({
      description: "Shows when a timer fires next: one that exists, or, with the options of `put`, one that does not.",
      examples: [
        "npx almanac timers preview report --count 5",
        'npx almanac timers preview report --cron "0 9 L * ? *" --time-zone Europe/Berlin',
      ],
    })
      .argument("<id>", "the timer's id")
      .option("--once", "a timer that fires once")
      .option("--count <number>", "fires to show, 100 at most", wholeNumber(1), 10),
  ).action(timersAction(run));

type Options = OnceOption & PutOptions & EnvironmentOptions & JsonOption & { readonly count: number };

async function run(id: string, { once, count, ...options }: Options): Promise<number> {
  const { json, env, ...put } = options;
  const { environment, client } = await findTimers(options);
  const input = putInputOf(put);
  const isStored = Object.keys(input.timer).length === 0;
  const fires = isStored
    ? await client[once === true ? "oneshot" : "periodic"].preview(id, { count })
    : input.kind === "oneshot"
      ? await client.oneshot.preview(id, { count, timer: input.timer })
      : await client.periodic.preview(id, { count, timer: input.timer });
  if (fires === undefined) throw notFound(environment, id, { ...(once !== undefined && { once }) });
  if (json) console.log(JSON.stringify(fires));
  else console.log(fires.length === 0 ? "it does not fire any more" : fires.join("\n"));
  return EXIT.ok;
}
