/** GitHub Markdown that encodes its values: addresses and values of a plan are text from outside. No I/O. */
import { Encoded, encoderOf, visible, type Fragment } from "../../functions/shared/text";

export type Markdown = Encoded<"markdown">;

const encoder = encoderOf("markdown", inlineCode);

/** A text in a template becomes inline code, which has no link, mention, HTML or emphasis. */
export const mark = encoder.template;

/** For words of ours only, never for values. */
export function words(text: string): Markdown {
  return Encoded.trusted("markdown", text);
}

/** A sentence, as it is if it has nothing but letters and the punctuation of sentences. */
export function prose(text: string): Markdown {
  return /^[\w ,.'’:;()-]*$/.test(text) ? words(text) : mark`${text}`;
}

export function lines(...parts: readonly Fragment<"markdown">[]): Markdown {
  return encoder.joined(parts, words("\n"));
}

export function paragraphs(...parts: readonly Fragment<"markdown">[]): Markdown {
  return encoder.joined(parts, words("\n\n"));
}

/** Inline code that ends no table cell. Code cannot have `|` and `\` beside it in a cell, so these are entities. */
export function cell(text: string): Markdown {
  const code = inlineCode(text);
  if (!/[|\\]/.test(code)) return words(code);
  return words(`<code>${visible(text).replace(/[^\p{L}\p{N} ]/gu, (each) => `&#${each.codePointAt(0) ?? 0};`)}</code>`);
}

/** A block of lines. Its fence is longer than any run of backticks inside, so content cannot end it. */
export function fenced(content: readonly string[]): Markdown {
  const text = content.map(visible).join("\n");
  const fence = fenceFor(text, 3);
  return words(`${fence}diff\n${text}\n${fence}`);
}

function inlineCode(text: string): string {
  const single = visible(text);
  // Without content, two fences would be one.
  if (single === "") return "";
  const fence = fenceFor(single, 1);
  const space = single.startsWith("`") || single.endsWith("`") ? " " : "";
  return `${fence}${space}${single}${space}${fence}`;
}

function fenceFor(text: string, least: number): string {
  const longest = Math.max(least - 1, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  return "`".repeat(longest + 1);
}
