import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createColors } from "picocolors";

import { encodeConsole, plainText, terminalText } from "../../../../scripts/shared/terminal/plain-text";
import fc from "../../../support/fast-check";

const colours = createColors(true);

describe("what a command prints", () => {
  it("keeps its own colours, lines and tabs", () => {
    const text = `${colours.bold(colours.red("down"))}\t${colours.dim("since")}\n${colours.green("up")} ${colours.yellow("!")} ${colours.cyan("i")}`;
    expect(terminalText(text)).toBe(text);
  });

  it.each([
    ["clears no screen", "\u001b[2J", "\\u001b[2J"],
    ["sets no title", "\u001b]0;title\u0007", "\\u001b]0;title\\u0007"],
    ["conceals nothing", "\u001b[8mhidden", "\\u001b[8mhidden"],
    ["overwrites no line", "ok\rfailed", "ok\\u000dfailed"],
    ["takes no C1 control", "\u009b31m", "\\u009b31m"],
    ["reorders nothing", "invoice\u202egpj.exe", "invoice\\u202egpj.exe"],
  ])("%s", (_, text, printed) => {
    expect(terminalText(text)).toBe(printed);
  });

  it("leaves the meaning of JSON as it is", () => {
    fc.assert(
      fc.property(fc.json(), fc.boolean(), (json, pretty) => {
        const value: unknown = JSON.parse(json);
        const text = JSON.stringify(value, undefined, pretty ? 2 : undefined);
        expect(JSON.parse(terminalText(text))).toEqual(value);
      }),
    );
    expect(JSON.parse(terminalText(JSON.stringify("\u202e\u009b")))).toBe("\u202e\u009b");
  });

  it("is encoded at the console, whatever is printed", () => {
    const printed: unknown[] = [];
    const target = {
      log: (...values: unknown[]) => void printed.push(...values.slice(1)),
      warn: (...values: unknown[]) => void printed.push(...values.slice(1)),
      error: (...values: unknown[]) => void printed.push(...values.slice(1)),
    };
    encodeConsole(target);
    target.log("%s is %d", "\u001b[2J", 3);
    target.warn({ name: "\u202e" });
    target.error(new Error("\u009b").message);
    expect(printed.join("\n")).not.toMatch(/(?!\n)\p{Cc}|\u202e/u);
    expect(printed[0]).toBe("\\u001b[2J is 3");
  });

  it("goes through an encoder where it does not go through the console", () => {
    const commands = readdirSync("scripts/commands", { recursive: true, encoding: "utf8" }).filter((file) =>
      file.endsWith(".ts"),
    );
    const writes = commands.flatMap((file) => [
      ...readFileSync(join("scripts/commands", file), "utf8").matchAll(/process\.std(?:out|err)\.write\(.*/g),
    ]);
    const unencoded = writes.map(([write]) => write).filter((write) => !/write\((terminalText\(|"")/.test(write));
    expect(writes.length).toBeGreaterThan(1);
    expect(unencoded).toEqual([]);
  });

  it("has texts from outside on one line", () => {
    expect(plainText("a\nb\u001b[31mc\u202e")).toBe("a⏎bc\ufffd");
  });
});
