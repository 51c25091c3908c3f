/** A cache whose entries expire, and which reads each key once at a time. */
import type { Clock } from "../clock";

interface Entry<T> {
  readonly value: Promise<T>;
  /** Epoch milliseconds. */
  readonly until: number;
  /** When the value was read, epoch milliseconds. */
  readAt: number;
}

/** What happens when a value cannot be read again. */
export interface StaleValues {
  /** How old the value of before may become. */
  readonly maxAgeMs: number;
  /** False: the value of before may be wrong by now. */
  readonly isTemporary: (error: unknown) => boolean;
}

/** Values that are read again after `ttlMs`. Concurrent calls share one read. A failed read is not kept. */
export class ExpiringCache<T> {
  readonly #entries = new Map<string, Entry<T>>();

  constructor(
    private readonly ttlMs: number,
    private readonly clock: Pick<Clock, "now">,
    private readonly stale: StaleValues = { maxAgeMs: 0, isTemporary: () => false },
  ) {}

  /** Throws what `read` throws. */
  async get(key: string, read: () => Promise<T>): Promise<T> {
    const known = this.#entries.get(key);
    if (known !== undefined && this.clock.now() < known.until) return known.value;
    const now = this.clock.now();
    const entry: Entry<T> = {
      value: read().catch((error: unknown) => {
        if (known === undefined || now - known.readAt >= this.stale.maxAgeMs || !this.stale.isTemporary(error))
          throw error;
        entry.readAt = known.readAt;
        return known.value;
      }),
      until: now + this.ttlMs,
      readAt: now,
    };
    this.#entries.set(key, entry);
    try {
      return await entry.value;
    } catch (error) {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
      throw error;
    }
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}
