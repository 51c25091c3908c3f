/**
 * HTML and SVG from templates that escape whatever is put into them. Markup is a type of its own, so that a string can't be taken
 * for it. No SDK, no I/O.
 */
import { toUSVString } from "node:util";

/** Text that is HTML or SVG already: made by {@link markup} and by nothing else. */
export class Markup {
  private constructor(private readonly text: string) {}

  toString(): string {
    return this.text;
  }

  /** For {@link markup} alone, and for constants of our own: style sheets and scripts. Never for values. */
  static trusted(text: string): Markup {
    return new Markup(text);
  }
}

/** What a template takes. Nothing is written for null and false: `${isOpen && markup`<b>open</b>`}`. */
export type Fragment = string | number | Markup | null | false | readonly Fragment[];

/**
 * Markup with its values escaped, whether they stand between tags or in an attribute. An attribute must be quoted: nothing is
 * safe outside of quotes.
 */
export function markup(parts: TemplateStringsArray, ...values: readonly Fragment[]): Markup {
  return Markup.trusted(parts.map((part, index) => (index === 0 ? part : render(values[index - 1]) + part)).join(""));
}

/** Fragments with something between them. */
export function joined(fragments: readonly Fragment[], separator: string): Markup {
  return Markup.trusted(fragments.map(render).join(escape(separator)));
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/**
 * Text as HTML and XML take it, in content and in quoted attributes. Characters that XML has no way to write become U+FFFD: one
 * of them would make a whole badge unreadable.
 */
export function escape(text: string): string {
  return toUSVString(text)
    .replace(NOT_IN_XML, "\ufffd")
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

// eslint-disable-next-line no-control-regex -- they are what it looks for
const NOT_IN_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]/g;

function render(fragment: Fragment | undefined): string {
  if (fragment === undefined || fragment === null || fragment === false) return "";
  if (typeof fragment === "string") return escape(fragment);
  if (typeof fragment === "number") return String(fragment);
  return fragment instanceof Markup ? fragment.toString() : fragment.map(render).join("");
}
