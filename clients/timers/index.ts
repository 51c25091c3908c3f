/** Almanac's timers for TypeScript programs: `import { TimersClient } from "almanac/timers"`. See docs/timers-client.md. */
import { randomUUID } from "node:crypto";

import type {
  BatchRequest,
  OneshotInput,
  PeriodicInput,
  TimerResponse,
  TimerState,
} from "../../functions/timers/api/api-types";
import { batchSchema, listSchema, timerSchema, parseResponse } from "./responses";
import { errorForStatus, InvalidRequestError, isRetryable, TimersError } from "./errors";
import {
  sleepBeforeRetry,
  messageOf,
  signedRequests,
  type SignedRequests,
  type TimersClientOptions,
} from "./signed-requests";

export type {
  OneshotInput,
  PeriodicInput,
  ScheduleResponse,
  TimerResponse,
  TimerState,
} from "../../functions/timers/api/api-types";
export {
  AccessDeniedError,
  ConflictError,
  InvalidRequestError,
  ThrottledError,
  TimersError,
  UnavailableError,
} from "./errors";
export type { Credentials, TimersClientOptions } from "./signed-requests";

/** The API's limit. */
const REQUESTS_PER_BATCH = 25;

/** Which timers of a list. */
export interface ListOptions {
  /** Of their ids. @default all */
  readonly prefix?: string;
  /** @default all */
  readonly state?: TimerState;
  /** Those with a next fire before this time, ISO 8601. @default all */
  readonly dueBefore?: string;
  /** Timers per request, 1 to 1000. @default 100 */
  readonly pageSize?: number;
}

export type BatchItem =
  | { readonly kind: "periodic"; readonly id: string; readonly put: PeriodicInput }
  | { readonly kind: "oneshot"; readonly id: string; readonly put: OneshotInput }
  | { readonly kind: "periodic" | "oneshot"; readonly id: string; readonly delete: true };

/** Outcome of one batch item. `timer`: of a put. */
export type BatchOutcome =
  | { readonly ok: true; readonly timer?: TimerResponse }
  | { readonly ok: false; readonly error: TimersError };

/**
 * Puts, gets, lists and deletes timers. Requests are signed, and retried after 429, 5xx and timeouts: all of them are idempotent.
 *
 * @example
 * const timers = new TimersClient({ url: "https://abc123.execute-api.eu-central-1.amazonaws.com/live" });
 * await timers.periodic.put("report", { cron: "0 9 ? * MON-FRI *", timeZone: "Europe/Berlin" });
 * await timers.oneshot.put("reminder-7", { delaySeconds: 3600, timerCallbackData: { order: 7 } });
 */
export class TimersClient {
  /** Timers that fire repeatedly. */
  readonly periodic: TimerCollection<PeriodicInput>;
  /** Timers that fire once. */
  readonly oneshot: TimerCollection<OneshotInput>;
  private readonly send: SignedRequests;

  constructor(private readonly options: TimersClientOptions) {
    this.send = signedRequests(options);
    this.periodic = new TimerCollection("periodic", this.send);
    this.oneshot = new TimerCollection("oneshot", this.send);
  }

  /**
   * Puts and deletes many timers, 25 per request. Each item succeeds or fails independently; outcomes are in the order of the items. The
   * 25 items of a request must be different timers.
   *
   * @throws {@link TimersError} when a whole request fails; earlier requests have taken effect
   */
  async batch(items: readonly BatchItem[]): Promise<readonly BatchOutcome[]> {
    const outcomes: BatchOutcome[] = [];
    for (let from = 0; from < items.length; from += REQUESTS_PER_BATCH)
      outcomes.push(...(await this.sendBatch(items.slice(from, from + REQUESTS_PER_BATCH))));
    return outcomes;
  }

  private async sendBatch(items: readonly BatchItem[]): Promise<readonly BatchOutcome[]> {
    const { maxAttempts = 4 } = this.options;
    const outcomes = new Map<BatchItem, BatchOutcome>();
    const idempotencyKey = randomUUID();
    for (let attempt = 1; ; attempt++) {
      const pending = items.filter((item) => {
        const outcome = outcomes.get(item);
        return outcome === undefined || (!outcome.ok && isRetryable(outcome.error));
      });
      if (pending.length === 0 || attempt > maxAttempts) break;
      if (attempt > 1) await sleepBeforeRetry(attempt, 0, this.options);
      const { status, body } = await this.send({
        method: "POST",
        path: ["batch"],
        idempotencyKey,
        body: { requests: pending.map(requestOf) },
      });
      if (status !== 200) throw errorForStatus(status, messageOf(body, status));
      const { results } = parseResponse(batchSchema, body);
      pending.forEach((item, index) => outcomes.set(item, outcomeOf(item, results[index])));
    }
    return items.map((item) => outcomes.get(item) ?? outcomeOf(item, undefined));
  }
}

/** All timers of one kind. Created by {@link TimersClient}. */
export class TimerCollection<Input extends PeriodicInput | OneshotInput> {
  constructor(
    private readonly kind: "periodic" | "oneshot",
    private readonly send: SignedRequests,
  ) {}

  /**
   * Creates or replaces a timer.
   *
   * A put that changes nothing keeps the timer, its version and its pending fires.
   *
   * @param id 1 to 256 characters of `A-Z a-z 0-9 . _ : -`
   * @param options.idempotencyKey the same for repeated calls that want one change. @default a new one, for the attempts of this call
   * @throws {@link InvalidRequestError}; {@link ConflictError} only with `ifVersion`; {@link TimersError}
   */
  async put(
    id: string,
    timer: Input,
    { idempotencyKey = randomUUID() }: { readonly idempotencyKey?: string } = {},
  ): Promise<TimerResponse> {
    const { status, body } = await this.send({
      method: "PUT",
      path: this.pathOf(id),
      idempotencyKey,
      body: withFullResponse(this.kind, timer),
    });
    if (status !== 200) throw errorForStatus(status, messageOf(body, status));
    return parseResponse(timerSchema, body);
  }

  /** Undefined when there is no such timer. @throws {@link TimersError} */
  async get(id: string): Promise<TimerResponse | undefined> {
    const { status, body } = await this.send({ method: "GET", path: this.pathOf(id) });
    if (status === 200) return parseResponse(timerSchema, body);
    if (body === id) return undefined;
    throw errorForStatus(status, messageOf(body, status)); // the API itself was not found
  }

  /** Deletes the timer if it exists. Fires that are already queued do not reach the callback. @throws {@link TimersError} */
  async delete(id: string): Promise<void> {
    const { status, body } = await this.send({ method: "DELETE", path: this.pathOf(id) });
    if (status !== 200) throw errorForStatus(status, messageOf(body, status));
  }

  /**
   * All timers, unordered, fetched page by page: `for await (const timer of timers.periodic.list())`. Timers that are put or deleted
   * during the listing may or may not be included. A list of one-shots with `state: "scheduled"` or `dueBefore` is in the order of their due
   * times, shard by shard, and may lack those of the last second.
   *
   * @throws {@link TimersError}
   */
  async *list({ pageSize = 100, ...filters }: ListOptions = {}): AsyncGenerator<TimerResponse, void, undefined> {
    let next: string | undefined;
    do {
      const query = { limit: String(pageSize), ...filters, ...(next !== undefined && { next }) };
      const { status, body } = await this.send({ method: "GET", path: [this.kind], query });
      if (status !== 200) throw errorForStatus(status, messageOf(body, status));
      const page = parseResponse(listSchema, body);
      yield* page.timers;
      next = page.next;
    } while (next !== undefined);
  }

  private pathOf(id: string): readonly string[] {
    // URL parsers resolve "." and ".." as path segments.
    if (/^\.{1,2}$/.test(id) || id === "")
      throw new InvalidRequestError(`"${id}" is not a valid id: a URL path cannot contain it`);
    return [this.kind, encodeURIComponent(id)];
  }
}

/** The API answers a body without newer fields in the legacy format; `enabled` selects the full one. */
function withFullResponse(
  kind: "periodic" | "oneshot",
  timer: PeriodicInput | OneshotInput,
): PeriodicInput | OneshotInput {
  return kind === "periodic" ? { enabled: true, ...timer } : timer;
}

function requestOf(item: BatchItem): BatchRequest {
  const path = `/${item.kind}/${encodeURIComponent(item.id)}` as const;
  return "put" in item
    ? { method: "PUT", path, body: withFullResponse(item.kind, item.put) }
    : { method: "DELETE", path };
}

function outcomeOf(
  item: BatchItem,
  result: { readonly status: number; readonly body: unknown } | undefined,
): BatchOutcome {
  if (result === undefined) return { ok: false, error: new TimersError("no result in the response") };
  const { status, body } = result;
  if (status !== 200) return { ok: false, error: errorForStatus(status, messageOf(body, status)) };
  return "put" in item ? { ok: true, timer: parseResponse(timerSchema, body) } : { ok: true };
}
