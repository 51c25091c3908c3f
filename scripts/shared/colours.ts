import { isatty } from "node:tty";
import { createColors } from "picocolors";

/** Colours on a terminal, where they are wanted; nowhere else. (picocolors by itself would also colour the logs of CI.) */
export const colours = createColors(isatty(1) && process.env["NO_COLOR"] === undefined);
