/** The commands of the documents. */
import { readFileSync, readdirSync } from "node:fs";
import { join, normalize } from "node:path";

const IGNORED_FOLDERS = new Set(["node_modules", ".git", ".almanac", "cdktf.out", "coverage", "dist"]);

/** Every Markdown file of a folder and the folders below it. */
export function markdownBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !IGNORED_FOLDERS.has(name))
    .flatMap((entry) => {
      const path = normalize(join(folder, entry.name)).replaceAll("\\", "/");
      if (entry.isDirectory()) return markdownBelow(path);
      return path.endsWith(".md") ? [path] : [];
    });
}

export interface DocumentedCommand {
  readonly file: string;
  /** As a person would paste it into a shell; a command continued with a backslash is one. */
  readonly text: string;
}

/** The commands in the blocks of a document that are marked `sh`, and the examples of docs/cli.md. */
export function commandsOf(file: string): readonly DocumentedCommand[] {
  const markdown = readFileSync(file, "utf8");
  const blocks = [...markdown.matchAll(/^ *```sh\n([^]*?)^ *```/gm)].map(([, block = ""]) => block);
  const examples = [...markdown.matchAll(/^Examples?:\n((?: {2}.*\n)+)/gm)].map(([, lines = ""]) => lines);
  return [...blocks, ...examples]
    .flatMap((block) => block.replaceAll(/\\\n\s*/g, "").split("\n"))
    .map((line) => line.replace(/(^|\s)#.*$/, "").trim())
    .filter((text) => text !== "")
    .map((text) => ({ file, text }));
}

/** The command of the command line that a text calls: `timers put`. Undefined: none. */
export function almanacCommandOf(text: string): string | undefined {
  const [, words] = /\bnpx almanac ([a-z]+(?: [a-z-]+)?)/.exec(text) ?? [];
  if (words === undefined) return undefined;
  const [noun = ""] = words.split(" ");
  return optionsOf(words) === undefined ? noun : words;
}

/** The help of a command, by docs/cli.md, which is generated from the program. */
export function optionsOf(command: string): string | undefined {
  return new RegExp(`^#+ almanac ${command}$([^]*?)(?=^#|(?![^]))`, "m").exec(readFileSync("docs/cli.md", "utf8"))?.[1];
}
