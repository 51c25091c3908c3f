/** Tables of text on the terminal. */
import { isatty } from "node:tty";
import { stripVTControlCharacters } from "node:util";

import { truncate } from "../../../functions/shared/text";
import { terminalLine } from "./plain-text";

/** One long id would move all other columns out of sight. */
const LONGEST_CELL = 64;

/**
 * Formats rows under headings; numeric columns are right-aligned. Cells have one line each. On a terminal, long ones end in an ellipsis, except in
 * the last column: programs, and people who copy, have them whole from a pipe or with --json.
 */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  isTerminal = isatty(1),
): string {
  const lines = [headings, ...rows].map((line) =>
    line.map((cell, column) =>
      isTerminal && column < headings.length - 1 ? shortened(terminalLine(cell)) : terminalLine(cell),
    ),
  );
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

function shortened(cell: string): string {
  return visibleLength(cell) <= LONGEST_CELL ? cell : truncate(stripVTControlCharacters(cell), LONGEST_CELL);
}

/** Without colour codes. */
function visibleLength(text: string): number {
  return stripVTControlCharacters(text).length;
}
