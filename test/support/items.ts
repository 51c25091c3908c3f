/** Arbitrary DynamoDB items for property tests, and the items that they are restored to. */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";

import { jsonNumber } from "../../functions/exports/format/scan-page";
import fc from "./fast-check";

/** A value in DynamoDB JSON: binary is base64. */
export type Typed = Readonly<Record<string, unknown>>;
export type TypedItem = Readonly<Record<string, Typed>>;

const digits = fc.stringMatching(/^\d{1,20}$/);

/** Up to 38 digits and any exponent, also unnormalized: `+1`, `.5`, `007`, `1.`, `1E+5`. */
export const numberText: fc.Arbitrary<string> = fc.oneof(
  fc.integer().map(String),
  fc.bigInt({ min: -(10n ** 38n), max: 10n ** 38n }).map(String),
  fc
    .tuple(
      fc.constantFrom("", "-", "+"),
      fc.oneof(digits, fc.constant("")),
      fc.option(digits, { nil: undefined }),
      fc.option(fc.tuple(fc.constantFrom("e", "E"), fc.constantFrom("", "+", "-"), fc.nat(125)), { nil: undefined }),
    )
    .map(([sign, whole, fraction, exponent]) => {
      const number = whole === "" && fraction === undefined ? "0" : whole;
      return `${sign}${number}${fraction === undefined ? "" : `.${fraction}`}${exponent?.join("") ?? ""}`;
    }),
);

const anyText = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: fc.constantFrom('"', "\\", "n", "\n", "\u0000", "{", "}", "[", ",", ":", "ü", "𝄞", "1") }),
  fc.string({ minLength: 40, maxLength: 200, unit: fc.constantFrom("a", '"', "\\", "é") }),
);

/** Type tags are valid attribute names. */
const key = fc.oneof(anyText, fc.constantFrom("B", "BS", "M", "NS", "SS", "S", "N", "L", "Item", "Items", "__proto__"));

const base64 = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString("base64"));

function map(value: fc.Arbitrary<Typed>): fc.Arbitrary<TypedItem> {
  return fc.array(fc.tuple(key, value), { maxLength: 4 }).map((entries) => Object.fromEntries(entries));
}

const { value } = fc.letrec<{ value: Typed }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    anyText.map((S) => ({ S })),
    numberText.map((N) => ({ N })),
    fc.boolean().map((BOOL) => ({ BOOL })),
    fc.constant({ NULL: true }),
    base64.map((B) => ({ B })),
    fc.uniqueArray(anyText, { minLength: 1, maxLength: 4 }).map((SS) => ({ SS })),
    fc.uniqueArray(numberText, { minLength: 1, maxLength: 4 }).map((NS) => ({ NS })),
    fc.uniqueArray(base64, { minLength: 1, maxLength: 4 }).map((BS) => ({ BS })),
    fc.array(tie("value"), { maxLength: 4 }).map((L) => ({ L })),
    map(tie("value")).map((M) => ({ M })),
  ),
}));

export const typedItem: fc.Arbitrary<TypedItem> = map(value);

/** The item in the SDK's types, with normalized numbers. */
export function attributes(item: TypedItem): Record<string, AttributeValue> {
  return Object.fromEntries(Object.entries(item).map(([name, typed]) => [name, attribute(typed)]));
}

function attribute(typed: Typed): AttributeValue {
  const [[type, content] = ["", undefined]] = Object.entries(typed);
  const bytes = (text: unknown): Uint8Array => Buffer.from(String(text), "base64");
  const number = (text: unknown): string => jsonNumber(String(text)) ?? "not a number";
  const list = content as readonly unknown[];
  switch (type) {
    case "N":
      return { N: number(content) };
    case "NS":
      return { NS: list.map(number) };
    case "B":
      return { B: bytes(content) };
    case "BS":
      return { BS: list.map(bytes) };
    case "L":
      return { L: list.map((each) => attribute(each as Typed)) };
    case "M":
      return { M: attributes(content as TypedItem) };
    default:
      return typed as unknown as AttributeValue;
  }
}
