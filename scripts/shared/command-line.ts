/** What the commands have in common on the command line. */
import { Command } from "commander";

export const EXIT = { ok: 0, failure: 1, badUsage: 2, notRunning: 3, dataLoss: 4, drift: 5 } as const;

/** A command of npm: `--help`, and exit code 2 when it is called wrongly. */
export function npmCommand(call: string, description: string): Command {
  return new Command(call)
    .description(description)
    .allowExcessArguments(false)
    .showHelpAfterError(`Usage and options: ${call} --help`)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? EXIT.ok : EXIT.badUsage));
}

/** What an error says to people; of one that nobody expected, where it came from as well. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const expected = error.name !== "Error" && error.name.endsWith("Error") && !(error instanceof TypeError);
  return expected ? error.message : (error.stack ?? error.message);
}
