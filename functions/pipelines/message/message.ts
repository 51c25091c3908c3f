/** Parses a message: its key, version, group and summary. */
import { createHash } from "node:crypto";

import { truncateBytes } from "../../shared/text";
import { SINCE_EVER, type Pipeline, type Pointers } from "../contract";
import { isNumber, isRecord, NotJsonError, toSingleLine, parseJson, textOf, type Json } from "./json";
import { resolvePointer } from "./json-pointer";
import { versionOrder } from "./version";

/** Half of DynamoDB's limit for partition keys. */
const MAX_KEY_BYTES = 1_024;

/** Its order has nearly the same length. */
const MAX_VERSION_CHARACTERS = 1_024;

/** Of a value in the row's summary. The data have the whole value. */
const MAX_SUMMARY_BYTES = 1_024;

/** A message that its pipeline rejects. The text has the reason, and never a value or a name that the sender has chosen. */
export class MalformedMessageError extends Error {
  override readonly name = "MalformedMessageError";
}

export interface Message {
  readonly key: string;
  /** The pointer to the key. */
  readonly keySource: string;
  /** As it was sent: a number or a time. */
  readonly version: string;
  /** Sorts as text like the versions do. The greater one is newer. */
  readonly versionOrder: string;
  /** The pointer to the version, or `receipt`. Versions of different sources do not compare. */
  readonly versionSource: string;
  /** Since when the pipeline has its pointers, ISO 8601. Of versions that do not compare, the later one is newer. */
  readonly versionSince: string;
  /** The value at `groupBy`; undefined when it is missing, null, or too long for an index. */
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
 * Negative when `a` is older than `b`. Of two messages with the same version, the one with the greater digest is newer: in whatever order
 * they come, the table ends the same.
 */
export function compareVersions(a: Message, b: Message): number {
  const bySince = a.versionSource === b.versionSource ? 0 : compareTexts(a.versionSince, b.versionSince);
  return bySince || compareTexts(a.versionOrder, b.versionOrder) || compareTexts(a.digest, b.digest);
}

const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * A pipeline without `version` uses the time of receipt as the version.
 *
 * @param pointers by which the message was accepted
 * @throws {@link MalformedMessageError}
 */
export function readMessage(
  text: string,
  pipeline: Pipeline,
  receivedAt: number,
  pointers: Pointers = pointersOf(pipeline),
): Message {
  // Not of the single line: a line break within a string, which JSON does not allow, would become a space.
  const document = parse(text);
  const data = toSingleLine(text);
  const group = pipeline.groupBy === undefined ? undefined : resolvePointer(document, pipeline.groupBy);
  return {
    key: keyOf(document, pointers.key),
    keySource: pointers.key,
    ...(pointers.version === undefined ? receiptVersion(receivedAt) : versionOf(document, pointers.version)),
    versionSince: pointers.since,
    group: group === undefined || group === null ? undefined : indexable(textOf(group)),
    summary: summaryOf(document, pipeline.summary),
    receivedAt,
    digest: createHash("sha256").update(data).digest("hex"),
    data,
  };
}

/** @param since when they were last changed */
export function pointersOf({ key, version }: Pipeline, since = SINCE_EVER): Pointers {
  return { key, since, ...(version !== undefined && { version }) };
}

/** @throws {@link MalformedMessageError} */
function parse(text: string): Json {
  try {
    const document = parseJson(text);
    if (!isRecord(document)) throw new MalformedMessageError("is not a JSON object");
    return document;
  } catch (error) {
    if (error instanceof NotJsonError) throw new MalformedMessageError(error.message);
    throw error;
  }
}

function summaryOf(document: Json, pointers: Pipeline["summary"]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pointers.flatMap(([label, pointer]) => {
      const value = resolvePointer(document, pointer);
      return value === undefined || value === null ? [] : [[label, truncateBytes(textOf(value), MAX_SUMMARY_BYTES)]];
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

type Version = Pick<Message, "version" | "versionOrder" | "versionSource">;

function receiptVersion(receivedAt: number): Version {
  const version = String(receivedAt);
  return { version, versionOrder: versionOrder(version) ?? "", versionSource: "receipt" };
}

function versionOf(document: Json, pointer: string): Version {
  const value = resolvePointer(document, pointer);
  if (value === undefined) throw new MalformedMessageError(`${pointer}: is missing: it is the message's version`);
  const version = typeof value === "string" ? value : isNumber(value) ? value.value : "";
  const order = version.length <= MAX_VERSION_CHARACTERS ? versionOrder(version) : undefined;
  if (order !== undefined) return { version, versionOrder: order, versionSource: pointer };
  throw new MalformedMessageError(
    `${pointer}: is neither a number of up to ${MAX_VERSION_CHARACTERS} characters nor a time such as 2026-11-21T07:00:00Z`,
  );
}

/** Undefined when the text cannot be a key of a table or index. */
function indexable(text: string): string | undefined {
  return text !== "" && Buffer.byteLength(text) <= MAX_KEY_BYTES ? text : undefined;
}
