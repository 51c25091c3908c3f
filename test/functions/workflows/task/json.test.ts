import { taskRequestSchema } from "../../../../functions/workflows/contract";
import { hashOf } from "../../../../functions/workflows/task/input-hash";
import { hasExactNumbers } from "../../../../functions/shared/json-text";
import { measured } from "../../../support/measured";
import fc from "../../../support/fast-check";

const nested = (depth: number): unknown => JSON.parse("[".repeat(depth) + "]".repeat(depth));

describe("an input", () => {
  it.each([
    ["is nested too deeply", nested(5_000), /nested deeper than 100/],
    ["has half a surrogate pair", ["a\ud83d"], /surrogate pair/],
    ["has half a surrogate pair in a name", { "\udc00": 1 }, /surrogate pair/],
    ["has an integer that was rounded", { amount: 9_007_199_254_740_992 }, /send it as a string/],
    ["is too long", "x".repeat(260_000), /longer than 250000 bytes/],
    ["is too long in UTF-8", "ü".repeat(130_000), /longer than 250000 bytes/],
  ])("is refused when it %s", (_, input, message) => {
    const parsed = taskRequestSchema.safeParse({ taskId: "order-1", input });
    expect(parsed.error?.issues.map((issue) => issue.message)).toEqual([expect.stringMatching(message)]);
  });

  it.each([nested(99), null, false, "💥", { ["__proto__"]: 1, a: [1.5, -0, 1e-7] }])("is accepted: %j", (input) => {
    expect(taskRequestSchema.parse({ taskId: "order-1", input })).toEqual({ taskId: "order-1", input });
  });
});

describe("numbers of a text", () => {
  it.each([
    "9007199254740993",
    "1.00000000000000001",
    "1e400",
    "-0.1234567890123456789",
    '{"a":[1,12345678901234567891]}',
  ])("are not exact: %s", (text) => {
    expect(hasExactNumbers(text)).toBe(false);
  });

  it.each([
    "9007199254740991",
    "1.10",
    "0.1e1",
    "-0",
    "0.0",
    "1E+2",
    "5e-324",
    '"9007199254740993 \\" 1e400"',
    '{"1e400":1}',
  ])("are exact: %s", (text) => {
    expect(hasExactNumbers(text)).toBe(true);
  });

  it("are exact exactly when JSON.parse does not change their value", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 69n), max: 2n ** 69n }), (integer) => {
        expect(hasExactNumbers(`[${integer}]`)).toBe(String(Number(integer)) === String(integer));
      }),
    );
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(hasExactNumbers(JSON.stringify(value))).toBe(true);
      }),
    );
  });
});

describe("the hash of an input", () => {
  it("is the same for equal JSON, and another for any other", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        const canonical = (value: unknown) =>
          JSON.stringify(value, (_, item: unknown) =>
            typeof item === "object" && item !== null && !Array.isArray(item)
              ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
              : item,
          );
        expect(hashOf(one) === hashOf(other)).toBe(canonical(one) === canonical(other));
        expect(hashOf(JSON.parse(JSON.stringify(one)))).toBe(hashOf(one));
      }),
    );
    expect(hashOf({ a: 1, b: { c: 2, d: 3 } })).toBe(hashOf({ b: { d: 3, c: 2 }, a: 1 }));
    expect(hashOf({ a: 1 })).not.toBe(hashOf({ a: "1" }));
  });
});

it("a number of any length is judged in linear time: a request has 29 seconds", () => {
  const zeros = "0".repeat(240_000);
  const { result, cpuMs } = measured(() => ["1", ""].map((end) => hasExactNumbers(`{"input":0.1${zeros}${end}}`)));
  expect(result).toEqual([false, true]);
  // A minute before.
  expect(cpuMs).toBeLessThan(10_000);
});
