/** HTML and SVG templates that escape their values. {@link Markup} is a type, so that a string is never taken for markup. No I/O. */
import { Encoded, encoderOf, visibleLines } from "../../../shared/text";

/** HTML or SVG, created by {@link markup}. */
export type Markup = Encoded<"html">;

/**
 * `markup` escapes values in content and in quoted attributes: `${isOpen && markup`<b>open</b>`}`. Unquoted attributes are not safe.
 */
export const { template: markup, joined } = encoderOf("html", escape);

/** For constants (style sheets, scripts) only, never for values. */
export function trusted(text: string): Markup {
  return Encoded.trusted("html", text);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/**
 * For content and quoted attributes. Characters that are invalid in XML become U+FFFD, because one makes an SVG unreadable; so do those
 * that reorder their neighbours.
 */
export function escape(text: string): string {
  return visibleLines(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}
