import { createColors } from "picocolors";

/** Colours on a terminal, where they are wanted; nowhere else. (picocolors by itself would also colour the logs of CI.) */
export const colours = createColors(Boolean(process.stdout.isTTY) && process.env["NO_COLOR"] === undefined);
