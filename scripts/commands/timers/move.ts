/** `almanac timers move --from <callback> --to <callback>`: moves the timers of one callback to another. */
import { findTimers, kindOf, type OnceOption, timersAction } from "../../features/timers/environment";
import { reportChanges } from "../../features/timers/report-changes";
import {
  environmentCommand,
  notEmpty,
  type EnvironmentOptions,
  type JsonOption,
} from "../../shared/terminal/command-line";

export const command = () =>
  environmentCommand({
    description:
      "Moves the timers of a callback to another one. No fire is lost: those that are due and queued stay with the old callback, all others go to the new one, also those that wait because the old one is not configured any more. Run again, it moves those that are left.",
    examples: [
      "npx almanac timers move --from billing --to invoices --env staging",
      "npx almanac timers move --from billing --to invoices --prefix report- --once",
    ],
  })
    .requiredOption("--from <callback>", "only timers of this callback")
    .requiredOption("--to <callback>", "where their fires go from now on")
    .option("--prefix <text>", "only ids that begin with it (default: all)", notEmpty)
    .option("--once", "timers that fire once")
    .action(timersAction(run));

interface Move {
  readonly from: string;
  readonly to: string;
  readonly prefix?: string;
}

async function run({
  from,
  to,
  prefix = "",
  ...options
}: Move & OnceOption & EnvironmentOptions & JsonOption): Promise<number> {
  const { client } = await findTimers(options);
  return reportChanges("moved", await client[kindOf(options)].moveAll({ from, to, prefix }), options);
}
