/** `almanac timers fire <id>`: fires a timer now. */
import { findTimers, kindOf, notFound, type OnceOption, timersAction } from "../../features/timers/environment";
import { environmentCommand, EXIT, type EnvironmentOptions, type JsonOption } from "../../shared/terminal/command-line";

export const command = () =>
  environmentCommand({
    description:
      "Fires a timer now, paused or not, beside its schedule; or one of its fires again, such as one that failed for good.",
    examples: [
      "npx almanac timers fire tea",
      "npx almanac timers fire tea --again 'periodic#tea#6f1c#2026-11-21T17:00:00.000Z'",
    ],
  })
    .argument("<id>", "the timer's id")
    .option("--once", "a timer that fires once")
    .option(
      "--again <fire id>",
      "a fire of the current version, or of before a move, as in: npx almanac timers fires <id> --json",
    )
    .action(timersAction(run));

async function run(
  id: string,
  options: OnceOption & EnvironmentOptions & JsonOption & { readonly again?: string },
): Promise<number> {
  const { environment, client } = await findTimers(options);
  const { again } = options;
  const fired = await client[kindOf(options)].fire(id, { ...(again !== undefined && { fireId: again }) });
  if (fired === undefined) throw notFound(environment, id, options);
  console.log(options.json ? JSON.stringify(fired) : `sent: ${fired.fireId}`);
  return EXIT.ok;
}
