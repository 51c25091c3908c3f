/** Jitter of scheduled times. Pure. */
import { fnv1a } from "../hash";

/** Deterministic jitter, 0 to jitterSeconds, in milliseconds. */
export function jitterMs(seed: string, jitterSeconds: number): number {
  let hash = fnv1a(seed);
  // Ids that differ only in the last character differ only in the hash's low bits: mix them (murmur3's finalizer).
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % (jitterSeconds * 1_000 + 1);
}
