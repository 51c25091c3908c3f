/** The notification of a change. Redacted before it is stored. */
import * as z from "zod";

import { ownValue } from "../../shared/own-value";
import { truncate } from "../../shared/text";
import type { Pipeline } from "../contract";
import { parseJson, textOf } from "../message/json";
import { QUIET } from "../storage/row";
import { isWithin, redact, resolvePointer } from "../message/json-pointer";

const MAX_VALUE_CHARACTERS = 200;

/** Replaces private values. */
const REDACTED = "•••";

const fieldSchema = z.object({
  label: z.string(),
  value: z.string(),
  /** The previous value, when it differs. */
  before: z.string().optional(),
});
export type Field = z.output<typeof fieldSchema>;

export const notificationSchema = z.object({
  /** The pipeline's name: `jobOrder`. */
  pipeline: z.string(),
  key: z.string(),
  version: z.string().optional(),
  kind: z.enum(["new", "changed", "removed"]),
  /** First receipt by the API, ISO 8601. */
  receivedAt: z.string(),
  fields: z.array(fieldSchema),
});
export type Notification = z.output<typeof notificationSchema>;

/** A row's image in a stream record. Usually one of row.ts, but rows can also be written by hand. */
export type Image = Readonly<Record<string, unknown>>;

/** Images before and after a change. Undefined before an insert and after a removal. */
export interface Change {
  readonly before: Image | undefined;
  readonly after: Image | undefined;
}

/**
 * Undefined when the data are the same, or written by a quiet replay. Never throws: a malformed row, such as one written by hand, gets a notification with its key
 * alone, so it does not block the stream.
 */
export function notificationOf(name: string, pipeline: Pipeline, { before, after }: Change): Notification | undefined {
  const row = after ?? before ?? {};
  if (isQuiet(after)) return undefined;
  // One that was written by hand has none.
  const digest = stringOf(after ?? {}, "digest");
  if (digest !== "" && before !== undefined && digest === stringOf(before, "digest")) return undefined;
  // Of a row that was written before the pipeline got another key or version, too.
  const shown = (text: string, source: string): string =>
    pipeline.private.some((pointer) => isWithin(source, pointer)) ? REDACTED : shorten(text);
  const version = pipeline.version === undefined ? undefined : textOrNumberOf(row, "version");
  return {
    pipeline: name,
    key: shown(stringOf(row, "key"), stringOf(row, "keySource") || pipeline.key),
    ...(version !== undefined && {
      version: shown(version, stringOf(row, "versionSource") || (pipeline.version ?? "")),
    }),
    kind: after === undefined ? "removed" : before === undefined ? "new" : "changed",
    receivedAt: shorten(stringOf(row, "receivedAt")),
    fields: after === undefined ? [] : fieldsOf(pipeline, before, after),
  };
}

function fieldsOf(pipeline: Pipeline, before: Image | undefined, after: Image): Field[] {
  const values = redactedSummary(pipeline, after);
  const oldValues = before === undefined ? {} : redactedSummary(pipeline, before);
  return pipeline.summary.flatMap(([label]) => {
    const value = ownValue(values, label);
    const old = ownValue(oldValues, label);
    if (value === undefined && old === undefined) return [];
    return [{ label, value: value ?? "–", ...(before !== undefined && old !== value && { before: old ?? "–" }) }];
  });
}

/** Summary values by label. */
function redactedSummary(pipeline: Pipeline, row: Image): Readonly<Record<string, string | undefined>> {
  try {
    const document = parseJson(stringOf(row, "data"));
    return Object.fromEntries(
      pipeline.summary.map(([label, pointer]) => {
        // A pointer into a private value is private itself.
        if (pipeline.private.some((other) => isWithin(pointer, other)))
          return [label, resolvePointer(document, pointer) === undefined ? undefined : REDACTED];
        const value = resolvePointer(redact(document, pipeline.private, REDACTED), pointer);
        return [label, value === undefined || value === null ? undefined : shorten(textOf(value))];
      }),
    );
  } catch {
    return {};
  }
}

/** Of a row that a replay wrote. */
function isQuiet(row: Image | undefined): boolean {
  const attribute = row?.[QUIET];
  return typeof attribute === "object" && attribute !== null && Reflect.get(attribute, "BOOL") === true;
}

const stringOf = (row: Image, name: string): string => attributeValue(row[name], "S") ?? "";
/** Rows written by hand may have a number. */
const textOrNumberOf = (row: Image, name: string): string | undefined =>
  attributeValue(row[name], "S") ?? attributeValue(row[name], "N");

function attributeValue(attribute: unknown, type: "S" | "N"): string | undefined {
  const value: unknown = typeof attribute === "object" && attribute !== null ? Reflect.get(attribute, type) : undefined;
  return typeof value === "string" ? value : undefined;
}

const shorten = (text: string): string => truncate(text, MAX_VALUE_CHARACTERS);

/** Whether a notification is about a row: its key may be shortened, or redacted. Of a redacted one, the time of receipt distinguishes. */
export function isAbout(
  { key, receivedAt }: Pick<Notification, "key" | "receivedAt">,
  row: { readonly key: string; readonly receivedAt: string },
): boolean {
  return key === shorten(row.key) || (key === REDACTED && receivedAt === row.receivedAt);
}
