import { spawnSync } from "node:child_process";
import { loadedCommands } from "../../../../scripts/almanac";
import { completionScript, type CompletedCommand, type Shell } from "../../../../scripts/shared/terminal/completion";

const ENVIRONMENTS = ["local", "staging"];

async function scriptOf(shell: Shell): Promise<string> {
  const commands = (await loadedCommands()).map(({ words, command }): CompletedCommand => ({
    words,
    next: [
      ...command.commands.map((sub) => ({ word: sub.name(), description: sub.summary() })),
      ...command.options.flatMap(({ long, description }) => (long == null ? [] : [{ word: long, description }])),
    ],
  }));
  return completionScript(shell, commands, ENVIRONMENTS);
}

describe("completion in bash", () => {
  let script: string;
  beforeAll(async () => (script = await scriptOf("bash")));
  /** What bash would offer after these words; the last one is not finished. */
  const offered = (...words: readonly string[]): readonly string[] => {
    const quoted = ["almanac", ...words].map((word) => `'${word}'`).join(" ");
    const program = `${script}\nCOMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _almanac; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync("bash", ["-c", program], { encoding: "utf8" });
    expect(stderr).toBe("");
    return stdout.trim().split("\n");
  };

  it.each([
    [["ti"], ["timers"]],
    [
      ["timers", "f"],
      ["fire", "fires"],
    ],
    [
      ["timers", "put", "tea", "--e"],
      ["--every", "--end", "--env"],
    ],
    [["timers", "ls", "--env", "st"], ["staging"]],
    [["deploy", ""], ENVIRONMENTS],
    [["deploy", "staging", "--y"], ["--yes"]],
    [
      ["pipelines", "r"],
      ["replay", "redrive"],
    ],
  ])("after %j offers %j", (words, expected) => {
    expect([...offered(...words)].sort()).toEqual([...expected].sort());
  });
});

describe("completion in other shells", () => {
  it("describes commands in zsh", async () => {
    const script = await scriptOf("zsh");
    expect(script).toContain(`"timers "*) items=('put:Create or replace a timer'`);
    expect(script).toContain(`'redrive:Send a pipeline'\\''s dead letters back'`);
  });

  it("describes commands and options in fish", async () => {
    const script = await scriptOf("fish");
    expect(script).toContain("-a put -d 'Create or replace a timer'");
    expect(script).toContain(
      "complete -c almanac -n '__fish_seen_subcommand_from timers; and __fish_seen_subcommand_from put' -l every",
    );
  });
});
