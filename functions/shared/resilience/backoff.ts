/** Exponential backoff. */

export interface Backoff {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** `firstMs` after the first failure, doubled with each further one. Without jitter, for a single caller. */
export function backoffMs(failures: number, { firstMs, longestMs }: Backoff): number {
  return Math.min(longestMs, firstMs * 2 ** (failures - 1));
}

/**
 * Full jitter: uniform in [0, {@link backoffMs}).
 * Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 *
 * @param random uniform in [0, 1)
 */
export function jitteredBackoffMs(failures: number, backoff: Backoff, random: () => number): number {
  return random() * backoffMs(failures, backoff);
}
