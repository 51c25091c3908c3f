/** A cache whose entries expire, and which reads each key once at a time. */
import type { Clock } from "../clock";

interface Entry<T> {
  readonly read: Promise<Read<T>>;
  /** Epoch milliseconds. */
  readonly until: number;
}

interface Read<T> {
  readonly value: T;
  /** Epoch milliseconds. */
  readonly at: number;
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
    const now = this.clock.now();
    if (known !== undefined && now < known.until) return (await known.read).value;
    const entry = {
      read: read().then(
        (value): Read<T> => ({ value, at: now }),
        async (error: unknown) => {
          const before = await known?.read;
          if (before === undefined || now - before.at >= this.stale.maxAgeMs || !this.stale.isTemporary(error))
            throw error;
          return before;
        },
      ),
      until: now + this.ttlMs,
    };
    this.#entries.set(key, entry);
    try {
      return (await entry.read).value;
    } catch (error) {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
      throw error;
    }
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}
