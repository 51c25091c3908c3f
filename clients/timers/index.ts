/** Almanac's timers for TypeScript programs: `import { TimersClient } from "almanac/timers"`. See docs/timers-client.md. */
import { randomUUID } from "node:crypto";

import type {
  AuditResponse,
  BatchRequest,
  FiredResponse,
  FireResponse,
  ListResponse,
  OneshotInput,
  PeriodicInput,
  TimerResponse,
  TimerState,
  VerbInput,
  VerbResponse,
} from "../../functions/timers/api/api-types";
import {
  auditSchema,
  batchSchema,
  firedSchema,
  firesSchema,
  listSchema,
  parseResponse,
  previewSchema,
  timerSchema,
  verbSchema,
} from "./responses";
import type * as z from "zod";

import { errorForStatus, InvalidRequestError, isRetryable, TimersError } from "./errors";
import {
  sleepBeforeRetry,
  messageOf,
  signedRequests,
  type ApiRequest,
  type SignedRequests,
  type TimersClientOptions,
} from "./signed-requests";

export type {
  AuditResponse,
  FiredResponse,
  FireResponse,
  OneshotInput,
  PeriodicInput,
  RetryPolicy,
  ScheduleResponse,
  TimerResponse,
  TimerState,
  VerbResponse,
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
  /** Those whose fires go to it, also if it is not configured any more. @default all */
  readonly callback?: string;
  /** Timers per request, 1 to 1000. @default 100 */
  readonly pageSize?: number;
  /** Called with each timer whose row cannot be read, so that the list lacks it: put it again, or delete it. @default nothing */
  readonly onUnreadable?: (timer: UnreadableTimer) => void;
}

export type UnreadableTimer = NonNullable<ListResponse["unreadable"]>[number];

export type BatchItem =
  | { readonly kind: "periodic"; readonly id: string; readonly put: PeriodicInput }
  | { readonly kind: "oneshot"; readonly id: string; readonly put: OneshotInput }
  | {
      readonly kind: "periodic" | "oneshot";
      readonly id: string;
      readonly delete: true;
      /** Only this version. @default any */
      readonly ifVersion?: string;
    };

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
    return this.found(id, status, body, () => parseResponse(timerSchema, body));
  }

  /**
   * Deletes the timer if it exists. Fires that are already queued do not reach the callback.
   *
   * @param options.ifVersion only this version
   * @throws {@link ConflictError} only with `ifVersion`; {@link TimersError}
   */
  async delete(id: string, { ifVersion }: { readonly ifVersion?: string } = {}): Promise<void> {
    const { status, body } = await this.send({ method: "DELETE", path: this.pathOf(id), query: { ifVersion } });
    if (status !== 200) throw errorForStatus(status, messageOf(body, status));
  }

  /**
   * Fires a timer now, paused or not, beside its schedule; or one of its fires again, such as one in the dead-letter queue.
   *
   * @param options.fireId a fire of the current version, or of one that differs in its callback only. @default a new fire
   * @param options.idempotencyKey the same for repeated calls that want one fire. @default a new one, for the attempts of this call
   * @returns undefined when there is no such timer
   * @throws {@link TimersError}
   */
  async fire(
    id: string,
    { fireId, idempotencyKey = randomUUID() }: { readonly fireId?: string; readonly idempotencyKey?: string } = {},
  ): Promise<FiredResponse | undefined> {
    const content = { ...(fireId !== undefined && { fireId }) };
    return this.act(id, "fire", firedSchema, { idempotencyKey, body: content });
  }

  /**
   * Pauses a timer until {@link resume}: its fires are left out, also those that are queued. A put keeps it paused, unless it has `enabled`.
   *
   * @returns undefined when there is no such timer
   * @throws {@link TimersError}
   */
  async pause(id: string): Promise<TimerResponse | undefined> {
    return this.act(id, "pause", timerSchema);
  }

  /** Resumes a timer. Fires that were left out are not made up for; a one-shot whose time has passed fires now. As {@link pause}. */
  async resume(id: string): Promise<TimerResponse | undefined> {
    return this.act(id, "resume", timerSchema);
  }

  /** Pauses all timers whose ids begin with a prefix, each on its own: `""` for all. @throws {@link TimersError} */
  async pauseAll(prefix: string): Promise<VerbResponse> {
    return this.actOnAll({ verb: "pause", prefix });
  }

  /** As {@link pauseAll}. */
  async resumeAll(prefix: string): Promise<VerbResponse> {
    return this.actOnAll({ verb: "resume", prefix });
  }

  /**
   * Moves all timers of a callback to another one, each on its own; again, those that are left. No fire is lost: those that are due and queued stay
   * with the old callback, all others go to the new one, also those that wait because the old callback is not configured any more.
   *
   * @param options.prefix only ids that begin with it. @default all
   * @throws {@link InvalidRequestError} for a callback that is not configured; {@link TimersError}
   */
  async moveAll({
    prefix = "",
    ...callbacks
  }: {
    readonly from: string;
    readonly to: string;
    readonly prefix?: string;
  }): Promise<VerbResponse> {
    return this.actOnAll({ verb: "move", prefix, ...callbacks });
  }

  /**
   * The next fires of a stored timer, or of one that is not put: times, ISO 8601. Of a paused one: those after it is resumed now.
   *
   * @param options.count 1 to 100. @default 10
   * @param options.timer what would be put
   * @returns undefined when there is no such timer
   * @throws {@link InvalidRequestError} for `timer`; {@link TimersError}
   */
  async preview(
    id: string,
    { count = 10, timer }: { readonly count?: number; readonly timer?: Input } = {},
  ): Promise<readonly string[] | undefined> {
    const { status, body } = await this.send({
      method: timer === undefined ? "GET" : "POST",
      path: [...this.pathOf(id), "preview"],
      query: { count: String(count) },
      ...(timer !== undefined && { body: timer }),
    });
    return this.found(id, status, body, () => parseResponse(previewSchema, body).fires);
  }

  /**
   * The fires of a timer in the last seven days, also of earlier versions, the latest first, fetched page by page. Only those that were
   * recorded: see `recorded`.
   *
   * @throws {@link TimersError}
   */
  async *fires(
    id: string,
    { pageSize = 100 }: Pick<ListOptions, "pageSize"> = {},
  ): AsyncGenerator<FireResponse, void, undefined> {
    let next: string | undefined;
    do {
      const query = { limit: String(pageSize), next };
      const { status, body } = await this.send({ method: "GET", path: [...this.pathOf(id), "fires"], query });
      if (status !== 200) throw errorForStatus(status, messageOf(body, status));
      const page = parseResponse(firesSchema, body);
      yield* page.fires;
      next = page.next;
    } while (next !== undefined);
  }

  /**
   * All timers, unordered, fetched page by page: `for await (const timer of timers.periodic.list())`. Timers that are put or deleted
   * during the listing may or may not be included. A list of one-shots with `state: "scheduled"` or `dueBefore` is in the order of their due
   * times, shard by shard, and may lack those of the last second.
   *
   * @throws {@link TimersError}
   */
  async *list({ pageSize = 100, onUnreadable, ...filters }: ListOptions = {}): AsyncGenerator<
    TimerResponse,
    void,
    undefined
  > {
    let next: string | undefined;
    do {
      const query = { limit: String(pageSize), ...filters, next };
      const { status, body } = await this.send({ method: "GET", path: [this.kind], query });
      if (status !== 200) throw errorForStatus(status, messageOf(body, status));
      const page = parseResponse(listSchema, body);
      for (const timer of page.unreadable ?? []) onUnreadable?.(timer);
      yield* page.timers;
      next = page.next;
    } while (next !== undefined);
  }

  /**
   * Compares the fires that the timer's schedule expects with those that were recorded, of its current version.
   *
   * @param options.sinceSeconds how far back, seven days at most. @default a day
   * @param options.lateSeconds later than this is late. @default 60
   * @returns undefined when there is no such timer
   * @throws {@link TimersError}
   */
  async audit(
    id: string,
    { sinceSeconds = 86_400, lateSeconds = 60 }: { readonly sinceSeconds?: number; readonly lateSeconds?: number } = {},
  ): Promise<AuditResponse | undefined> {
    const query = { sinceSeconds: String(sinceSeconds), lateSeconds: String(lateSeconds) };
    const { status, body } = await this.send({ method: "GET", path: [...this.pathOf(id), "audit"], query });
    return this.found(id, status, body, () => parseResponse(auditSchema, body));
  }

  private async act<Output>(
    id: string,
    verb: "fire" | "pause" | "resume",
    schema: z.ZodType<Output>,
    request: Pick<ApiRequest, "idempotencyKey" | "body"> = {},
  ): Promise<Output | undefined> {
    const { status, body } = await this.send({ method: "POST", path: [...this.pathOf(id), verb], ...request });
    return this.found(id, status, body, () => parseResponse(schema, body));
  }

  private async actOnAll(input: VerbInput): Promise<VerbResponse> {
    let changed = 0;
    const failures: { readonly id: string; readonly message: string }[] = [];
    let next: string | undefined;
    do {
      const content: VerbInput = { ...input, next };
      const { status, body } = await this.send({ method: "POST", path: [this.kind], body: content });
      if (status !== 200) throw errorForStatus(status, messageOf(body, status));
      const page = parseResponse(verbSchema, body);
      changed += page.changed;
      failures.push(...page.failures);
      next = page.next;
    } while (next !== undefined);
    return { changed, failures };
  }

  /** A 404 with the id as its body says that there is no such timer; any other, that there is no such API. */
  private found<Output>(id: string, status: number, body: unknown, parse: () => Output): Output | undefined {
    if (status === 200) return parse();
    if (status === 404 && body === id) return undefined;
    throw errorForStatus(status, messageOf(body, status));
  }

  private pathOf(id: string): readonly string[] {
    // URL parsers resolve "." and ".." as path segments, and a server may decode a slash into two.
    if (/^\.{1,2}$|\//.test(id) || id === "")
      throw new InvalidRequestError(`"${id}" is not a valid id: a URL cannot contain it`);
    return [this.kind, encodeURIComponent(id)];
  }
}

/** The API answers a body without newer fields in the legacy format; any of them selects the full one. */
function withFullResponse(
  kind: "periodic" | "oneshot",
  timer: PeriodicInput | OneshotInput,
): PeriodicInput | OneshotInput {
  return kind === "periodic" ? { ...timer, catchUp: timer.catchUp ?? "all" } : timer;
}

function requestOf(item: BatchItem): BatchRequest {
  const path = `/${item.kind}/${encodeURIComponent(item.id)}` as const;
  return "put" in item
    ? { method: "PUT", path, body: withFullResponse(item.kind, item.put) }
    : { method: "DELETE", path, ...(item.ifVersion !== undefined && { ifVersion: item.ifVersion }) };
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
