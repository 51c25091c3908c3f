/** What people are told of a change: redacted already, for it is stored until Slack takes it. */
import * as z from "zod";

import type { Channel } from "../contract";
import { parseJson, textOf } from "../message/json";
import { at, isWithin, redacted } from "../message/json-pointer";

/** Of a value, what a line of Slack can show. */
const LONGEST_VALUE = 200;

/** In place of what is private. */
export const REDACTED = "•••";

const fieldSchema = z.object({
  label: z.string(),
  value: z.string(),
  /** What it was before, where that was something else. */
  before: z.string().optional(),
});
export type Field = z.output<typeof fieldSchema>;

export const noticeSchema = z.object({
  /** The channel's name: `jobOrder`. */
  channel: z.string(),
  key: z.string(),
  version: z.string().optional(),
  kind: z.enum(["new", "changed", "removed"]),
  /** When the door received it, ISO 8601. */
  receivedAt: z.string(),
  fields: z.array(fieldSchema),
});
export type Notice = z.output<typeof noticeSchema>;

/** A row as a stream has it: usually one of row.ts, but people write rows too. */
export type Image = Readonly<Record<string, unknown>>;

/** A row before and after a change; undefined: there was none, or is none any more. */
export interface Change {
  readonly before: Image | undefined;
  readonly after: Image | undefined;
}

/**
 * What a change is told as; undefined when the message says nothing new. Never throws: a row that nobody understands, which
 * somebody may have written by hand, is told of by its key, and holds up no other.
 */
export function noticeOf(name: string, channel: Channel, { before, after }: Change): Notice | undefined {
  const row = after ?? before ?? {};
  if (after !== undefined && before !== undefined && stringOf(after, "digest") === stringOf(before, "digest"))
    return undefined;
  const keyIsPrivate = channel.private.some((pointer) => isWithin(channel.key, pointer));
  const version = channel.version === undefined ? undefined : numberOf(row, "version");
  const fields = after === undefined ? [] : fieldsOf(channel, before, after);
  return {
    channel: name,
    key: keyIsPrivate ? REDACTED : shortened(stringOf(row, "key")),
    ...(version !== undefined && { version }),
    kind: after === undefined ? "removed" : before === undefined ? "new" : "changed",
    receivedAt: stringOf(row, "receivedAt"),
    fields,
  };
}

function fieldsOf(channel: Channel, before: Image | undefined, after: Image): Field[] {
  const now = shownOf(channel, after);
  const then = before === undefined ? {} : shownOf(channel, before);
  return Object.keys(channel.summary).flatMap((label) => {
    const value = now[label];
    const old = then[label];
    if (value === undefined && old === undefined) return [];
    return [{ label, value: value ?? "–", ...(before !== undefined && old !== value && { before: old ?? "–" }) }];
  });
}

/** The summary of a row's data, without what is private. */
function shownOf(channel: Channel, row: Image): Readonly<Record<string, string | undefined>> {
  try {
    const document = parseJson(stringOf(row, "data"));
    return Object.fromEntries(
      Object.entries(channel.summary).map(([label, pointer]) => {
        // A pointer to what is inside something private is private itself.
        if (channel.private.some((secret) => isWithin(pointer, secret)))
          return [label, at(document, pointer) === undefined ? undefined : REDACTED];
        const value = at(redacted(document, channel.private, REDACTED), pointer);
        return [label, value === undefined || value === null ? undefined : shortened(textOf(value))];
      }),
    );
  } catch {
    return {};
  }
}

const stringOf = (row: Image, name: string): string => typed(row[name], "S") ?? "";
const numberOf = (row: Image, name: string): string | undefined => typed(row[name], "N");

function typed(attribute: unknown, type: "S" | "N"): string | undefined {
  const value: unknown = typeof attribute === "object" && attribute !== null ? Reflect.get(attribute, type) : undefined;
  return typeof value === "string" ? value : undefined;
}

function shortened(text: string): string {
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 1)}…` : text;
}
