/** `almanac timers fires <id>`: shows when a timer has fired. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { describeFires } from "../../features/timers/describe";
import { findTimers, kindOf, TimerNotFoundError, type OnceOption } from "../../features/timers/environment";
import { recordedFires } from "../../features/timers/recorded-fires";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  wholeNumber,
  withEnvironment,
  withJson,
  type EnvironmentOptions,
  type JsonOption,
} from "../../shared/command-line";

export const command = () =>
  withJson(
    withEnvironment(
      new DocumentedCommand({
        description:
          "Shows when a timer has fired in the last seven days, as recorded by the callback that Almanac ships with.",
        examples: ["npx almanac timers fires tea", "npx almanac timers fires reminder --once --limit 100"],
      }),
    ),
  )
    .argument("<id>", "the timer's id")
    .option("--once", "a timer that fires once")
    .option("--limit <count>", "only the latest", wholeNumber(1), 20)
    .action(exitCodeOf(run));

async function run(
  id: string,
  options: OnceOption & EnvironmentOptions & JsonOption & { readonly limit: number },
): Promise<number> {
  const { environment, aws, recordedFiresTable: table } = await findTimers(options);
  if (table === undefined)
    throw new TimerNotFoundError(
      `${environment} has its own timer callback: only the one that Almanac ships with records fires.`,
    );
  const all = await recordedFires(new DynamoDBClient(aws), { table, kind: kindOf(options), id });
  const latest = all.slice(0, options.limit);
  if (options.json) console.log(JSON.stringify(latest));
  else if (latest.length === 0) console.log(`no fires of a ${kindOf(options)} timer "${id}" in the last seven days`);
  else {
    console.log(describeFires(latest));
    if (latest.length < all.length) console.log(`${all.length - latest.length} earlier ones: --limit ${all.length}`);
  }
  return EXIT.ok;
}
