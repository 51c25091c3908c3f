/**
 * Text from outside: what people, programs and servers send. Each sink (log, Slack, HTML, terminal) has an encoder, and accepts only
 * what it made: {@link Encoded} is a type, so that text that is not encoded does not compile. No I/O.
 */

/** Text that {@link encoderOf} made for one sink. */
export class Encoded<Sink extends string> {
  private constructor(
    private readonly sink: Sink,
    private readonly text: string,
  ) {}

  toString(): string {
    return this.text;
  }

  /** In JSON it is its text. */
  toJSON(): string {
    return this.text;
  }

  /** For encoders and constants (style sheets, scripts) only, never for values. */
  static trusted<Sink extends string>(sink: Sink, text: string): Encoded<Sink> {
    return new Encoded(sink, text);
  }
}

/** A template value. Null and false render nothing. */
export type Fragment<Sink extends string> = string | number | Encoded<Sink> | null | false | readonly Fragment<Sink>[];

export interface Encoder<Sink extends string> {
  /** A tag for templates that encodes their values. */
  readonly template: (parts: TemplateStringsArray, ...values: readonly Fragment<Sink>[]) => Encoded<Sink>;
  readonly joined: (fragments: readonly Fragment<Sink>[], separator: Fragment<Sink>) => Encoded<Sink>;
}

export function encoderOf<Sink extends string>(sink: Sink, encode: (text: string) => string): Encoder<Sink> {
  const render = (fragment: Fragment<Sink> | undefined): string => {
    if (fragment === undefined || fragment === null || fragment === false) return "";
    if (typeof fragment === "string") return encode(fragment);
    if (typeof fragment === "number") return String(fragment);
    return fragment instanceof Encoded ? fragment.toString() : fragment.map(render).join("");
  };
  return {
    template: (parts, ...values) =>
      Encoded.trusted(
        sink,
        parts.map((part, index) => (index === 0 ? part : render(values[index - 1]) + part)).join(""),
      ),
    joined: (fragments, separator) => Encoded.trusted(sink, fragments.map(render).join(render(separator))),
  };
}

const LINE_BREAKS = /(?:\r\n|[\n\v\f\r\u0085\u2028\u2029])+/g;

/**
 * Characters that change how their neighbours are shown, or are not shown: control characters, half surrogate pairs, bidirectional
 * controls, zero-width and tag characters; line breaks and tabs among them. Joiners of emoji and of Persian and Indic scripts stay.
 */
const INVISIBLE =
  /[\p{Cc}\p{Cs}\p{Bidi_Control}\u00ad\u180e\u200b\u2028\u2029\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\u{e0000}-\u{e007f}]/gu;

declare const visibleText: unique symbol;

/** Text of one line whose characters are all visible. Made by {@link visible}. */
export type Visible = string & { readonly [visibleText]: true };

/** On one line, and every character visible: for messages and lists, where a line break or an ESC would speak for us. */
export function visible(text: string): Visible {
  return visibleLines(text.replace(LINE_BREAKS, "⏎").replaceAll("\t", " ")) as Visible;
}

/** Keeps line breaks and tabs. */
export function visibleLines(text: string): string {
  // Most texts have none: a test is cheaper than a replacement.
  return PLAIN.test(text) ? text : text.replace(INVISIBLE, (character) => (KEPT.has(character) ? character : "\ufffd"));
}

/** JSON of the same value, with every character visible: for JSON that is shown, edited and sent back. */
export function visibleJson(json: string): string {
  return json.replace(INVISIBLE, (character) => {
    if (KEPT.has(character)) return character;
    // As it is, only between tokens.
    if (character === "\r") return "";
    const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
  });
}

const KEPT: ReadonlySet<string> = new Set(["\n", "\t"]);
const PLAIN = /^[\n\t\x20-\x7e]*$/;

/** At most `max` UTF-16 units, the last of them an ellipsis when the text is longer. Never half a surrogate pair. */
export function truncate(text: Visible, max: number): Visible;
export function truncate(text: string, max: number): string;
export function truncate(text: string, max: number): string {
  if (text.length <= max) return text;
  const end = max - 1;
  const splitsPair = isHighSurrogate(text.charCodeAt(end - 1)) && !isHighSurrogate(text.charCodeAt(end));
  return `${text.slice(0, Math.max(0, splitsPair ? end - 1 : end))}…`;
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;

/** At most `max` bytes of UTF-8, the last three of them an ellipsis when the text is longer. Never half a character. */
export function truncateBytes(text: string, max: number): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= max) return text;
  let end = Math.max(0, max - 3);
  // Continuation bytes are 10xxxxxx: the character that begins before them is cut.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${new TextDecoder().decode(bytes.subarray(0, end))}…`;
}
