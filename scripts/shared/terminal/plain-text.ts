/** Encodes texts from outside for the terminal. */
import { format, stripVTControlCharacters } from "node:util";

import { visible } from "../../../functions/shared/text";

/** One line, without what a terminal would execute. */
export function plainText(text: string): string {
  return visible(stripVTControlCharacters(text));
}

/** What colours.ts writes, after ESC: weights and colours. None of them moves the cursor or hides text. */
const COLOUR = /^\[(?:0|1|2|22|3[1-79]|9\d)m/;

/** What a terminal executes, and what it shows in another order: names of resources and messages from outside may have it. Not CSV's line ends. */
const UNSAFE = /(?![\n\t]|\r\n)\p{Cc}|\p{Bidi_Control}|[\u2028\u2029]/gu;

/** Everything that commands print goes through it: only their own colours remain. JSON keeps its meaning. */
export function terminalText(text: string): string {
  return text.replace(UNSAFE, (character, at: number) =>
    character === "\u001b" && COLOUR.test(text.slice(at + 1, at + 6))
      ? character
      : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A cell or an item of a list: {@link terminalText} on one line, because a line of its own would be another cell or item. */
export function terminalLine(text: string): string {
  return terminalText(text.replace(/[\n\v\f\r\u0085\u2028\u2029]+/g, "⏎").replaceAll("\t", " "));
}

/** console.log and its like print text from outside in many places: they are encoded in this one. */
export function encodeConsole(target: Pick<Console, "log" | "warn" | "error"> = console): void {
  for (const method of ["log", "warn", "error"] as const) {
    const write = target[method].bind(target);
    target[method] = (...values: unknown[]) => {
      write("%s", terminalText(format(...values)));
    };
  }
}
