/** docs/cli.md, from the program itself. */
import { CONTENTS, loadedCommands } from "../../almanac";
import { EXIT_CODES } from "../../shared/terminal/command-line";

/** The reference of all commands: each with its help. */
export async function cliReference(): Promise<string> {
  const commands = await loadedCommands();
  const helpOf = (words: readonly string[]) => {
    const found = commands.find((each) => each.words.join(" ") === words.join(" "))?.command;
    if (found === undefined) throw new Error(`there is no command ${words.join(" ")}`);
    return `\`\`\`text\n${found.helpInformation().trimEnd()}\n\`\`\``;
  };
  const sections = Object.entries(CONTENTS).flatMap(([group, entries]) => [
    `## ${group.replace(":", "")}`,
    ...Object.entries(entries)
      .flatMap(([name, item]) => ("verbs" in item ? Object.keys(item.verbs).map((verb) => [name, verb]) : [[name]]))
      .flatMap((words) => [`### almanac ${words.join(" ")}`, helpOf(words)]),
  ]);
  const parts = [
    "# Command line",
    "<!-- Generated from scripts/almanac.ts. Written by: node scripts/launcher/dev.mjs docs -->",
    "`npx almanac` runs it in a clone, after the first `npm start` or `npm ci`. Every command explains itself with `--help`.",
    helpOf([]),
    "Exit codes:",
    Object.entries(EXIT_CODES)
      .map(([code, meaning]) => `- ${code}: ${meaning}`)
      .join("\n"),
    ...sections,
  ];
  return `${parts.join("\n\n")}\n`;
}
