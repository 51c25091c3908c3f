/** The gate: what the ingress accepts becomes a row. DynamoDB and SQS are models with their documented limits. */
import { MAX_MESSAGE_BYTES, pipelineSchema } from "../../../../functions/pipelines/contract";
import { MalformedMessageError, readMessage } from "../../../../functions/pipelines/message/message";
import { itemBytes, MAX_ITEM_BYTES } from "../../../../functions/pipelines/storage/item-size";
import { rowOf, type Attribute } from "../../../../functions/pipelines/storage/row";
import { sized } from "../../../support/sized";
import { anyCodePoint } from "../../../support/code-points";
import fc from "../../../support/fast-check";

const LABELS = Array.from({ length: 100 }, (_, index) => `Label ${index}`);
const all = pipelineSchema.parse({
  key: "/id",
  version: "/v",
  groupBy: "/text",
  summary: Object.fromEntries(LABELS.map((label) => [label, "/text"])),
});

/** What DynamoDB documents: 400 KB an item, keys of 2,048 and 1,024 bytes that are not empty, well-formed text. */
function dynamodbFault(row: Readonly<Record<string, Attribute>>): string | undefined {
  const texts = (value: Attribute): string[] => {
    if ("BOOL" in value) return [];
    return "S" in value ? [value.S] : Object.values(value.M).flatMap(texts);
  };
  if (itemBytes(row) > 400 * 1024) return "Item size has exceeded the maximum allowed size";
  if (
    Object.values(row)
      .flatMap(texts)
      .some((text) => /\p{Cs}/u.test(text))
  )
    return "not UTF-8";
  const keys = ["key", "group", "day"].flatMap((name) => (row[name] && "S" in row[name] ? [row[name].S] : []));
  return keys.some((key) => key === "" || Buffer.byteLength(key) > 1_024) ? "key" : undefined;
}

/** A message of exactly so many bytes. */
const ofBytes = (bytes: number): string => {
  const rest = JSON.stringify({ id: "1", v: 1, text: "" });
  return JSON.stringify({ id: "1", v: 1, text: "x".repeat(bytes - rest.length) });
};

describe("the gate", () => {
  it.each([MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES - 5, 150_000])(
    "makes a row of %i bytes, whatever is summarised of it",
    (bytes) => {
      const row = rowOf(readMessage(ofBytes(bytes), all, 0));
      expect(dynamodbFault(row)).toBeUndefined();
      expect(row["data"]).toEqual({ S: ofBytes(bytes) });
    },
  );

  it("has room for the longest of everything", () => {
    const long = "é".repeat(512);
    const text = JSON.stringify({ id: long, v: "9".repeat(1_024), text: long, more: "" });
    const rest = MAX_MESSAGE_BYTES - Buffer.byteLength(text);
    const message = readMessage(text.replace('"more":""', `"more":"${"x".repeat(rest)}"`), all, 8_000_000_000_000);
    expect(itemBytes(rowOf(message))).toBeLessThanOrEqual(MAX_ITEM_BYTES);
  });

  it("accepts nothing that cannot become a row", () => {
    const text = fc.oneof(
      fc.string({ unit: anyCodePoint, maxLength: 40 }),
      fc.string({ unit: fc.constantFrom("\ud800", "\udfff", "\u0000", "\n", '"', "\\"), maxLength: 5 }),
      fc.string({ minLength: 1_000, maxLength: 3_000 }),
    );
    const value = fc.oneof(text, fc.double(), fc.jsonValue(), fc.constant(null));
    fc.assert(
      fc.property(value, value, value, (id, v, content) => {
        try {
          const message = readMessage(JSON.stringify({ id, v, text: content }), all, 1);
          expect(dynamodbFault(rowOf(message))).toBeUndefined();
          expect(JSON.parse(message.data)).toEqual(JSON.parse(JSON.stringify({ id, v, text: content })));
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedMessageError);
        }
      }),
      { numRuns: sized(100, 2_000) },
    );
  });

  it("accepts no text that is not JSON, and changes none that is", () => {
    const json = fc
      .oneof(fc.jsonValue(), fc.string())
      .map((text) => JSON.stringify({ id: "1", v: 1, text }, undefined, 1));
    const inserted = fc.constantFrom(...Array.from('"\\{}[],:0 \n\r\t\b\f\v\u0000\u0085\u00a0\u2028\ufeff\uffff'));
    fc.assert(
      fc.property(json, inserted, fc.nat(), (valid, character, at) => {
        const index = at % (valid.length + 1);
        const text = `${valid.slice(0, index)}${character}${valid.slice(index)}`;
        try {
          const { data } = readMessage(text, all, 1);
          expect(JSON.parse(data)).toEqual(JSON.parse(text));
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedMessageError);
        }
      }),
      { numRuns: sized(400, 8_000) },
    );
  });
});
