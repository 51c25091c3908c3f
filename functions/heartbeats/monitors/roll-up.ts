/**
 * Time up, degraded, down and in maintenance within a period (an hour, a day, a window of days), in sums that can be added. Time without
 * data is not stored: it is the rest of the period, so an outage of the checker never reads as uptime.
 */
import * as z from "zod";

import { DAY_MS } from "../../shared/time";
import { decodeHistogram, ENCODED_HISTOGRAM, encodeHistogram, histogramOf, type Histogram } from "./histogram";

/** Times in milliseconds. */
export interface Rollup {
  readonly up: number;
  /** Counts as uptime. */
  readonly degraded: number;
  readonly down: number;
  readonly maintenance: number;
  /** Of complete responses. */
  readonly latencies: Histogram;
}

export const EMPTY_ROLLUP: Rollup = { up: 0, degraded: 0, down: 0, maintenance: 0, latencies: new Map() };

export function sumOf(rollups: readonly Rollup[]): Rollup {
  const total = (of: "up" | "degraded" | "down" | "maintenance") =>
    rollups.reduce((sum, rollup) => sum + rollup[of], 0);
  return {
    up: total("up"),
    degraded: total("degraded"),
    down: total("down"),
    maintenance: total("maintenance"),
    latencies: histogramOf(rollups.map(({ latencies }) => latencies)),
  };
}

export function isEmpty({ up, degraded, down, maintenance, latencies }: Rollup): boolean {
  return up + degraded + down + maintenance + latencies.size === 0;
}

/** Of a day at most. */
const storedTime = z.number().min(0).max(DAY_MS);

/** Stored form. */
export const rollupCodec = z.codec(
  z.object({
    up: storedTime,
    degraded: storedTime,
    down: storedTime,
    maintenance: storedTime,
    latencies: z.string().regex(ENCODED_HISTOGRAM),
  }),
  z.custom<Rollup>(),
  {
    decode: ({ latencies, ...times }) => ({ ...times, latencies: decodeHistogram(latencies) }),
    encode: ({ latencies, ...times }) => ({ ...times, latencies: encodeHistogram(latencies) }),
  },
);
