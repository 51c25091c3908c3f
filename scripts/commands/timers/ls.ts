/** `almanac timers ls`: lists the timers. */
import type { ListOptions, TimerResponse, UnreadableTimer } from "../../../clients/timers";
import { Option } from "commander";
import { TIMER_STATES } from "../../../functions/timers/api/api-types";
import { describeTimers, describeUnreadable } from "../../features/timers/describe";
import { findTimers, kindOf, type OnceOption, timersAction } from "../../features/timers/environment";
import { environmentCommand, EXIT, type EnvironmentOptions, type JsonOption } from "../../shared/terminal/command-line";

export const command = () =>
  environmentCommand({
    description: "Lists the timers.",
    examples: [
      "npx almanac timers ls",
      "npx almanac timers ls --prefix report- --state paused",
      "npx almanac timers ls --callback billing",
      "npx almanac timers ls --once --due-before 2026-12-01T00:00:00Z --json",
    ],
    exitCodes: { [EXIT.ok]: "the list is whole", [EXIT.failure]: "some timers cannot be read, or the command failed" },
  })
    .option("--once", "timers that fire once")
    .option("--prefix <text>", "only ids that begin with it")
    .addOption(new Option("--state <state>", "only these").choices(TIMER_STATES))
    .option("--callback <name>", "only those whose fires go to it, also if it is not configured any more")
    .option("--due-before <time>", "only those with a next fire before it: 2026-11-21T17:00:00Z")
    .action(timersAction(run));

type Filters = Pick<ListOptions, "prefix" | "state" | "dueBefore" | "callback">;

async function run(options: OnceOption & EnvironmentOptions & JsonOption & Filters): Promise<number> {
  const { client } = await findTimers(options);
  const { prefix, state, dueBefore, callback } = options;
  const filters = {
    ...(prefix !== undefined && { prefix }),
    ...(state !== undefined && { state }),
    ...(dueBefore !== undefined && { dueBefore }),
    ...(callback !== undefined && { callback }),
  };
  const timers: TimerResponse[] = [];
  const unreadable: UnreadableTimer[] = [];
  const onUnreadable = (timer: UnreadableTimer): void => void unreadable.push(timer);
  for await (const timer of client[kindOf(options)].list({ ...filters, onUnreadable })) timers.push(timer);
  if (options.json) console.log(JSON.stringify(timers));
  else console.log(timers.length === 0 ? `no ${kindOf(options)} timers` : describeTimers(timers));
  for (const timer of unreadable) console.error(describeUnreadable(timer));
  return unreadable.length === 0 ? EXIT.ok : EXIT.failure;
}
