/** `almanac timers pause` and `resume`: of one timer, or all with a prefix. */
import type { Command } from "commander";
import {
  environmentCommand,
  EXIT,
  notEmpty,
  type EnvironmentOptions,
  type JsonOption,
} from "../../shared/terminal/command-line";
import { describeTimer } from "./describe";
import { reportChanges } from "./report-changes";
import { findTimers, idOrPrefixOf, kindOf, notFound, type IdOrPrefix, timersAction } from "./environment";

export function enableCommand(verb: "pause" | "resume", description: string): Command {
  const examples = [`npx almanac timers ${verb} tea`, `npx almanac timers ${verb} --prefix report- --env staging`];
  return environmentCommand({ description, examples })
    .argument("[id]", "the timer's id")
    .option("--prefix <text>", "all whose ids begin with it", notEmpty)
    .option("--once", "timers that fire once")
    .action(timersAction((id: string | undefined, options: Options) => run(verb, id, options)));
}

type Options = IdOrPrefix & EnvironmentOptions & JsonOption;

async function run(verb: "pause" | "resume", given: string | undefined, options: Options): Promise<number> {
  const { id, prefix } = idOrPrefixOf(given, options);
  const { environment, client } = await findTimers(options);
  const timers = client[kindOf(options)];
  if (id !== undefined) {
    const timer = await timers[verb](id);
    if (timer === undefined) throw notFound(environment, id, options);
    console.log(options.json ? JSON.stringify(timer) : describeTimer(timer));
    return EXIT.ok;
  }
  return reportChanges(`${verb}d`, await timers[`${verb}All`](prefix), options);
}
