import { cell, fenced, lines, mark, prose } from "../../../scripts/review/markdown-text";
import fc from "../../support/fast-check";

const HOSTILE = [
  "`",
  "``x`",
  "a|b",
  "a\\|b",
  "<img src=x onerror=alert(1)>",
  "@team",
  "#1",
  "[x](https://evil.example)",
  "![x](https://evil.example)",
  "x\n# Heading",
  "x\r\n```\nx",
  "\u2028- [x] done",
  "\u202egpj.exe",
  "\u001b[31m",
  "-->",
  "</details>",
  "&lt;",
  "*x*",
  "~~x~~",
  "http://evil.example",
];
const texts = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string(),
  fc.array(fc.constantFrom(...HOSTILE)).map((all) => all.join("")),
);

it("a text in a template is inline code on one line, and nothing ends it before its end", () => {
  fc.assert(
    fc.property(texts, (text) => {
      const markdown = mark`a ${text} z`.toString();
      if (text === "") return;
      const [, fence = "", content = ""] = /^a (`+)([^\n]*)\1 z$/.exec(markdown) ?? [];
      expect(fence).not.toBe("");
      expect(content.match(/`+/g) ?? []).not.toContain(fence);
      expect(markdown).not.toMatch(/\p{Cc}|\p{Bidi_Control}|\u2028/u);
    }),
  );
});

it("a cell ends no cell and no row", () => {
  fc.assert(
    fc.property(texts, (text) => {
      const row = mark`| ${cell(text)} |`.toString();
      expect(row).not.toMatch(/[\n\r]/);
      expect(row.slice(1, -1)).not.toMatch(/[|\\]/);
      if (row.includes("<code>")) expect(row).toMatch(/^\| <code>[^<>`*_[\]@|\\]*<\/code> \|$/);
    }),
  );
});

it("a block has as many lines as were given, and none ends it", () => {
  fc.assert(
    fc.property(fc.array(texts), (content) => {
      const [first = "", ...others] = fenced(content).toString().split("\n");
      const fence = first.replace(/diff$/, "");
      expect(others).toHaveLength(Math.max(1, content.length) + 1);
      expect(others.slice(0, -1).filter((line) => line.includes(fence))).toEqual([]);
      expect(others.at(-1)).toBe(fence);
    }),
  );
});

it("a sentence stays one, or becomes code", () => {
  expect(prose("changes who can use it (policy)").toString()).toBe("changes who can use it (policy)");
  expect(prose("is a <b>").toString()).toBe("`is a <b>`");
  expect(lines(mark`- ${"x"}`, "", mark`y`).toString()).toBe("- `x`\n\ny");
});
