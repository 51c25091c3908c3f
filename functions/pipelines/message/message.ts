/** What is read out of a message: its key, its version, and what is lifted out for rows, indexes and people. */
import { createHash } from "node:crypto";

import type { Channel } from "../contract";
import { isNumber, isRecord, NotJsonError, onOneLine, parseJson, textOf, type Json } from "./json";
import { at } from "./json-pointer";

/** Of partition keys DynamoDB takes 2,048 bytes; nobody needs half of it. */
const LONGEST_KEY_BYTES = 1_024;

/** DynamoDB's numbers hold 38 digits. */
const LONGEST_VERSION = /^\d{1,38}$/;

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

/** A message that its channel cannot take. The text begins with where, and never quotes what stands there. */
export class MalformedMessageError extends Error {
  override readonly name = "MalformedMessageError";
}

export interface Message {
  /** What it is about. */
  readonly key: string;
  /** Digits; of two versions the greater is the newer. */
  readonly version: string;
  /** What `groupBy` leads to; undefined where that is nothing, or too long for an index. */
  readonly group: string | undefined;
  /** By label; what a message does not have is left out. */
  readonly summary: Readonly<Record<string, string>>;
  /** When the door received it first, epoch milliseconds. */
  readonly receivedAt: number;
  /** SHA-256 of the data: tells whether anything has changed. */
  readonly digest: string;
  /** The whole message as it was sent, on one line. */
  readonly data: string;
}

/**
 * Reads a message of a channel. Without a version of its own it has its time: then whichever was received last is the newest.
 *
 * @throws {@link MalformedMessageError}
 */
export function readMessage(text: string, channel: Channel, receivedAt: number): Message {
  const data = onOneLine(text);
  const document = parse(data);
  const group = channel.groupBy === undefined ? undefined : at(document, channel.groupBy);
  return {
    key: keyOf(document, channel.key),
    version: channel.version === undefined ? String(receivedAt) : versionOf(document, channel.version),
    group: group === undefined ? undefined : indexable(textOf(group)),
    summary: summaryOf(document, channel.summary),
    receivedAt,
    digest: createHash("sha256").update(data).digest("hex"),
    data,
  };
}

/** @throws {@link MalformedMessageError} when it is no JSON object */
function parse(data: string): Json {
  try {
    const document = parseJson(data);
    if (!isRecord(document)) throw new MalformedMessageError("is not a JSON object");
    return document;
  } catch (error) {
    if (error instanceof NotJsonError) throw new MalformedMessageError(error.message, { cause: error });
    throw error;
  }
}

/** What is lifted out of a message, by label. */
export function summaryOf(document: Json, pointers: Channel["summary"]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(pointers).flatMap(([label, pointer]) => {
      const value = at(document, pointer);
      return value === undefined || value === null ? [] : [[label, textOf(value)]];
    }),
  );
}

function keyOf(document: Json, pointer: string): string {
  const value = at(document, pointer);
  if (value === undefined) throw new MalformedMessageError(`${pointer}: is missing: it is the message's key`);
  const key = typeof value === "string" ? value : isNumber(value) ? value.value : "";
  if (indexable(key) === undefined)
    throw new MalformedMessageError(`${pointer}: is no text of 1 to ${LONGEST_KEY_BYTES} bytes and no number`);
  return key;
}

function versionOf(document: Json, pointer: string): string {
  const value = at(document, pointer);
  if (value === undefined) throw new MalformedMessageError(`${pointer}: is missing: it is the message's version`);
  const text = typeof value === "string" ? value : isNumber(value) ? value.value : "";
  if (LONGEST_VERSION.test(text)) return text;
  const time = typeof value === "string" && TIME.test(text) ? Date.parse(text) : NaN;
  if (time >= 0) return String(time);
  throw new MalformedMessageError(
    `${pointer}: is neither a whole number of up to 38 digits nor a time such as 2026-11-21T07:00:00Z`,
  );
}

function indexable(text: string): string | undefined {
  return text !== "" && Buffer.byteLength(text) <= LONGEST_KEY_BYTES ? text : undefined;
}
