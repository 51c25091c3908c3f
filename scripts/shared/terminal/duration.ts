/** Durations as arguments of commands. */
import { DAY_SECONDS, HOUR_SECONDS, MINUTE_SECONDS } from "../../../functions/shared/time";

/** Seconds in `90`, `90s`, `15m`, `2h` or `7d`; undefined for any other text. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit = "s"] = /^(\d+)([smhd])?$/.exec(text) ?? [];
  if (count === undefined) return undefined;
  return Number(count) * { s: 1, m: MINUTE_SECONDS, h: HOUR_SECONDS, d: DAY_SECONDS }[unit as "s" | "m" | "h" | "d"];
}
