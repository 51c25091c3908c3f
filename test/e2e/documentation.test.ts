/** Every command of the documents is run. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DOCUMENTED_COMMANDS, RUN_BY, testDocumentedCommands } from "./support/documented-commands";

/** Programs of others. Their commands are not run here. */
const OTHER_PROGRAMS =
  /^(aws|awscurl|curl|mkdir|terraform|npm (start|test|install|pack|run build)|npx jest|\.\/backup\.sh)\b|^[A-Z_]+=/;

describe("commands of the documents", () => {
  it("are many", () => {
    expect(DOCUMENTED_COMMANDS.length).toBeGreaterThan(40);
  });

  it("are almanac's, or those of programs that are known", () => {
    const others = DOCUMENTED_COMMANDS.filter(
      ({ text, command }) => command === undefined && !OTHER_PROGRAMS.test(text),
    );
    expect(others.map(({ file, text }) => `${file}: ${text}`)).toEqual([]);
  });

  it.each(Object.entries(RUN_BY))("that are almanac %s are run by the suite %s", (command, suite) => {
    const source = readFileSync(join(__dirname, `${suite}${suite.includes("/") ? ".ts" : ".test.ts"}`), "utf8");
    const words = command.split(" ").map((word) => `"${word}"`);
    expect(source.replace(/\s+/g, " ")).toContain(words.join(", "));
  });
});

describe("of the documents, this command succeeds:", () => {
  testDocumentedCommands((command) => !command.startsWith("pipelines "));
});
