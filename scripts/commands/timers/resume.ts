/** `almanac timers resume <id>`: resumes a timer, or all with a prefix. */
import { describeTimer } from "../../features/timers/describe";
import { findTimers, idOrPrefixOf, kindOf, notFound, type IdOrPrefix } from "../../features/timers/environment";
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
        description:
          "Resumes a timer. Fires that were left out are not made up for; a one-shot whose time has passed fires now.",
        examples: ["npx almanac timers resume tea", "npx almanac timers resume --prefix report- --env staging"],
      }),
    ),
  )
    .argument("[id]", "the timer's id")
    .option("--prefix <text>", "all whose ids begin with it")
    .option("--once", "timers that fire once")
    .action(exitCodeOf(run));

async function run(given: string | undefined, options: IdOrPrefix & EnvironmentOptions & JsonOption): Promise<number> {
  const { id, prefix } = idOrPrefixOf(given, options);
  const { environment, client } = await findTimers(options);
  const timers = client[kindOf(options)];
  if (id !== undefined) {
    const timer = await timers.resume(id);
    if (timer === undefined) throw notFound(environment, id, options);
    console.log(options.json ? JSON.stringify(timer) : describeTimer(timer));
    return EXIT.ok;
  }
  const result = await timers.resumeAll(prefix);
  for (const { id: failed, message } of result.failures) console.error(`${failed}: ${message}`);
  console.log(options.json ? JSON.stringify(result) : `${result.changed} resumed`);
  return result.failures.length === 0 ? EXIT.ok : EXIT.failure;
}
