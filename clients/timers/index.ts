/** Almanac's timers for TypeScript programs: `import { TimersClient } from "almanac/timers"`. See docs/timers-client.md. */
import type { BatchRequest, OneshotInput, PeriodicInput, TimerView } from "../../functions/timers/api/api-types";
import { batchSchema, listSchema, timerSchema, understood } from "./answers";
import { errorOf, InvalidRequestError, mayPass, TimersError } from "./errors";
import { backOff, messageOf, signedRequests, type SignedRequests, type TimersClientOptions } from "./signed-requests";

export type { OneshotInput, PeriodicInput, ScheduleView, TimerView } from "../../functions/timers/api/api-types";
export {
  AccessDeniedError,
  ConflictError,
  InvalidRequestError,
  ThrottledError,
  TimersError,
  UnavailableError,
} from "./errors";
export type { Credentials, TimersClientOptions } from "./signed-requests";

/** The API's own limit. */
const REQUESTS_PER_BATCH = 25;

/** One of a batch. */
export type BatchItem =
  | { readonly kind: "periodic"; readonly id: string; readonly put: PeriodicInput }
  | { readonly kind: "oneshot"; readonly id: string; readonly put: OneshotInput }
  | { readonly kind: "periodic" | "oneshot"; readonly id: string; readonly delete: true };

/** What became of one of a batch: the timer that was put; nothing for one that was deleted. */
export type BatchOutcome =
  { readonly ok: true; readonly timer?: TimerView } | { readonly ok: false; readonly error: TimersError };

/**
 * Puts, gets, lists and deletes timers. Every request is signed, and tried again after 429, 5xx and silence: what it does is the same
 * the second time.
 *
 * @example
 * const timers = new TimersClient({ url: "https://abc123.execute-api.eu-central-1.amazonaws.com/live" });
 * await timers.periodic.put("report", { cron: "0 9 ? * MON-FRI *", timeZone: "Europe/Berlin" });
 * await timers.oneshot.put("reminder-7", { delaySeconds: 3600, timerCallbackData: { order: 7 } });
 */
export class TimersClient {
  /** Timers that fire again and again. */
  readonly periodic: TimerCollection<PeriodicInput>;
  /** Timers that fire once. */
  readonly oneshot: TimerCollection<OneshotInput>;
  private readonly ask: SignedRequests;

  constructor(private readonly options: TimersClientOptions) {
    this.ask = signedRequests(options);
    this.periodic = new TimerCollection("periodic", this.ask);
    this.oneshot = new TimerCollection("oneshot", this.ask);
  }

  /**
   * Puts and deletes many timers, 25 a request, each by itself: one's failure is not another's. Outcomes stand in the items' order. No
   * timer may be among 25 items twice.
   *
   * @throws {@link TimersError} when a whole request fails; what came before it is done
   */
  async batch(items: readonly BatchItem[]): Promise<readonly BatchOutcome[]> {
    const outcomes: BatchOutcome[] = [];
    for (let from = 0; from < items.length; from += REQUESTS_PER_BATCH)
      outcomes.push(...(await this.oneBatch(items.slice(from, from + REQUESTS_PER_BATCH))));
    return outcomes;
  }

  private async oneBatch(items: readonly BatchItem[]): Promise<readonly BatchOutcome[]> {
    const { maxAttempts = 4 } = this.options;
    const outcomes = new Map<BatchItem, BatchOutcome>();
    for (let attempt = 1; ; attempt++) {
      const left = items.filter((item) => {
        const outcome = outcomes.get(item);
        return outcome === undefined || (!outcome.ok && mayPass(outcome.error));
      });
      if (left.length === 0 || attempt > maxAttempts) break;
      if (attempt > 1) await backOff(attempt, 0, this.options);
      const { status, body } = await this.ask({
        method: "POST",
        path: ["batch"],
        body: { requests: left.map(requestOf) },
      });
      if (status !== 200) throw errorOf(status, messageOf(body, status));
      const { results } = understood(batchSchema, body);
      left.forEach((item, index) => outcomes.set(item, outcomeOf(item, results[index])));
    }
    return items.map((item) => outcomes.get(item) ?? outcomeOf(item, undefined));
  }
}

/** All timers of one kind. Made by {@link TimersClient}. */
export class TimerCollection<Input extends PeriodicInput | OneshotInput> {
  constructor(
    private readonly kind: "periodic" | "oneshot",
    private readonly ask: SignedRequests,
  ) {}

  /**
   * Makes a timer, or replaces the one of that id.
   *
   * @param id 1 to 256 characters of `A-Z a-z 0-9 . _ : -`
   * @throws {@link InvalidRequestError}; {@link ConflictError} with `ifVersion` only (after a try whose answer was lost, its own
   * success may be the conflict); {@link TimersError}
   */
  async put(id: string, timer: Input): Promise<TimerView> {
    const { status, body } = await this.ask({
      method: "PUT",
      path: this.pathOf(id),
      body: wholeAnswer(this.kind, timer),
    });
    if (status !== 200) throw errorOf(status, messageOf(body, status));
    return understood(timerSchema, body);
  }

  /** The timer of that id; undefined: there is none. @throws {@link TimersError} */
  async get(id: string): Promise<TimerView | undefined> {
    const { status, body } = await this.ask({ method: "GET", path: this.pathOf(id) });
    if (status === 200) return understood(timerSchema, body);
    if (body === id) return undefined;
    throw errorOf(status, messageOf(body, status)); // there is no such API
  }

  /** Deletes the timer of that id, if there is one. What is on its way already does not reach its callback. @throws {@link TimersError} */
  async delete(id: string): Promise<void> {
    const { status, body } = await this.ask({ method: "DELETE", path: this.pathOf(id) });
    if (status !== 200) throw errorOf(status, messageOf(body, status));
  }

  /**
   * All timers, in no order, read page by page: `for await (const timer of timers.periodic.list())`. Those that are put or deleted
   * meanwhile may be among them or not.
   *
   * @param pageSize timers a request, 1 to 1000
   * @throws {@link TimersError}
   */
  async *list(pageSize = 100): AsyncGenerator<TimerView, void, undefined> {
    let next: string | undefined;
    do {
      const query = { limit: String(pageSize), ...(next !== undefined && { next }) };
      const { status, body } = await this.ask({ method: "GET", path: [this.kind], query });
      if (status !== 200) throw errorOf(status, messageOf(body, status));
      const page = understood(listSchema, body);
      yield* page.timers;
      next = page.next;
    } while (next !== undefined);
  }

  private pathOf(id: string): readonly string[] {
    // A URL would take these for folders, and lead elsewhere.
    if (/^\.{1,2}$/.test(id) || id === "") throw new InvalidRequestError(`"${id}" is no id that a URL can hold`);
    return [this.kind, encodeURIComponent(id)];
  }
}

/** An hourly timer without any of the newer fields is answered without version and next fire, as ever: ask for all. */
function wholeAnswer(kind: "periodic" | "oneshot", timer: PeriodicInput | OneshotInput): PeriodicInput | OneshotInput {
  return kind === "periodic" ? { enabled: true, ...timer } : timer;
}

function requestOf(item: BatchItem): BatchRequest {
  const path = `/${item.kind}/${encodeURIComponent(item.id)}` as const;
  return "put" in item ? { method: "PUT", path, body: wholeAnswer(item.kind, item.put) } : { method: "DELETE", path };
}

function outcomeOf(
  item: BatchItem,
  result: { readonly status: number; readonly body: unknown } | undefined,
): BatchOutcome {
  if (result === undefined) return { ok: false, error: new TimersError("was not answered") };
  const { status, body } = result;
  if (status !== 200) return { ok: false, error: errorOf(status, messageOf(body, status)) };
  return "put" in item ? { ok: true, timer: understood(timerSchema, body) } : { ok: true };
}
