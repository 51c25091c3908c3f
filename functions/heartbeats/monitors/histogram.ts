/**
 * A latency histogram with buckets that grow by two percent: small and mergeable, so percentiles of any period come from the
 * sum of its hours. Percentiles themselves cannot be merged.
 */

/** Maximum distance between a bucket's middle and a latency in it. */
const RELATIVE_ERROR = 0.01;
const GROWTH = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR);

/** Counts by bucket: bucket i holds latencies in (GROWTH^(i-1), GROWTH^i] milliseconds; bucket 0 those up to 1 ms. */
export type Histogram = ReadonlyMap<number, number>;

/** The sum of histograms and single latencies (milliseconds). */
export function histogramOf(histograms: Iterable<Histogram>, latencies: Iterable<number> = []): Histogram {
  const sum = new Map<number, number>();
  const add = (bucket: number, count: number): void => {
    sum.set(bucket, (sum.get(bucket) ?? 0) + count);
  };
  for (const histogram of histograms) for (const [bucket, count] of histogram) add(bucket, count);
  for (const latency of latencies) add(Math.ceil(Math.log(Math.max(1, latency)) / Math.log(GROWTH)), 1);
  return sum;
}

/**
 * Percentiles in milliseconds (nearest rank); null for an empty histogram.
 *
 * @param fractions 0.5 for the median, 0.95, 0.99
 */
export function percentiles<const Fractions extends readonly number[]>(
  histogram: Histogram,
  fractions: Fractions,
): { readonly [Index in keyof Fractions]: number | null } {
  const buckets = [...histogram].sort(([a], [b]) => a - b);
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  const at = (fraction: number): number | null => {
    let below = 0;
    for (const [bucket, count] of buckets) {
      below += count;
      if (below >= fraction * total) return middleOf(bucket);
    }
    return null;
  };
  return fractions.map(at) as { [Index in keyof Fractions]: number | null };
}

/** Stored form, by bucket: `230,231:5` is one latency of about 100 ms and five of about 102 ms. */
export function encodeHistogram(histogram: Histogram): string {
  return [...histogram]
    .sort(([a], [b]) => a - b)
    .map(([bucket, count]) => (count === 1 ? String(bucket) : `${bucket}:${count}`))
    .join(",");
}

/** What {@link encodeHistogram} writes: the bucket 999 is of five days. */
export const ENCODED_HISTOGRAM = /^(\d{1,3}(:\d{1,15})?(,\d{1,3}(:\d{1,15})?)*)?$/;

/** @param text matches {@link ENCODED_HISTOGRAM} */
export function decodeHistogram(text: string): Histogram {
  if (text === "") return new Map();
  return new Map(
    text.split(",").map((entry) => {
      const [bucket, count = 1] = entry.split(":").map(Number);
      return [bucket ?? NaN, count] as const;
    }),
  );
}

/** The value at the same relative distance from both ends. */
function middleOf(bucket: number): number {
  return bucket === 0 ? 1 : (2 * GROWTH ** bucket) / (GROWTH + 1);
}
