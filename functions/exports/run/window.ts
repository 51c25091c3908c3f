/** Which items an incremental run exports: those whose watermark is in [from, to). Each run starts where the last one ended. */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../shared/time";
import type { WatermarkUnit, Window } from "../contract";

export interface WindowInput {
  readonly unit: WatermarkUnit;
  /** Epoch milliseconds. */
  readonly endsAt: number;
  /** End of the last finished run's window. Undefined for the first run. */
  readonly cursor: string | undefined;
  /** How far the first run looks back. Undefined: without limit. */
  readonly initialLookbackHours?: number | undefined;
}

/**
 * [last finished run's end, this one's): each item is in exactly one window, however late, early, skipped or repeated runs are.
 * When the clock has gone back the window is empty; it never ends before it starts.
 */
export function nextWindow({ unit, endsAt, cursor, initialLookbackHours }: WindowInput): Window {
  const to = watermarkAt(unit, endsAt);
  const from =
    cursor ??
    (initialLookbackHours === undefined ? undefined : watermarkAt(unit, endsAt - initialLookbackHours * HOUR_MS));
  if (from === undefined) return { to };
  return { from, to: isBefore(unit, to, from) ? from : to };
}

export function isEmptyWindow({ from, to }: Window): boolean {
  return from === to;
}

/** A time as a watermark. Rounded down, so that all items of the current second are in the next window. */
export function watermarkAt(unit: WatermarkUnit, epochMs: number): string {
  switch (unit) {
    case "seconds":
      return String(Math.floor(epochMs / 1_000));
    case "milliseconds":
      return String(Math.floor(epochMs));
    case "iso8601":
      return new Date(epochMs).toISOString();
  }
}

/** DynamoDB's limits for incremental exports. */
const MIN_PERIOD_MS = 15 * MINUTE_MS;
const MAX_PERIOD_MS = DAY_MS;

/** DynamoDB's incremental exports cover at least 15 minutes. */
export class ExportPeriodTooShortError extends Error {
  override readonly name = "ExportPeriodTooShortError";
}

/**
 * The period of an incremental export by DynamoDB, epoch milliseconds. Undefined means a full export: for the first run, and when the
 * window is longer than DynamoDB's limit, so that no change is lost.
 *
 * @param window in milliseconds
 * @throws {@link ExportPeriodTooShortError}
 */
export function incrementalPeriod(window: Window): { readonly from: number; readonly to: number } | undefined {
  if (window.from === undefined) return undefined;
  const [from, to] = [Number(window.from), Number(window.to)];
  if (to - from < MIN_PERIOD_MS)
    throw new ExportPeriodTooShortError(
      `DynamoDB's incremental exports cover at least 15 minutes; ${Math.floor((to - from) / MINUTE_MS)} have passed since the last one`,
    );
  return to - from > MAX_PERIOD_MS ? undefined : { from, to };
}

/** A watermark as a time in epoch milliseconds; NaN for text that is none. */
export function timeOf(unit: WatermarkUnit, watermark: string): number {
  if (unit === "iso8601") return ISO_TIME.test(watermark) ? Date.parse(watermark) : Number.NaN;
  return unit === "seconds" ? Number(watermark) * SECOND_MS : Number(watermark);
}

/** As text, a time without `T` sorts before all times of its day that have one, and may be in a window that has passed. */
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z$/;

function isBefore(unit: WatermarkUnit, a: string, b: string): boolean {
  return unit === "iso8601" ? a < b : Number(a) < Number(b);
}

/** Parameters of a Scan, with values in DynamoDB JSON. */
export interface ScanFilter {
  readonly FilterExpression: string;
  readonly ExpressionAttributeNames: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues: Readonly<Record<string, { readonly S: string } | { readonly N: string }>>;
}

/** How far ahead of a run a watermark may be. Beyond, it has another unit, or its writer's clock is wrong: no window would have the item soon. */
const LATEST_AHEAD_MS = DAY_MS;

/** What a run reads: windows of the past have items after them, which are in later ones. */
export interface WindowOfRun {
  readonly window: Window;
  /** When the run was started or resumed, epoch milliseconds. */
  readonly startedAt: number;
}

/**
 * Selects a window, and the items that no window can hold ({@link isUsable}): they are counted, not exported. Not selected are items of
 * other windows.
 */
export function scanFilter(of: WindowOfRun, attribute: string, unit: WatermarkUnit): ScanFilter {
  const { from, to } = of.window;
  const text = unit === "iso8601";
  const value = (bound: string) => (text ? { S: bound } : { N: bound });
  const characters = text ? (REQUIRED_CHARACTERS + FOREIGN_CHARACTERS).split("") : [];
  const unusable = [
    "attribute_not_exists(#watermark)",
    "NOT attribute_type(#watermark, :type)",
    "#watermark >= :latest",
    ...(from === undefined ? [] : ["#watermark < :earliest"]),
    ...characters.map(
      (character, index) => `${REQUIRED_CHARACTERS.includes(character) ? "NOT " : ""}contains(#watermark, :c${index})`,
    ),
  ];
  return {
    FilterExpression: [
      from === undefined ? "#watermark < :to" : "#watermark >= :from AND #watermark < :to",
      ...unusable,
    ].join(" OR "),
    ExpressionAttributeNames: { "#watermark": attribute },
    ExpressionAttributeValues: {
      ...(from !== undefined && { ":from": value(boundOf(from)), ":earliest": value(earliestUsable(unit)) }),
      ":to": value(boundOf(to)),
      ":type": { S: text ? "S" : "N" },
      ":latest": value(latestUsable(of, unit)),
      ...Object.fromEntries(characters.map((character, index) => [`:c${index}`, { S: character }])),
    },
  };
}

/** As text, `17:00:00.123456Z` sorts before `17:00:00.123Z`, and after `17:00:00.123`: that is before all later times, of any precision. */
function boundOf(watermark: string): string {
  return watermark.replace(/Z$/, "");
}

/**
 * Texts without one of these, or with a foreign one, may sort anywhere, also among times of windows that have passed:
 * `2026-11-21T12:00:00-05:00[Africa/Zulu]`, `11/21/2026T17:00Z`, `20251121T170000Z`. A filter has no regular expressions.
 */
const REQUIRED_CHARACTERS = "TZ:-";
const FOREIGN_CHARACTERS = "ABCDEFGHIJKLMNOPQRSUVWXYabcdefghijklmnopqrstuvwxyz +,/()[]_";

/** Times of before 1973 have another unit, are no times (20261121), or were never set. */
const EARLIEST_MS = 1e11;

function earliestUsable(unit: WatermarkUnit): string {
  return watermarkAt(unit, EARLIEST_MS);
}

function latestUsable({ window: { to }, startedAt }: WindowOfRun, unit: WatermarkUnit): string {
  return watermarkAt(unit, Math.max(timeOf(unit, to), startedAt) + LATEST_AHEAD_MS);
}

/** Whether a window has, or can have, the watermark. Undefined: the item has none of the unit's type. */
export function isUsable(of: WindowOfRun, unit: WatermarkUnit, watermark: string | undefined): boolean {
  if (watermark === undefined) return false;
  // A first window has the early ones: it has no beginning.
  const isEarly = of.window.from !== undefined && isBefore(unit, watermark, earliestUsable(unit));
  return !isEarly && !Number.isNaN(timeOf(unit, watermark)) && isBefore(unit, watermark, latestUsable(of, unit));
}
