/** Parses exported lines back to DynamoDB items. The inverse of scan-page.ts; the encoding is described in docs/decisions/0011. */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";

import { errorMessage } from "../../shared/errors";
import { parseJson } from "../../shared/input";

/** Not a line of an export. The message has the reason, never the content. */
export class MalformedItemError extends Error {
  override readonly name = "MalformedItemError";
}

export type Item = Record<string, AttributeValue>;

/** JSON strings and numbers. Strings come first: they may contain digits. */
const TEXT_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;

/**
 * Parses an item without rounding numbers: before `JSON.parse` each number becomes a string with the prefix `n`, and each string gets the
 * prefix `s`.
 *
 * @throws {@link MalformedItemError}
 */
export function parsePlainItem(line: string): Item {
  const value = jsonOf(
    line.replace(TEXT_OR_NUMBER, (token) => (token.startsWith('"') ? `"s${token.slice(1)}` : `"n${token}"`)),
  );
  if (!isMap(value)) throw new MalformedItemError("the line is not a JSON object");
  return attributesOf(value);
}

/** What restoring a line does to the table. */
export type Change = { readonly put: Item } | { readonly remove: Item };

/**
 * Parses a line of DynamoDB's own export: `{"Item":{"id":{"S":"1"}}}`, or of an incremental one
 * `{"Keys":{"id":{"S":"1"}},"NewImage":{"id":{"S":"1"}}}`, without NewImage for a deleted item.
 *
 * @throws {@link MalformedItemError}
 */
export function parseDynamoLine(line: string): Change {
  const value = jsonOf(line);
  const { Item: whole, NewImage: image = whole, Keys: keys } = isMap(value) ? value : {};
  if (isMap(image)) return { put: typedAttributesOf(image) };
  if (isMap(keys)) return { remove: typedAttributesOf(keys) };
  throw new MalformedItemError("the line has no Item, NewImage or Keys");
}

function jsonOf(line: string): unknown {
  try {
    return parseJson(line);
  } catch (error) {
    throw new MalformedItemError(`the line ${errorMessage(error)}`);
  }
}

type JsonMap = Readonly<Record<string, unknown>>;

function isMap(value: unknown): value is JsonMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function attributesOf(map: JsonMap): Item {
  // fromEntries also defines a key "__proto__".
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key.slice(1), attributeOf(value)]));
}

function attributeOf(value: unknown): AttributeValue {
  if (typeof value === "string") return value.startsWith("n") ? { N: value.slice(1) } : { S: value.slice(1) };
  if (typeof value === "boolean") return { BOOL: value };
  if (value === null) return { NULL: true };
  if (Array.isArray(value)) return { L: value.map(attributeOf) };
  if (!isMap(value)) throw new MalformedItemError("a value has no JSON type");
  const [entry, ...others] = Object.entries(value);
  const tagged = entry && others.length === 0 ? taggedAttribute(entry[0].slice(1), entry[1]) : undefined;
  return tagged ?? { M: attributesOf(value) };
}

/** Undefined when the key is not a type tag. */
function taggedAttribute(tag: string, value: unknown): AttributeValue | undefined {
  switch (tag) {
    case "B":
      return { B: bytesOf(textOf(value, "s")) };
    case "SS":
      return { SS: elementsOf(value).map((element) => textOf(element, "s")) };
    case "NS":
      return { NS: elementsOf(value).map((element) => textOf(element, "n")) };
    case "BS":
      return { BS: elementsOf(value).map((element) => bytesOf(textOf(element, "s"))) };
    case "M":
      if (!isMap(value)) throw new MalformedItemError('a value tagged "M" is not a map');
      return { M: attributesOf(value) };
    default:
      return undefined;
  }
}

function elementsOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new MalformedItemError("a set is not a list");
  return value;
}

function textOf(value: unknown, kind: "s" | "n"): string {
  if (typeof value !== "string" || !value.startsWith(kind))
    throw new MalformedItemError(`a tagged value is not a ${kind === "s" ? "string" : "number"}`);
  return value.slice(1);
}

function bytesOf(base64: string): Uint8Array {
  return Buffer.from(base64, "base64");
}

function typedAttributesOf(map: JsonMap): Item {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, typedAttributeOf(value)]));
}

/** DynamoDB JSON differs from the SDK's types only in binary values, which are base64. */
function typedAttributeOf(value: unknown): AttributeValue {
  const [entry] = isMap(value) ? Object.entries(value) : [];
  if (entry === undefined) throw new MalformedItemError("a value has no type");
  const [type, content] = entry;
  if (type === "S" && typeof content === "string") return { S: content };
  if (type === "N" && typeof content === "string") return { N: content };
  if (type === "B" && typeof content === "string") return { B: bytesOf(content) };
  if (type === "BOOL" && typeof content === "boolean") return { BOOL: content };
  if (type === "NULL") return { NULL: true };
  if (type === "M" && isMap(content)) return { M: typedAttributesOf(content) };
  if (type === "L") return { L: elementsOf(content).map(typedAttributeOf) };
  if (type === "SS") return { SS: elementsOf(content).map(String) };
  if (type === "NS") return { NS: elementsOf(content).map(String) };
  if (type === "BS") return { BS: elementsOf(content).map((element) => bytesOf(String(element))) };
  throw new MalformedItemError("a value has no DynamoDB type");
}

/**
 * Parses a key in DynamoDB JSON: `{"id":{"S":"1"}}`.
 *
 * @throws {@link MalformedItemError}
 */
export function parseDynamoKey(json: string): Item {
  const value = jsonOf(json);
  if (!isMap(value)) throw new MalformedItemError("the key is not a JSON object");
  return typedAttributesOf(value);
}
