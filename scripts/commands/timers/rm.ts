/** `almanac timers rm <ids...>`: deletes timers. */
import { findTimers, kindOf, type OnceOption, timersAction } from "../../features/timers/environment";
import { inOptions } from "../../features/timers/fields";
import { environmentCommand, EXIT, type EnvironmentOptions, type JsonOption } from "../../shared/terminal/command-line";

export const command = () =>
  environmentCommand({
    description: "Deletes timers.",
    examples: ["npx almanac timers rm tea", "npx almanac timers rm --once reminder-1 reminder-2"],
  })
    .argument("<ids...>", "the timers' ids")
    .option("--once", "timers that fire once")
    .action(timersAction(run));

async function run(given: readonly string[], options: OnceOption & EnvironmentOptions & JsonOption): Promise<number> {
  const { client } = await findTimers(options);
  const kind = kindOf(options);
  const ids = [...new Set(given)];
  const outcomes = await client.batch(ids.map((id) => ({ kind, id, delete: true })));
  const failures = outcomes.flatMap((outcome, index) =>
    outcome.ok ? [] : [{ id: ids[index] ?? "", message: inOptions(outcome.error.message) }],
  );
  for (const { id, message } of failures) console.error(`${id}: ${message}`);
  const deleted = outcomes.length - failures.length;
  console.log(options.json ? JSON.stringify({ deleted, failures }) : `${deleted} deleted, or did not exist`);
  return failures.length === 0 ? EXIT.ok : EXIT.failure;
}
