/** What actions have done: one that is sent again, because its answer was lost or a button was pressed twice, runs once. */

/** Far more than a person starts while an answer is on its way. */
const REMEMBERED = 100;

const KEY = /^[\w-]{16,64}$/;

/** The request has no key, or that of another action. */
export class IdempotencyKeyError extends Error {
  override readonly name = "IdempotencyKeyError";
}

export class Outcomes<Outcome> {
  /** By key, the latest last. */
  readonly #known = new Map<string, { readonly of: string; readonly outcome: Promise<Outcome> }>();

  /**
   * @param key drawn by the page for each time that an action is confirmed
   * @param of what is done, with its values
   * @throws IdempotencyKeyError
   */
  once(key: unknown, of: string, act: () => Promise<Outcome>): Promise<Outcome> {
    if (typeof key !== "string" || !KEY.test(key))
      throw new IdempotencyKeyError("An action needs an Idempotency-Key header: 16 to 64 letters, digits and hyphens.");
    const known = this.#known.get(key);
    if (known !== undefined) {
      if (known.of !== of) throw new IdempotencyKeyError("This Idempotency-Key is that of another action.");
      return known.outcome;
    }
    const outcome = act();
    this.#known.set(key, { of, outcome });
    for (const old of [...this.#known.keys()].slice(0, -REMEMBERED)) this.#known.delete(old);
    return outcome;
  }
}
