/** Colours of the terminal. */
import { isatty } from "node:tty";
import { createColors } from "picocolors";

/** Colours on a terminal without NO_COLOR. picocolors' own default also colours CI logs. */
export const colours = createColors(isatty(1) && process.env["NO_COLOR"] === undefined);
