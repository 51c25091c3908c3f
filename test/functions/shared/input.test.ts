import * as z from "zod";

import { withoutContent } from "../../../functions/shared/errors";
import { describeIssues, parseInput, parseJson } from "../../../functions/shared/input";
import fc from "../../support/fast-check";

const SECRET = "S3cr3tT0ken!";

const messageOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "";
};

describe("text that is not JSON", () => {
  it.each([
    [SECRET, "is not JSON (position 0: line 1, column 1)"],
    [`{"password":${SECRET}}`, "is not JSON (position 12: line 1, column 13)"],
    [`{\n  "a": 1,\n  "b": x\n}`, "is not JSON (position 19: line 3, column 8)"],
    ['{"a": "', "is not JSON (position 7: it ends too early)"],
    ['{"a": 1', "is not JSON (position 7: it ends too early)"],
    ['{"a": "b\n"}', "is not JSON (position 8: line 1, column 9)"],
    ['"\\x"', "is not JSON (position 1: line 1, column 2)"],
    ["[1,]", "is not JSON (position 3: line 1, column 4)"],
    ['{"a":1,}', "is not JSON (position 7: line 1, column 8)"],
    ["01", "is not JSON (position 1: line 1, column 2)"],
    ["{} {}", "is not JSON (position 3: line 1, column 4)"],
    ["[1}", "is not JSON (position 2: line 1, column 3)"],
    ["", "is not JSON (it is empty)"],
  ])("is described by its position: %s", (text, message) => {
    expect(messageOf(() => parseJson(text))).toBe(message);
  });

  it("is found in 100,000 open brackets, without recursion", () => {
    expect(messageOf(() => parseJson(`${"[".repeat(100_000)}x`))).toContain("position 100000");
  });

  it("has a position exactly when JSON.parse refuses it, and the text before it is a beginning of JSON", () => {
    const broken = fc
      .tuple(
        fc.json({ maxDepth: 3 }),
        fc.nat(),
        fc.constantFrom("", "x", '"', "{", "]", ",", ":", "\\", "0", "\n", "\u0000"),
      )
      .map(([text, at, part]) => {
        const index = at % (text.length + 1);
        return text.slice(0, index) + part + text.slice(index + (at % 2));
      });
    fc.assert(
      fc.property(broken, (text) => {
        const message = messageOf(() => parseJson(text));
        const [, position] = /position (\d+)/.exec(message) ?? [];
        expect(message === "").toBe(messageOf(() => JSON.parse(text) as unknown) === "");
        if (message === "" || text.trim() === "") return;
        expect(Number(position)).toBeLessThanOrEqual(text.length);
        // V8 names the position of what it misses.
        const [, expected] = /^Expected .* at position (\d+)/.exec(messageOf(() => JSON.parse(text) as unknown)) ?? [];
        if (expected !== undefined) expect(position).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("a value of another form", () => {
  const schema = z.strictObject({
    name: z.string().optional(),
    kind: z.enum(["a", "b"]).optional(),
    prices: z.record(z.string(), z.number()).optional(),
    items: z.array(z.strictObject({ size: z.number() })).optional(),
    either: z.union([z.strictObject({ x: z.number() }), z.strictObject({ y: z.number() })]).optional(),
  });

  it.each([
    [{ [SECRET]: 1 }, "has an unknown field"],
    [{ [SECRET]: 1, more: 2 }, "has 2 unknown fields"],
    [{ kind: SECRET }, 'kind: Invalid option: expected one of "a"|"b"'],
    [{ prices: { [SECRET]: "1" } }, "prices.*: Invalid input: expected number, received string"],
    [{ items: [{ size: 1 }, { size: SECRET, [SECRET]: 1 }] }, /^items\.1\.size: .*; items\.1: has an unknown field$/],
    [{ either: { [SECRET]: SECRET } }, "either: Invalid input"],
    [SECRET, "Invalid input: expected object, received string"],
  ])("is described by the path of our names: %j", (value, message) => {
    const faults = messageOf(() => parseInput(schema, value));
    expect(faults).toMatch(message);
    expect(faults).not.toContain(SECRET);
  });

  it("has at most twenty faults told", () => {
    const many = messageOf(() =>
      parseInput(
        z.array(z.number()),
        Array.from({ length: 1_000 }, () => "x"),
      ),
    );
    expect(many).toMatch(/; and 980 more$/);
  });

  it("never quotes a name or a value of it", () => {
    const marked = fc.anything({ key: fc.constant(SECRET), values: [fc.constant(SECRET), fc.integer()], maxDepth: 3 });
    fc.assert(
      fc.property(fc.record({ name: marked, kind: marked, prices: marked, items: marked, either: marked }), (value) => {
        const { error } = schema.safeParse(value);
        if (error !== undefined) expect(describeIssues(error, schema)).not.toContain(SECRET);
      }),
    );
  });
});

describe("an error that quotes what was sent", () => {
  const thrownBy = (work: () => unknown): Error => {
    try {
      work();
    } catch (error) {
      if (error instanceof Error) return error;
    }
    throw new Error("it did not throw");
  };
  const quoting = () => thrownBy(() => JSON.parse(SECRET) as unknown);

  it.each([
    ["of JSON.parse", () => quoting()],
    ["of zod", () => thrownBy(() => z.strictObject({}).parse({ [SECRET]: 1 }))],
    ["as a cause", () => new Error("outer", { cause: new Error("inner", { cause: quoting() }) })],
  ])("is replaced: %s", (_, errorOf) => {
    const safe = withoutContent(errorOf());
    const texts: string[] = [];
    for (let error: unknown = safe; error instanceof Error; error = error.cause)
      texts.push(error.name, error.message, error.stack ?? "", JSON.stringify(error));
    expect(texts.join("\n")).not.toContain(SECRET);
    expect(texts.join("\n")).toMatch(/at .*input\.test/);
  });

  it("leaves every other error as it is", () => {
    const error = new Error("outer", { cause: new TypeError("inner") });
    expect(withoutContent(error)).toBe(error);
    expect(withoutContent("text")).toBe("text");
  });
});
