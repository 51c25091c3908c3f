/** Parses a message: its key, version, group and summary. */
import { createHash } from "node:crypto";

import type { Pipeline } from "../contract";
import { isNumber, isRecord, NotJsonError, toSingleLine, parseJson, textOf, type Json } from "./json";
import { resolvePointer } from "./json-pointer";

/** Half of DynamoDB's limit for partition keys. */
const MAX_KEY_BYTES = 1_024;

/** DynamoDB numbers have 38 digits. */
const VERSION = /^\d{1,38}$/;

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

/** A message that its pipeline rejects. The text begins with the JSON Pointer and never contains the value. */
export class MalformedMessageError extends Error {
  override readonly name = "MalformedMessageError";
}

export interface Message {
  readonly key: string;
  /** Decimal digits. The greater version is newer. */
  readonly version: string;
  /** The value at `groupBy`; undefined when it is missing or too long for an index. */
  readonly group: string | undefined;
  /** Values by label, without missing ones. */
  readonly summary: Readonly<Record<string, string>>;
  /** First receipt by the API, epoch milliseconds. */
  readonly receivedAt: number;
  /** SHA-256 of the data, for change detection. */
  readonly digest: string;
  /** The message as it was sent, on a single line. */
  readonly data: string;
}

/**
 * A pipeline without `version` uses the time of receipt as the version.
 *
 * @throws {@link MalformedMessageError}
 */
export function readMessage(text: string, pipeline: Pipeline, receivedAt: number): Message {
  const data = toSingleLine(text);
  const document = parse(data);
  const group = pipeline.groupBy === undefined ? undefined : resolvePointer(document, pipeline.groupBy);
  return {
    key: keyOf(document, pipeline.key),
    version: pipeline.version === undefined ? String(receivedAt) : versionOf(document, pipeline.version),
    group: group === undefined ? undefined : indexable(textOf(group)),
    summary: summaryOf(document, pipeline.summary),
    receivedAt,
    digest: createHash("sha256").update(data).digest("hex"),
    data,
  };
}

/** @throws {@link MalformedMessageError} */
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

function summaryOf(document: Json, pointers: Pipeline["summary"]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pointers.flatMap(([label, pointer]) => {
      const value = resolvePointer(document, pointer);
      return value === undefined || value === null ? [] : [[label, textOf(value)]];
    }),
  );
}

function keyOf(document: Json, pointer: string): string {
  const value = resolvePointer(document, pointer);
  if (value === undefined) throw new MalformedMessageError(`${pointer}: is missing: it is the message's key`);
  const key = typeof value === "string" ? value : isNumber(value) ? value.value : "";
  if (indexable(key) === undefined)
    throw new MalformedMessageError(`${pointer}: is neither text of 1 to ${MAX_KEY_BYTES} bytes nor a number`);
  return key;
}

function versionOf(document: Json, pointer: string): string {
  const value = resolvePointer(document, pointer);
  if (value === undefined) throw new MalformedMessageError(`${pointer}: is missing: it is the message's version`);
  const text = typeof value === "string" ? value : isNumber(value) ? value.value : "";
  if (VERSION.test(text)) return text;
  const time = typeof value === "string" && TIME.test(text) ? Date.parse(text) : NaN;
  if (time >= 0) return String(time);
  throw new MalformedMessageError(
    `${pointer}: is neither a whole number of up to 38 digits nor a time such as 2026-11-21T07:00:00Z`,
  );
}

/** Undefined when the text cannot be a key of a table or index. */
function indexable(text: string): string | undefined {
  return text !== "" && Buffer.byteLength(text) <= MAX_KEY_BYTES ? text : undefined;
}
