import { stripVTControlCharacters } from "node:util";

/** One line, without what a terminal would execute. */
export function plainText(text: string): string {
  return stripVTControlCharacters(text).replace(/\p{Cc}+/gu, " ");
}
