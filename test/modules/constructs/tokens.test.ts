import { DefaultTokenResolver, Fn, Lazy, StringConcat, TerraformStack, Testing, Token, Tokenization } from "cdktf";
import { resolveTokens } from "../../../modules/constructs/tokens";
import fc from "../../support/fast-check";

const stack = new TerraformStack(Testing.app(), "stack");
const resolver = new DefaultTokenResolver(new StringConcat());
const resolve = (value: unknown): unknown => Tokenization.resolve(value, { scope: stack, resolver, preparing: false });

const tokens = [
  Token.asString("text"),
  Token.asNumber(7),
  Token.asNumber("${aws_x.y.z}"),
  Token.asList(["a", Token.asString("b")]),
  Token.asAny({ nested: [Token.asNumber(1), undefined] }),
  Token.asStringMap({ a: "b" }),
  Lazy.stringValue({ produce: () => "lazy" }),
  Lazy.anyValue({ produce: () => undefined }),
  Lazy.anyValue({ produce: () => [Lazy.numberValue({ produce: () => 2 })] }),
  Fn.jsonencode({ a: Token.asString("${var.a}") }),
];
const token = fc.constantFrom<unknown>(...tokens);
const text = fc
  .array(
    fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 6 }),
      fc.constantFrom("${var.a}", "$${", "%{", "}", "1e+3", "-1.5e-7"),
      fc.constantFrom(...tokens.filter((each) => typeof each === "string" || typeof each === "number").map(String)),
    ),
    { maxLength: 4 },
  )
  .map((parts) => parts.join(""));
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(text, token, fc.integer(), fc.boolean(), fc.constantFrom(null, undefined, 1e-9, 1e300)),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.oneof(text, fc.constantFrom("a", "//", "__proto__x")), tie("value"), { maxKeys: 4 }),
  ),
}));

/** What a function returns, or that it throws. */
function outcomeOf(run: () => unknown): unknown {
  try {
    return { value: run() };
  } catch {
    return "throws";
  }
}

it("resolves every value as cdktf does, to the order of its fields", () => {
  fc.assert(
    fc.property(value, (given) => {
      const expected = outcomeOf(() => resolve(given));
      expect(JSON.stringify(outcomeOf(() => resolveTokens(given, resolve)))).toBe(JSON.stringify(expected));
    }),
    { numRuns: 2_000 },
  );
});
