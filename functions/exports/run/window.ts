/** Which items an incremental run exports: those whose watermark is in [from, to). Each run starts where the last one ended. */
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../shared/time";
import type { WatermarkUnit, Window } from "../contract";

export interface WindowInput {
  readonly unit: WatermarkUnit;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  /** End of the last finished run's window. Undefined for the first run. */
  readonly cursor: string | undefined;
  /** How far the first run looks back. Undefined: without limit. */
  readonly initialLookbackHours?: number | undefined;
}

/**
 * [last finished run's end, this run's start): each item is in exactly one window, however late, early, skipped or repeated runs are.
 * When the clock has gone back the window is empty; it never ends before it starts.
 */
export function nextWindow({ unit, startedAt, cursor, initialLookbackHours }: WindowInput): Window {
  const to = watermarkAt(unit, startedAt);
  const from =
    cursor ??
    (initialLookbackHours === undefined ? undefined : watermarkAt(unit, startedAt - initialLookbackHours * HOUR_MS));
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

function isBefore(unit: WatermarkUnit, a: string, b: string): boolean {
  return unit === "iso8601" ? a < b : Number(a) < Number(b);
}

/** Parameters of a Scan, with values in DynamoDB JSON. */
export interface ScanFilter {
  readonly FilterExpression: string;
  readonly ExpressionAttributeNames: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues: Readonly<Record<string, { readonly S: string } | { readonly N: string }>>;
}

/** Selects a window. Excludes items without the attribute, or with another type. */
export function scanFilter({ from, to }: Window, attribute: string, unit: WatermarkUnit): ScanFilter {
  const value = (bound: string) => (unit === "iso8601" ? { S: bound } : { N: bound });
  return {
    FilterExpression: from === undefined ? "#watermark < :to" : "#watermark >= :from AND #watermark < :to",
    ExpressionAttributeNames: { "#watermark": attribute },
    ExpressionAttributeValues: { ...(from !== undefined && { ":from": value(from) }), ":to": value(to) },
  };
}
