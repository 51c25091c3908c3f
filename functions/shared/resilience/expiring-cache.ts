/** A cache whose entries expire, and which reads each key once at a time. */
import type { Clock } from "../clock";

interface Entry<T> {
  readonly value: Promise<T>;
  /** Epoch milliseconds. */
  readonly until: number;
}

/** Values that are read again after `ttlMs`. Concurrent calls share one read. A failed read is not kept. */
export class ExpiringCache<T> {
  readonly #entries = new Map<string, Entry<T>>();

  constructor(
    private readonly ttlMs: number,
    private readonly clock: Pick<Clock, "now">,
  ) {}

  /** Throws what `read` throws. */
  async get(key: string, read: () => Promise<T>): Promise<T> {
    const known = this.#entries.get(key);
    if (known !== undefined && this.clock.now() < known.until) return known.value;
    const entry = { value: read(), until: this.clock.now() + this.ttlMs };
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
