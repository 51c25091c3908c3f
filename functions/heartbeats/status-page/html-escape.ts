/** HTML and SVG templates that escape their values. {@link Markup} is a type, so that a string is never taken for markup. No I/O. */
import { toUSVString } from "node:util";

/** HTML or SVG, created by {@link markup}. */
export class Markup {
  private constructor(private readonly text: string) {}

  toString(): string {
    return this.text;
  }

  /** For {@link markup} and constants (style sheets, scripts) only, never for values. */
  static trusted(text: string): Markup {
    return new Markup(text);
  }
}

/** A template value. Null and false render nothing: `${isOpen && markup`<b>open</b>`}`. */
export type Fragment = string | number | Markup | null | false | readonly Fragment[];

/** Escapes values in content and in quoted attributes. Unquoted attributes are not safe. */
export function markup(parts: TemplateStringsArray, ...values: readonly Fragment[]): Markup {
  return Markup.trusted(parts.map((part, index) => (index === 0 ? part : render(values[index - 1]) + part)).join(""));
}

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

/** For content and quoted attributes. Characters that are invalid in XML become U+FFFD, because one makes an SVG unreadable. */
export function escape(text: string): string {
  return toUSVString(text)
    .replace(NOT_IN_XML, "\ufffd")
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

// eslint-disable-next-line no-control-regex -- matched on purpose
const NOT_IN_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]/g;

function render(fragment: Fragment | undefined): string {
  if (fragment === undefined || fragment === null || fragment === false) return "";
  if (typeof fragment === "string") return escape(fragment);
  if (typeof fragment === "number") return String(fragment);
  return fragment instanceof Markup ? fragment.toString() : fragment.map(render).join("");
}
