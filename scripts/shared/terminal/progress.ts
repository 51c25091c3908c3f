/** A progress line: overwritten on a terminal, printed every few seconds elsewhere. */
import type { Writable } from "node:stream";

import { HOUR_SECONDS, MINUTE_SECONDS } from "../../../functions/shared/time";

const BAR_CHARACTERS = 24;
const LOG_EVERY_MS = 10_000;

export interface Progress {
  /** @param share 0 to 1; undefined when unknown */
  show(share: number | undefined, text: string): void;
  /** Ends the line. */
  end(): void;
}

export function progressOn(out: Writable & { readonly isTTY?: boolean }, now: () => number): Progress {
  let shownAt = -Infinity;
  let length = 0;
  let unprinted: string | undefined;
  return {
    show: (share, text) => {
      const line = `${bar(share)} ${text}`;
      if (out.isTTY === true) out.write(`\r${line.padEnd(length)}`);
      else if (now() - shownAt >= LOG_EVERY_MS) out.write(`${line}\n`);
      else {
        unprinted = line;
        return;
      }
      unprinted = undefined;
      shownAt = now();
      length = line.length;
    },
    end: () => {
      if (out.isTTY === true && length > 0) out.write("\n");
      if (unprinted !== undefined) out.write(`${unprinted}\n`);
      unprinted = undefined;
      length = 0;
    },
  };
}

/** `[######------] 50 %` */
export function bar(share: number | undefined): string {
  if (share === undefined) return `[${"-".repeat(BAR_CHARACTERS)}]`;
  const whole = Math.min(1, Math.max(0, share));
  const filled = Math.round(whole * BAR_CHARACTERS);
  return `[${"#".repeat(filled)}${"-".repeat(BAR_CHARACTERS - filled)}] ${Math.floor(whole * 100)} %`;
}

/** `1 h 5 min`, `3 min 20 s`, `12 s`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes] = [Math.floor(whole / HOUR_SECONDS), Math.floor((whole % HOUR_SECONDS) / MINUTE_SECONDS)];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % MINUTE_SECONDS} s` : `${whole} s`;
}

/** `1.2 GB`, `340 MB`, `12 kB`. */
export function size(bytes: number): string {
  for (const [unit, length] of [
    ["TB", 1e12],
    ["GB", 1e9],
    ["MB", 1e6],
    ["kB", 1e3],
  ] as const)
    if (bytes >= length) return `${(bytes / length).toFixed(bytes >= 10 * length ? 0 : 1)} ${unit}`;
  return `${bytes} B`;
}

/** `50,000` */
export function count(items: number): string {
  return items.toLocaleString("en");
}
