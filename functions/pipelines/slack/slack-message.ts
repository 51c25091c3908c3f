/**
 * Notices as Slack shows them (Block Kit). One notice is a card; a few are a list; many are counted, each by its key. What counts as
 * one message is as much of the waiting notices as Slack takes in one.
 */
import { groupBy } from "../../shared/group-by";
import { escapedForSlack } from "../../shared/slack";
import { titleOf } from "../contract";
import type { Field, Notice } from "./notification";

/**
 * Slack's documented limits, and one that is not: all texts of a message together may hold some 12,000 characters, whatever the
 * blocks take themselves (`msg_blocks_too_long`). Of a field Slack would take 2,000, but ten of those would be too long together.
 */
export const SLACK_LIMITS = {
  blocks: 50,
  sectionText: 3_000,
  headerText: 150,
  sectionFields: 10,
  fieldText: 900,
  contextElements: 10,
  allText: 11_000,
} as const;

export interface SlackText {
  readonly type: "mrkdwn" | "plain_text";
  readonly text: string;
}

export type SlackBlock =
  | { readonly type: "header"; readonly text: SlackText }
  | { readonly type: "section"; readonly text?: SlackText; readonly fields?: readonly SlackText[] }
  | { readonly type: "context"; readonly elements: readonly SlackText[] };

export interface SlackMessage {
  /** What notifications show, and what is read aloud. */
  readonly text: string;
  readonly blocks?: readonly SlackBlock[];
}

/** A message, and how many of the notices it tells, from the first on. */
export interface Composed {
  readonly message: SlackMessage;
  readonly told: number;
}

/**
 * How plainly a message is put. Slack refusing one for what is in it must not keep back all that comes after: the next try has
 * text alone, the one after that nothing that came from outside.
 */
export type Plainness = "blocks" | "text" | "counts";

/**
 * @param notices at least one, in the order in which they are to be told
 * @param place where it happens: `almanac-production`
 */
export function composeMessage(notices: readonly Notice[], place: string, plainness: Plainness = "blocks"): Composed {
  const [first] = notices;
  if (first === undefined) throw new RangeError("a message of nothing");
  if (plainness !== "blocks") return plain(notices, place, plainness);
  if (notices.length === 1) return { message: card(first, place), told: 1 };
  return list(notices, place) ?? digest(notices, place);
}

const KINDS = { new: "new", changed: "changed", removed: "removed" } as const;

function card(notice: Notice, place: string): SlackMessage {
  const heading = `${titleOf(notice.channel)} ${notice.key}`;
  const shown = notice.fields.slice(0, SLACK_LIMITS.sectionFields);
  return {
    text: escapedForSlack(cut(`${heading}: ${KINDS[notice.kind]}`, SLACK_LIMITS.headerText)),
    blocks: [
      { type: "header", text: { type: "plain_text", text: cut(heading, SLACK_LIMITS.headerText) } },
      ...(shown.length === 0
        ? []
        : [
            {
              type: "section",
              fields: shown.map((field) =>
                mrkdwn(`*${escapedForSlack(field.label)}*\n${valueOf(field)}`, SLACK_LIMITS.fieldText),
              ),
            } as const,
          ]),
      {
        type: "context",
        elements: [
          mrkdwn(
            [
              KINDS[notice.kind],
              ...(notice.version === undefined ? [] : [`version ${notice.version}`]),
              notice.receivedAt,
              escapedForSlack(place),
            ].join(" · "),
          ),
        ],
      },
    ],
  };
}

/** Each notice on a line of its own; undefined when that is too much for one message. */
function list(notices: readonly Notice[], place: string): Composed | undefined {
  const frame = frameOf(notices, place);
  if (notices.length * 20 > SLACK_LIMITS.allText) return undefined;
  const sections = sectionsOf(notices.map(lineOf), "\n", frame.room);
  return sections.told < notices.length ? undefined : { message: frame.around(sections.texts), told: notices.length };
}

function lineOf(notice: Notice): string {
  const fields = notice.fields.map((field) => `${escapedForSlack(field.label)} ${valueOf(field)}`);
  const what = notice.kind === "new" ? "" : ` (${KINDS[notice.kind]})`;
  return `• ${escapedForSlack(titleOf(notice.channel))} *${escapedForSlack(notice.key)}*${what}${fields.length === 0 ? "" : ` – ${fields.join(", ")}`}`;
}

/** The keys alone, by channel and kind: as many as there is room for. */
function digest(notices: readonly Notice[], place: string): Composed {
  // The most that can be told is found by halving: what is told must be the first ones, else order by key would be lost.
  let least = 1;
  let most = notices.length;
  let best = digestOf(notices.slice(0, 1), place);
  while (least <= most) {
    const middle = Math.floor((least + most) / 2);
    const tried = digestOf(notices.slice(0, middle), place);
    if (tried === undefined) most = middle - 1;
    else {
      best = tried;
      least = middle + 1;
    }
  }
  return best ?? plain(notices, place, "counts");
}

function digestOf(notices: readonly Notice[], place: string): Composed | undefined {
  const frame = frameOf(notices, place);
  let room = frame.room;
  const texts: string[] = [];
  for (const [, those] of groupBy(notices, ({ channel, kind }) => `${channel} ${kind}`)) {
    const keys = groupBy(those, ({ key }) => key);
    const words = [...keys].map(
      ([key, same]) => `${escapedForSlack(key)}${same.length > 1 ? ` (${same.length}×)` : ""}`,
    );
    const [{ channel, kind }] = those as [Notice];
    const [firstWord = "", ...others] = words;
    const sections = sectionsOf(
      [`*${escapedForSlack(titleOf(channel))}, ${KINDS[kind]}:* ${firstWord}`, ...others],
      ", ",
      room,
    );
    if (sections.told < words.length) return undefined;
    texts.push(...sections.texts);
    room -= sections.texts.reduce((length, text) => length + text.length, 0);
  }
  if (texts.length > SLACK_LIMITS.blocks - FRAME_BLOCKS) return undefined;
  return { message: frame.around(texts), told: notices.length };
}

const FRAME_BLOCKS = 2;

/** Heading and foot of a message of several notices, and the characters that they leave. */
function frameOf(
  notices: readonly Notice[],
  place: string,
): { readonly room: number; readonly around: (texts: readonly string[]) => SlackMessage } {
  const heading = headingOf(notices);
  const times = notices.map(({ receivedAt }) => receivedAt).sort();
  const foot = `${times[0] ?? ""} to ${times.at(-1) ?? ""} · ${escapedForSlack(place)}`;
  return {
    room: SLACK_LIMITS.allText - heading.length - foot.length,
    around: (texts) => ({
      text: escapedForSlack(heading),
      blocks: [
        { type: "header", text: { type: "plain_text", text: heading } },
        ...texts.map((text) => ({ type: "section", text: mrkdwn(text) }) as const),
        { type: "context", elements: [mrkdwn(foot)] },
      ],
    }),
  };
}

/** `3 changes: Job order 2 new, 1 changed` */
function headingOf(notices: readonly Notice[]): string {
  const channels = [...groupBy(notices, ({ channel }) => channel)].map(([channel, those]) => {
    const kinds = [...groupBy(those, ({ kind }) => kind)].map(([kind, same]) => `${same.length} ${KINDS[kind]}`);
    return `${titleOf(channel)} ${kinds.join(", ")}`;
  });
  return cut(`${notices.length} changes: ${channels.join("; ")}`, SLACK_LIMITS.headerText);
}

/** Pieces put together to sections, as long as there is room. */
function sectionsOf(
  pieces: readonly string[],
  separator: string,
  room: number,
): { readonly texts: readonly string[]; readonly told: number } {
  const texts: string[] = [];
  let told = 0;
  let left = Math.min(room, SLACK_LIMITS.sectionText * (SLACK_LIMITS.blocks - FRAME_BLOCKS));
  for (const piece of pieces) {
    const fitting = cut(piece, SLACK_LIMITS.sectionText);
    const last = texts.at(-1);
    const joins = last !== undefined && last.length + separator.length + fitting.length <= SLACK_LIMITS.sectionText;
    const more = fitting.length + (joins ? separator.length : 0);
    if (more > left || (!joins && texts.length >= SLACK_LIMITS.blocks - FRAME_BLOCKS)) break;
    if (joins) texts[texts.length - 1] = `${last}${separator}${fitting}`;
    else texts.push(fitting);
    left -= more;
    told += 1;
  }
  return { texts, told };
}

function plain(notices: readonly Notice[], place: string, plainness: "text" | "counts"): Composed {
  const counts = `${headingOf(notices)} · ${place}`;
  if (plainness === "counts") return { message: { text: escapedForSlack(counts) }, told: notices.length };
  const { texts, told } = sectionsOf(
    notices.map(({ channel, key, kind }) => `${channel} ${escapedForSlack(key)} ${KINDS[kind]}`),
    "\n",
    SLACK_LIMITS.sectionText,
  );
  return { message: { text: texts.join("\n") }, told };
}

function valueOf({ value, before }: Field): string {
  return before === undefined ? escapedForSlack(value) : `~${escapedForSlack(before)}~ → ${escapedForSlack(value)}`;
}

const mrkdwn = (text: string, longest: number = SLACK_LIMITS.sectionText): SlackText => ({
  type: "mrkdwn",
  text: cut(text, longest),
});
const cut = (text: string, longest: number): string =>
  text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
