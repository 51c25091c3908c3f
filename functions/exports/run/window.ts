/** Which items an incremental run takes: those whose watermark lies in [from, to). Each run begins where the last one ended. */
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../shared/time";
import type { WatermarkUnit } from "../contract";

/** Bounds as the items have them: numbers for epochs, text for ISO 8601. Without `from`, everything before `to`. */
export interface Window {
  readonly from?: string | undefined;
  readonly to: string;
}

/** What a run knows before it begins. Times in epoch milliseconds. */
export interface WindowQuestion {
  readonly unit: WatermarkUnit;
  /** When this run starts. */
  readonly startedAt: number;
  /** Where the last finished run's window ended, as items have it. Undefined: this is the first run. */
  readonly lastEnd: string | undefined;
  /** How far the first run looks back. Undefined: to the beginning. */
  readonly firstHours: number | undefined;
}

/**
 * The window of a run: [last finished run's end, this run's start), so whatever runs are late, early, skipped or repeated, each
 * item is in exactly one. A clock that has gone back gives an empty window, never one that ends before it begins.
 */
export function windowOf({ unit, startedAt, lastEnd, firstHours }: WindowQuestion): Window {
  const to = watermarkAt(unit, startedAt);
  const from = lastEnd ?? (firstHours === undefined ? undefined : watermarkAt(unit, startedAt - firstHours * HOUR_MS));
  if (from === undefined) return { to };
  return { from, to: isBefore(unit, to, from) ? from : to };
}

/** True when nothing can be in it. */
export function isEmpty({ from, to }: Window): boolean {
  return from === to;
}

/**
 * A moment as items have it. Seconds are the ones that have begun: an item of this very second belongs to the next window, whole.
 */
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

/** DynamoDB's limits for an export of changes. */
const SHORTEST_CHANGES_MS = 15 * MINUTE_MS;
const LONGEST_CHANGES_MS = DAY_MS;

/** An export of changes comes too soon after the last one. */
export class TooSoonError extends Error {
  override readonly name = "TooSoonError";
}

/**
 * The time whose changes DynamoDB's own export takes, epoch milliseconds. Undefined: all of the table; the first time, and when more is
 * due than DynamoDB takes at a time, so that nothing is lost.
 *
 * @param window in milliseconds
 * @throws {@link TooSoonError}
 */
export function changesOf(window: Window): { readonly from: number; readonly to: number } | undefined {
  if (window.from === undefined) return undefined;
  const [from, to] = [Number(window.from), Number(window.to)];
  if (to - from < SHORTEST_CHANGES_MS)
    throw new TooSoonError(
      `DynamoDB exports 15 minutes of changes at least, and ${Math.floor((to - from) / MINUTE_MS)} are due: try later`,
    );
  return to - from > LONGEST_CHANGES_MS ? undefined : { from, to };
}

function isBefore(unit: WatermarkUnit, a: string, b: string): boolean {
  return unit === "iso8601" ? a < b : Number(a) < Number(b);
}

/** The words in which a Scan is asked for the window; names and values are DynamoDB JSON's. */
export interface WindowFilter {
  readonly FilterExpression: string;
  readonly ExpressionAttributeNames: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues: Readonly<Record<string, { readonly S: string } | { readonly N: string }>>;
}

/** A filter for Scan. Items without the attribute, or with one of another type, are in no window. */
export function filterOf({ from, to }: Window, attribute: string, unit: WatermarkUnit): WindowFilter {
  const value = (bound: string) => (unit === "iso8601" ? { S: bound } : { N: bound });
  return {
    FilterExpression: from === undefined ? "#watermark < :to" : "#watermark >= :from AND #watermark < :to",
    ExpressionAttributeNames: { "#watermark": attribute },
    ExpressionAttributeValues: { ...(from !== undefined && { ":from": value(from) }), ":to": value(to) },
  };
}
