/** From a line of plain JSON back to an item of DynamoDB's. The inverse of scan-page.ts; the encoding is decision 11. */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";

import { errorMessage } from "../../shared/errors";

/** A line that no export has written. The message says why, not what it holds. */
export class MalformedItemError extends Error {
  override readonly name = "MalformedItemError";
}

export type Item = Record<string, AttributeValue>;

/** Strings and numbers of JSON; within a string, what looks like a number is part of it. */
const TEXT_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;

/**
 * Reads one item. Numbers keep every digit: `JSON.parse` gets each as a string that begins with `n`, and each string with an `s`.
 *
 * @throws {@link MalformedItemError}
 */
export function parsePlainItem(line: string): Item {
  const value = parsed(
    line.replace(TEXT_OR_NUMBER, (token) => (token.startsWith('"') ? `"s${token.slice(1)}` : `"n${token}"`)),
  );
  if (!isMap(value)) throw new MalformedItemError("a line is no item: it is not an object");
  return attributesOf(value);
}

/** What a line does to a table that it is restored to. */
export type Change = { readonly put: Item } | { readonly remove: Item };

/**
 * Reads one line as DynamoDB's own export writes it: an item, `{"Item":{"id":{"S":"1"}}}`, or one that was changed or deleted,
 * `{"Keys":{"id":{"S":"1"}},"NewImage":{"id":{"S":"1"}}}`.
 *
 * @throws {@link MalformedItemError}
 */
export function parseDynamoLine(line: string): Change {
  const value = parsed(line);
  const { Item: whole, NewImage: image = whole, Keys: keys } = isMap(value) ? value : {};
  if (isMap(image)) return { put: typedAttributesOf(image) };
  if (isMap(keys)) return { remove: typedAttributesOf(keys) };
  throw new MalformedItemError("a line has no Item, NewImage or Keys");
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    // The engine's message quotes what it could not read: it is left out.
    throw new MalformedItemError(`a line is no JSON (${errorMessage(error).split(/[,:"]/)[0] ?? ""})`);
  }
}

type JsonMap = Readonly<Record<string, unknown>>;

function isMap(value: unknown): value is JsonMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function attributesOf(map: JsonMap): Item {
  // A key may be "__proto__": fromEntries defines it as any other.
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key.slice(1), attributeOf(value)]));
}

function attributeOf(value: unknown): AttributeValue {
  if (typeof value === "string") return value.startsWith("n") ? { N: value.slice(1) } : { S: value.slice(1) };
  if (typeof value === "boolean") return { BOOL: value };
  if (value === null) return { NULL: true };
  if (Array.isArray(value)) return { L: value.map(attributeOf) };
  if (!isMap(value)) throw new MalformedItemError("a value is of no type of JSON's");
  const [entry, ...others] = Object.entries(value);
  const tagged = entry && others.length === 0 ? taggedAttribute(entry[0].slice(1), entry[1]) : undefined;
  return tagged ?? { M: attributesOf(value) };
}

/** Undefined: no tag, so this is a map of one key like any other. */
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
      if (!isMap(value)) throw new MalformedItemError('a value tagged "M" is no map');
      return { M: attributesOf(value) };
    default:
      return undefined;
  }
}

function elementsOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new MalformedItemError("a set is no list");
  return value;
}

function textOf(value: unknown, kind: "s" | "n"): string {
  if (typeof value !== "string" || !value.startsWith(kind))
    throw new MalformedItemError(`a tagged value is no ${kind === "s" ? "string" : "number"}`);
  return value.slice(1);
}

function bytesOf(base64: string): Uint8Array {
  return Buffer.from(base64, "base64");
}

function typedAttributesOf(map: JsonMap): Item {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, typedAttributeOf(value)]));
}

/** DynamoDB JSON differs from the SDK's types in binary only, which it writes as base64. */
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
  throw new MalformedItemError("a value is of no type of DynamoDB's");
}

/**
 * Reads a key, DynamoDB JSON without more: `{"id":{"S":"1"}}`.
 *
 * @throws {@link MalformedItemError}
 */
export function parseDynamoKey(json: string): Item {
  const value = parsed(json);
  if (!isMap(value)) throw new MalformedItemError("a key is no object");
  return typedAttributesOf(value);
}
