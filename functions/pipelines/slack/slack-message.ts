/**
 * Composes Slack messages (Block Kit). One notification becomes a card, a few become a list, many become a digest of their keys.
 * A message includes as many notifications as Slack's limits allow.
 */
import { groupBy } from "../../shared/group-by";
import { slackText, type Message } from "../../shared/slack";
import { truncate, visible, type Visible } from "../../shared/text";
import { displayName } from "../contract";
import type { Field, Notification } from "./notification";

/**
 * Slack's documented limits, with two exceptions. `allText` is undocumented: Slack rejects messages with more than about 12,000
 * characters in all (`msg_blocks_too_long`). `fieldText` is less than Slack's 2,000 so that ten fields stay within it.
 */
const SLACK_LIMITS = {
  blocks: 50,
  sectionText: 3_000,
  headerText: 150,
  sectionFields: 10,
  fieldText: 900,
  contextElements: 10,
  allText: 11_000,
} as const;

/** Plain, so that values are shown as they are: mrkdwn has bold text, links and mentions, and `:100:` is an emoji. */
export interface SlackText {
  readonly type: "plain_text";
  readonly text: string;
  readonly emoji: false;
}

export type SlackBlock =
  | { readonly type: "header"; readonly text: SlackText }
  | { readonly type: "section"; readonly text?: SlackText; readonly fields?: readonly SlackText[] }
  | { readonly type: "context"; readonly elements: readonly SlackText[] };

export interface SlackMessage extends Message {
  readonly blocks?: readonly SlackBlock[];
}

export interface ComposedMessage {
  readonly message: SlackMessage;
  /** The message covers this many notifications, from the first on. */
  readonly included: number;
}

/**
 * The fallbacks when Slack rejects a message's content, so that it does not block the queue: text without blocks, then counts
 * without any content of the messages.
 */
export type MessageFormat = "blocks" | "text" | "counts";

/**
 * @param notifications at least one, in order
 * @param source the deployment: `almanac-production`
 */
export function composeMessage(
  notifications: readonly Notification[],
  source: string,
  format: MessageFormat = "blocks",
): ComposedMessage {
  const shown = notifications.map(shownNotification);
  const [first] = shown;
  if (first === undefined) throw new RangeError("no notifications");
  if (format !== "blocks") return plainText(shown, source, format);
  if (shown.length === 1) return { message: card(first, source), included: 1 };
  return list(shown, source) ?? digest(shown, source);
}

/** A notification whose texts have one line each: a line break in a key would show as another notification. */
interface Shown extends Omit<Notification, "key" | "version" | "receivedAt" | "fields"> {
  readonly key: Visible;
  readonly version: Visible | undefined;
  readonly receivedAt: Visible;
  readonly fields: readonly ShownField[];
}

interface ShownField {
  readonly label: Visible;
  readonly value: Visible;
  readonly before: Visible | undefined;
}

function shownNotification({ key, version, receivedAt, fields, ...other }: Notification): Shown {
  return {
    ...other,
    // Slack refuses a section without any character that it shows, as one of a digest may be.
    key: visible(key.trim() === "" ? `"${key}"` : key),
    version: version === undefined ? undefined : visible(version),
    receivedAt: visible(receivedAt),
    fields: fields.map(shownField),
  };
}

function shownField({ label, value, before }: Field): ShownField {
  return {
    label: visible(label),
    value: visible(value),
    before: before === undefined ? undefined : visible(before),
  };
}

function card(notification: Shown, source: string): SlackMessage {
  const header = truncate(`${displayName(notification.pipeline)} ${notification.key}`, SLACK_LIMITS.headerText);
  const { fields } = notification;
  const footer = [
    notification.kind,
    ...(notification.version === undefined ? [] : [`version ${notification.version}`]),
    notification.receivedAt,
    source,
  ].join(" · ");
  const first = fields
    .slice(0, SLACK_LIMITS.sectionFields)
    .map((field) => plain(`${field.label}\n${valueOf(field)}`, SLACK_LIMITS.fieldText));
  const room = SLACK_LIMITS.allText - header.length - footer.length - lengthOf(first.map(({ text }) => text));
  return {
    ...fallback(`${header}: ${notification.kind}`),
    blocks: [
      { type: "header", text: plain(header) },
      ...(first.length === 0 ? [] : [{ type: "section", fields: first } as const]),
      ...linesOf(fields.slice(SLACK_LIMITS.sectionFields), room).map(section),
      { type: "context", elements: [plain(footer)] },
    ],
  };
}

/** The fields that no section has room for, as lines. */
function linesOf(fields: readonly ShownField[], room: number): readonly string[] {
  const lines = fields.map((field) => `${field.label}: ${valueOf(field)}`);
  const { texts, included } = sectionsOf(lines, "\n", room - MORE_CHARACTERS);
  return included === lines.length ? texts : [...texts, `and ${lines.length - included} more`];
}

/** Of "and 90 more". */
const MORE_CHARACTERS = 20;

/** One line per notification. Undefined when the list is too long for one message. */
function list(notifications: readonly Shown[], source: string): ComposedMessage | undefined {
  const frame = frameOf(notifications, source);
  if (notifications.length * 20 > SLACK_LIMITS.allText) return undefined;
  const sections = sectionsOf(notifications.map(lineOf), "\n", frame.room);
  return sections.included < notifications.length
    ? undefined
    : { message: frame.around(sections.texts), included: notifications.length };
}

function lineOf(notification: Shown): string {
  const fields = notification.fields.map((field) => `${field.label} ${valueOf(field)}`);
  const what = notification.kind === "new" ? "" : ` (${notification.kind})`;
  return `• ${displayName(notification.pipeline)} ${notification.key}${what}${fields.length === 0 ? "" : ` – ${fields.join(", ")}`}`;
}

/** Keys by pipeline and kind, for as many notifications as the message has room for. */
function digest(notifications: readonly Shown[], source: string): ComposedMessage {
  // Binary search for the longest prefix that fits. Only a prefix keeps the order per key.
  let low = 1;
  let high = notifications.length;
  let best = digestOf(notifications.slice(0, 1), source);
  while (low <= high) {
    const middle = Math.floor((low + high) / 2);
    const candidate = digestOf(notifications.slice(0, middle), source);
    if (candidate === undefined) high = middle - 1;
    else {
      best = candidate;
      low = middle + 1;
    }
  }
  return best ?? plainText(notifications, source, "counts");
}

function digestOf(notifications: readonly Shown[], source: string): ComposedMessage | undefined {
  const frame = frameOf(notifications, source);
  let room = frame.room;
  const texts: string[] = [];
  for (const [, sameKind] of groupBy(notifications, ({ pipeline, kind }) => `${pipeline} ${kind}`)) {
    const keys = groupBy(sameKind, ({ key }) => key);
    const words = [...keys].map(([key, same]) => `${key}${same.length > 1 ? ` (${same.length}×)` : ""}`);
    const [{ pipeline, kind }] = sameKind as [Shown];
    const [firstWord = "", ...otherWords] = words;
    const sections = sectionsOf([`${displayName(pipeline)}, ${kind}: ${firstWord}`, ...otherWords], ", ", room);
    if (sections.included < words.length) return undefined;
    texts.push(...sections.texts);
    room -= lengthOf(sections.texts);
  }
  if (texts.length > SLACK_LIMITS.blocks - FRAME_BLOCKS) return undefined;
  return { message: frame.around(texts), included: notifications.length };
}

const FRAME_BLOCKS = 2;

/** Header and footer of a message of several notifications, and the characters remaining for the sections. */
function frameOf(
  notifications: readonly Shown[],
  source: string,
): { readonly room: number; readonly around: (texts: readonly string[]) => SlackMessage } {
  const header = headerOf(notifications);
  const times = notifications.map(({ receivedAt }) => receivedAt).sort();
  const footer = `${times[0] ?? ""} to ${times.at(-1) ?? ""} · ${source}`;
  return {
    room: SLACK_LIMITS.allText - header.length - footer.length,
    around: (texts) => ({
      ...fallback(header),
      blocks: [
        { type: "header", text: plain(header) },
        ...texts.map(section),
        { type: "context", elements: [plain(footer)] },
      ],
    }),
  };
}

/** `3 changes: Job order 2 new, 1 changed` */
function headerOf(notifications: readonly Shown[]): string {
  const pipelines = [...groupBy(notifications, ({ pipeline }) => pipeline)].map(([pipeline, samePipeline]) => {
    const kinds = [...groupBy(samePipeline, ({ kind }) => kind)].map(([kind, same]) => `${same.length} ${kind}`);
    return `${displayName(pipeline)} ${kinds.join(", ")}`;
  });
  return truncate(`${notifications.length} changes: ${pipelines.join("; ")}`, SLACK_LIMITS.headerText);
}

/** Joins pieces into sections while they fit. */
function sectionsOf(
  pieces: readonly string[],
  separator: string,
  room: number,
): { readonly texts: readonly string[]; readonly included: number } {
  const texts: string[] = [];
  let included = 0;
  let remaining = Math.min(room, SLACK_LIMITS.sectionText * (SLACK_LIMITS.blocks - FRAME_BLOCKS));
  for (const piece of pieces) {
    const text = truncate(piece, SLACK_LIMITS.sectionText);
    const last = texts.at(-1);
    const joins = last !== undefined && last.length + separator.length + text.length <= SLACK_LIMITS.sectionText;
    const needed = text.length + (joins ? separator.length : 0);
    if (needed > remaining || (!joins && texts.length >= SLACK_LIMITS.blocks - FRAME_BLOCKS)) break;
    if (joins) texts[texts.length - 1] = `${last}${separator}${text}`;
    else texts.push(text);
    remaining -= needed;
    included += 1;
  }
  return { texts, included };
}

function plainText(notifications: readonly Shown[], source: string, format: "text" | "counts"): ComposedMessage {
  const counts = `${headerOf(notifications)} · ${source}`;
  if (format === "counts") return { message: fallback(counts), included: notifications.length };
  const { texts, included } = sectionsOf(
    notifications.map(({ pipeline, key, kind }) => `${pipeline} ${key} ${kind}`),
    "\n",
    SLACK_LIMITS.sectionText,
  );
  return { message: fallback(texts.join("\n")), included };
}

function valueOf({ value, before }: ShownField): string {
  return before === undefined ? value : `${before} → ${value}`;
}

/** Outside blocks Slack expects entities, and reads links and mentions without them. */
const fallback = (text: string) => ({ text: slackText`${text}`, mrkdwn: false }) as const;

const section = (text: string) => ({ type: "section", text: plain(text) }) as const;
const plain = (text: string, max: number = SLACK_LIMITS.sectionText): SlackText => ({
  type: "plain_text",
  text: truncate(text, max),
  emoji: false,
});
const lengthOf = (texts: readonly string[]): number => texts.reduce((length, text) => length + text.length, 0);
