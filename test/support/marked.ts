/** What the sweep sends into every input, and looks for everywhere. */

/** Begins each marked secret: found nowhere that people or logs see. */
export const MARK = "M4rkedS3cret";
let marks = 0;
export const secret = (): string => `${MARK}${++marks}x`;

/** A page, a terminal, Slack or a feed would obey it. */
export const HOSTILE =
  "<img src=x onerror=alert(1)> <!channel> *bold*\u001b[31m\u202Egpj.exe\nINFO forged line\u2028INFO forged line";
export const OBEYED = ["<img", "<!channel>", "\u001b[31m", "\u202E", "\nINFO forged", "\u2028INFO forged"];
