/** `almanac completion <shell>`: a script that completes commands. */
import { Argument } from "commander";
import { declaredEnvironments } from "../environments/names";
import { completionScript, SHELLS, type Shell } from "../shared/terminal/completion";
import { DocumentedCommand, EXIT, exitCodeOf, type NamedCommand } from "../shared/terminal/command-line";

export const command = (allCommands: () => Promise<readonly NamedCommand[]>) =>
  new DocumentedCommand({
    description: "Prints a script for your shell that completes commands, options and environments.",
    examples: [
      'eval "$(npx almanac completion bash)"',
      "npx almanac completion zsh > ~/.zfunc/_almanac",
      "npx almanac completion fish > ~/.config/fish/completions/almanac.fish",
    ],
  })
    .addArgument(new Argument("<shell>", "your shell").choices(SHELLS))
    .action(exitCodeOf(async (shell: Shell) => run(shell, await allCommands())));

function run(shell: Shell, all: readonly NamedCommand[]): number {
  const commands = all.map(({ words, command: each }) => ({
    words,
    next: [
      ...each.commands.map((sub) => ({ word: sub.name(), description: sub.summary() })),
      ...each.options.flatMap(({ long, description }) => (long == null ? [] : [{ word: long, description }])),
    ],
  }));
  console.log(completionScript(shell, commands, declaredEnvironments("main.ts").names).trimEnd());
  return EXIT.ok;
}
