/** Tables of text on the terminal. */
import { stripVTControlCharacters } from "node:util";

import { terminalLine } from "./plain-text";

/** Formats rows under headings; numeric columns are right-aligned. Cells have one line each. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings, ...rows].map((line) => line.map(terminalLine));
  const columns = headings.map((_, column) => {
    const cells = lines.map((line) => line[column] ?? "");
    return {
      width: Math.max(...cells.map(visibleLength)),
      numeric:
        cells.slice(1).some((cell) => /^[\d.]/.test(cell)) && cells.slice(1).every((cell) => /^[\d.]|^$/.test(cell)),
    };
  });
  return lines
    .map((line) =>
      columns
        .map(({ width, numeric }, column) => {
          const cell = line[column] ?? "";
          const space = " ".repeat(width - visibleLength(cell));
          return numeric ? space + cell : cell + space;
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Without colour codes. */
function visibleLength(text: string): number {
  return stripVTControlCharacters(text).length;
}
