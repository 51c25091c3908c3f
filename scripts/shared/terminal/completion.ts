/** Scripts that complete commands, options and environments in a shell. */

export interface CompletedCommand {
  /** `["timers", "put"]`; empty: `almanac` itself. */
  readonly words: readonly string[];
  /** What may follow: subcommands, or options. */
  readonly next: readonly { readonly word: string; readonly description: string }[];
}

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** @param environments the values of `--env`, and of the argument of commands that take an environment */
export function completionScript(
  shell: Shell,
  commands: readonly CompletedCommand[],
  environments: readonly string[],
): string {
  return { bash, zsh, fish }[shell](commands, environments);
}

/** Commands with a verb first, so that a shell's `case` does not end at their noun. */
function longestFirst(commands: readonly CompletedCommand[]): readonly CompletedCommand[] {
  return [...commands].sort((a, b) => b.words.length - a.words.length);
}

function bash(commands: readonly CompletedCommand[], environments: readonly string[]): string {
  const cases = longestFirst(commands).map(
    ({ words, next }) =>
      `    ${words.length === 0 ? "*" : `"${words.join(" ")} "*`}) words="${next.map(({ word }) => word).join(" ")}" ;;`,
  );
  return [
    '# eval "$(npx almanac completion bash)"; alias almanac="npx almanac"',
    "_almanac() {",
    '  local typed="${COMP_WORDS[*]:1:COMP_CWORD-1} " current="${COMP_WORDS[COMP_CWORD]}" words',
    '  case "$typed" in',
    `    *"--env "|*"-e ") words="${environments.join(" ")}" ;;`,
    ...cases,
    "  esac",
    '  case "$typed" in',
    `    ${ENVIRONMENT_COMMANDS.map((name) => `"${name} "`).join("|")}) [[ $current == -* ]] || words="${environments.join(" ")}" ;;`,
    "  esac",
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    "}",
    "complete -o default -F _almanac almanac",
    "",
  ].join("\n");
}

/** Their first argument is an environment. */
const ENVIRONMENT_COMMANDS = ["deploy", "review", "destroy", "bootstrap", "cost", "dashboard", "modules"];

function zsh(commands: readonly CompletedCommand[], environments: readonly string[]): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const items = ({ next }: CompletedCommand) =>
    next.map(({ word, description }) => quoted(`${word.replaceAll(":", "\\:")}:${description}`)).join(" ");
  const cases = longestFirst(commands).map(
    (command) =>
      `    ${command.words.length === 0 ? "*" : `"${command.words.join(" ")} "*`}) items=(${items(command)}) ;;`,
  );
  return [
    "#compdef almanac",
    '# eval "$(npx almanac completion zsh)"; alias almanac="npx almanac"',
    "_almanac() {",
    '  local typed="${words[2,CURRENT-1]} " current="${words[CURRENT]}"',
    "  local -a items",
    '  case "$typed" in',
    `    *"--env "|*"-e ") items=(${environments.join(" ")}) ;;`,
    ...cases,
    "  esac",
    '  case "$typed" in',
    `    ${ENVIRONMENT_COMMANDS.map((name) => `"${name} "`).join("|")}) [[ $current == -* ]] || items=(${environments.join(" ")}) ;;`,
    "  esac",
    "  _describe 'almanac' items || _files",
    "}",
    "compdef _almanac almanac",
    "",
  ].join("\n");
}

function fish(commands: readonly CompletedCommand[], environments: readonly string[]): string {
  const quoted = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const nouns = commands.filter(({ words }) => words.length === 1).map(({ words }) => words[0] ?? "");
  const lines = commands.flatMap(({ words, next }) => {
    const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`);
    const verbs = next.filter(({ word }) => !word.startsWith("-")).map(({ word }) => word);
    const without = words.length === 0 ? nouns : verbs;
    const condition = [
      ...seen,
      ...(without.length > 0 ? [`not __fish_seen_subcommand_from ${without.join(" ")}`] : []),
    ];
    return next.map(({ word, description }) => {
      const what = word.startsWith("--")
        ? `-l ${word.slice(2)}`
        : word.startsWith("-")
          ? `-s ${word.slice(1)}`
          : `-a ${word}`;
      return `complete -c almanac -n ${quoted(condition.join("; and "))} ${what} -d ${quoted(description)}`;
    });
  });
  return [
    "# npx almanac completion fish | source; alias almanac='npx almanac'",
    ...lines,
    `complete -c almanac -s e -l env -x -a ${quoted(environments.join(" "))}`,
    `complete -c almanac -n ${quoted(`__fish_seen_subcommand_from ${ENVIRONMENT_COMMANDS.join(" ")}`)} -a ${quoted(environments.join(" "))}`,
    "",
  ].join("\n");
}
