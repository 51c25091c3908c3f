/** `almanac timers put <id>`: creates or replaces a timer. */
import { describeTimer } from "../../features/timers/describe";
import { findTimers } from "../../features/timers/environment";
import { putInputOf, type PutOptions } from "../../features/timers/put-options";
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
        description: "Creates a timer, or replaces the one with that id. Without a schedule option it fires each hour.",
        examples: [
          'npx almanac timers put tea --every "15 minutes"',
          'npx almanac timers put report --cron "0 9 ? * MON-FRI *" --time-zone Europe/Berlin',
          `npx almanac timers put reminder --in 2h --data '{"order": 7}'`,
        ],
      }),
    ),
  )
    .argument("<id>", "the timer's id")
    .option("--minute <0-59>", "each hour at this minute (default: 40 minutes from now)")
    .option("--second <0-59>", "of the minute, with --minute or --every")
    .option("--every <interval>", '"15 minutes": 1 minute to 365 days')
    .option("--cron <expression>", '"0 17 * * ? *", in EventBridge\'s syntax')
    .option("--time-zone <name>", "of --cron: Europe/Berlin (default: UTC)")
    .option("--start <time>", "no fire before this time: 2026-11-21T17:00:00Z")
    .option("--end <time>", "no fire after this time")
    .option("--max-fires <count>", "stops after this many fires")
    .option("--disabled", "stored, but does not fire")
    .option("--at <time>", "fires once, at this time")
    .option("--in <time>", "fires once, in 90s, 15m, 2h or 7d")
    .option("--data <json>", "the body of the callback's message")
    .option("--jitter <seconds>", "delays each fire by 0 to this many seconds, 300 at most")
    .option("--shard <name>", "shard0 (default: by the id)")
    .option("--if-version <version>", "replaces only this version")
    .option("--new", "fails if the timer exists")
    .action(exitCodeOf(run));

async function run(id: string, options: PutOptions & EnvironmentOptions & JsonOption): Promise<number> {
  const input = putInputOf(options);
  const { client } = await findTimers(options);
  const timer =
    input.kind === "oneshot" ? await client.oneshot.put(id, input.timer) : await client.periodic.put(id, input.timer);
  console.log(options.json ? JSON.stringify(timer) : describeTimer(timer));
  return EXIT.ok;
}
