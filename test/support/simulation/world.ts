/**
 * A simulated world with virtual time and random faults, derived from a seed: the real cores of timers, with DynamoDB, SQS and EventBridge
 * simulated at their ports.
 */
import type { Delivery } from "../../../functions/timers/callback/delivery";
import {
  processDeliveries,
  type CallbackPorts,
  type IdempotencyStore,
  type RunningFires,
} from "../../../functions/timers/callback/process-deliveries";
import { dispatchShards } from "../../../functions/timers/dispatch/dispatch-shards";
import {
  LeaseLostError,
  type Cursor,
  type DispatchPorts,
  type DispatchTable,
} from "../../../functions/timers/dispatch/dispatcher";
import {
  fireQueue,
  QueueRefusesError,
  type FireQueue,
  type SendBatch,
} from "../../../functions/timers/queue/fire-queue";
import { fireNow, overdueSlot, recurringSlot, type IndexKey } from "../../../functions/timers/schedule/fire-times";
import { cursorReader, type CursorReader } from "../../../functions/timers/api/cursors";
import { putTimers } from "../../../functions/timers/api/put-timers";
import { cursorOf, oldestOf } from "../../../functions/timers/storage/shard-cursor";
import { timerKey } from "../../../functions/timers/storage/timer-row";
import {
  STATEMENTS_PER_CALL,
  TimerChangedError,
  type Advance,
  type TimerTable,
} from "../../../functions/timers/storage/timer-table";
import { DEFAULT_CALLBACK } from "../../../functions/timers/contract";
import {
  DEFAULT_MAX_ATTEMPTS,
  type Fire,
  type StoredTimer,
  type Timer,
} from "../../../functions/timers/schedule/timer";
import type { Clock } from "../../../functions/shared/clock";
import { expectedFires, type Expected } from "./expected";
import { EventQueue } from "./event-queue";
import { drawTimer, type Client } from "./workload";
import { Random } from "./random";

const SECOND = 1_000;
const MAX_SKEW_MS = 3_000;
const MINUTE = 60_000;

/** An arbitrary time, and both changes of daylight saving time. */
const BEGINNINGS = ["2026-11-21T06:00:00Z", "2026-10-25T00:30:00Z", "2027-03-28T00:30:00Z"].map(Date.parse);

const DISPATCH_MS = 55 * SECOND;
const CALLBACK_MS = 30 * SECOND;
const VISIBILITY_MS = 180 * SECOND;

/** Deliveries of a message before SQS moves it to the dead-letter queue. */
const MAX_RECEIVES = 100;
const REDRIVE_MS = 2 * MINUTE;

/** How long a call to a silent service lasts: the timeout of the API's client; a dispatcher's until it ends. */
const HANGING_CALL_MS = { client: 5 * SECOND, callback: 20 * SECOND, dispatcher: 50 * SECOND } as const;

/** No faults in this last part of a world, so that all retries succeed. */
const RECOVERY_MS = 30 * MINUTE;

/** The ports of the engine, for mutants to break. */
export interface Ports {
  readonly index: DispatchTable;
  readonly table: TimerTable;
  readonly idempotency: IdempotencyStore;
  readonly running: RunningFires;
  readonly sendToDeadLetters: (delivery: Delivery) => Promise<void>;
  readonly queue: FireQueue;
  readonly sendBatch: SendBatch;
  readonly clock: Clock;
}

/** The part of the engine that a process runs. */
export type Part = "dispatcher" | "callback" | "client";

export type Mutant = (ports: Ports, part: Part) => Partial<Ports>;

export interface WorldOptions {
  readonly seed: number;
  /** @default none */
  readonly mutant?: Mutant;
  /** Maximum number of events. @default no limit */
  readonly steps?: number;
  /** Called with each event. */
  readonly trace?: (time: number, line: string) => void;
}

/** Hold in every world. */
export const INVARIANTS = [
  "every due fire of a live timer is delivered",
  "never early",
  "on time when nothing failed",
  "no fire of a timer that was deleted or replaced before",
  "one effect per fire in exactly-once mode",
  "the cursor never passes an unsent fire",
  "sent once when nothing failed",
  "a fire is of one version",
  "only scheduled fires are delivered",
  "a PUT that changes nothing keeps the version",
  "one version per idempotency key",
  "an acknowledged PUT is stored",
  "a fire is dropped only as its timer's catchUp says",
  "no fire that is too late for its timer",
  "fires of a timer with overlap skip never run at once",
  "a fire is skipped only while another one runs",
  "no more attempts than the timer's retry has",
  "no attempt that is too old",
  "a fire goes to the dead letters only after its last attempt",
  "a fire goes to the callback of its timer",
  "an acknowledged fire by request is delivered",
  "a delivered fire is in the history",
  "nothing is overdue at the end",
] as const;
export type Invariant = (typeof INVARIANTS)[number];

export interface Violation {
  readonly invariant: Invariant;
  readonly detail: string;
}

/** One run of one process. When dead, its pending calls never complete. */
interface Process {
  readonly name: string;
  readonly part: Part;
  /** Clock skew, milliseconds. */
  readonly skew: number;
  dead: boolean;
}

interface StoredRow {
  readonly timer: StoredTimer;
  readonly indexKey: IndexKey | undefined;
}

/** The history of one version of a timer. */
interface History {
  /** As in the PUT. */
  readonly timer: Timer;
  /** All its fires in this world, by fire id, in order. Of a timer that was moved: those of all its versions. */
  readonly expected: ReadonlyMap<string, Expected>;
  /** Number of them that the cursor has passed. */
  passed: number;
  /** Infinity: the PUT died before. Afterwards it is a promise, whether or not it was acknowledged. */
  wroteAt: number;
  /** Of all versions of a timer that was moved: a fire of any of them is delivered by one of them. */
  readonly life: Life;
  /** The callbacks that its fires may go to. */
  readonly callbacks: ReadonlySet<string>;
}

interface Life {
  /** Replaced or deleted, not moved. */
  removedAt: number;
}

type Service = "SQS" | "DynamoDB" | "index" | "handler";

/** Minutes in which a service does not work. */
interface Outage {
  readonly service: Service;
  readonly from: number;
  readonly to: number;
  /** `silent` never responds; `lost` works, and its responses are lost; `half` of a batch; `slow` responds late. */
  readonly mode: "throttled" | "silent" | "lost" | "half" | "slow";
}

/** Minutes in which the queue of one callback refuses all messages. */
interface Refusal {
  readonly callback: string;
  readonly from: number;
  readonly to: number;
}

/** A client's wish, which it repeats until it is acknowledged. */
interface Wish {
  readonly key: string;
  readonly timer: Timer;
  /** `at` moves with each attempt, like that of delaySeconds. */
  readonly isRelative: boolean;
  attempts: number;
}

interface Message {
  readonly fire: Fire;
  readonly id: string;
  /** Calls of the handler. */
  attempts: number;
  visibleAt: number;
  receiveCount: number;
  deleted: boolean;
}

class Throttled extends Error {
  override readonly name = "ThrottlingException";
}

/** Settles after all promise reactions: Node runs its ticks when none is left. An immediate would cost a turn of the event loop. */
async function promisesSettled(): Promise<void> {
  await Promise.resolve(); // From here on, this runs as a reaction itself.
  await new Promise<void>((resolve) => {
    process.nextTick(resolve);
  });
}

export class World {
  readonly #random: Random;
  /** Of redrives and duplicate deliveries. */
  readonly #redrives: Random;
  readonly #events = new EventQueue();
  readonly #rows = new Map<string, StoredRow>();
  readonly #indexed = new Map<
    string,
    { row: StoredRow | undefined; pending: { at: number; row: StoredRow | undefined }[] }
  >();
  readonly #cursors = new Map<string, Cursor & { owner?: string; until?: number }>();
  readonly #claims = new Map<string, { owner: string; until: number; completed: boolean }>();
  readonly #messages = new Set<Message>();
  readonly #histories = new Map<string, History>();
  readonly #sent = new Set<string>();
  /** The version whose fire was delivered first, by fire id. */
  readonly #firedBy = new Map<string, string>();
  /** By version and fire id. */
  readonly #sentBy = new Set<string>();
  readonly #effects = new Map<string, number>();
  readonly #lastEffects = new Map<string, number>();
  /** By fire id. */
  readonly #dropped = new Set<string>();
  readonly #skipped = new Set<string>();
  readonly #recorded = new Map<string, string>();
  /** Fires by request: acknowledged or not. */
  readonly #requested = new Map<string, { readonly fire: Fire; acknowledged: boolean }>();
  /** Leases of timers whose fires do not overlap. */
  readonly #leases = new Map<string, { owner: string; until: number; fireId: string }>();
  /** The handlers that run, by timer. */
  readonly #runs = new Map<string, Set<{ readonly process: Process; readonly hasLease: boolean }>>();
  /** When the lease of a timer was acquired last, and when a handler of it ended last. */
  readonly #begun = new Map<string, number>();
  readonly #ended = new Map<string, number>();
  /** Fires that found the lease of another. */
  readonly #refused = new Set<string>();
  readonly #violations: Violation[] = [];
  readonly #dead = new Set<Message>();
  readonly #outages: readonly Outage[];
  readonly #faults = new Map<string, number>();
  /** Of one client: its last timer. */
  readonly #wishes = new Map<string, Timer>();
  readonly #begin: number;
  readonly #poisoned: boolean;
  readonly #deadly: boolean;
  readonly #calm: boolean;
  /** Throttles writes of leases, again and again. */
  readonly #hasHotLeases: boolean;
  /** Clients change the callback of a timer, and nothing else. */
  readonly #hasMoves: boolean;
  readonly #exactlyOnce: boolean;
  /** Also in calm worlds: it may concern no other callback. */
  readonly #refusal: Refusal | undefined;
  #shards: number;
  readonly #end: number;
  #now: number;
  #number = 0;

  constructor(private readonly options: WorldOptions) {
    this.#random = new Random(options.seed);
    this.#redrives = new Random(options.seed + 1_000_000_007);
    const random = this.#random;
    this.#calm = random.chance(0.3);
    this.#hasHotLeases = !this.#calm && this.#redrives.chance(0.25);
    this.#hasMoves = new Random(options.seed + 2_000_000_011).chance(0.25);
    this.#exactlyOnce = random.chance(0.4);
    this.#shards = random.chance(0.25) ? 2 : 1;
    const minutes = random.chance(0.02) ? random.whole(120, 300) : random.whole(15, 45);
    this.#begin = random.chance(0.2) ? random.of(BEGINNINGS.slice(1)) : (BEGINNINGS[0] ?? 0);
    this.#now = this.#begin;
    this.#end = this.#begin + minutes * MINUTE + RECOVERY_MS;
    this.#poisoned = random.chance(0.2);
    this.#deadly = random.chance(0.3);
    this.#outages = this.#calm ? [] : this.drawOutages(minutes);
    this.#refusal = this.#redrives.chance(0.3) ? this.drawRefusal(minutes) : undefined;
    if (!this.#calm && random.chance(0.2))
      this.at(this.#begin + random.whole(1, minutes) * MINUTE, () => {
        this.#shards += random.whole(1, 3);
        this.trace(`${this.#shards} shards from now on`);
      });
    for (let at = this.#end - RECOVERY_MS; at < this.#end; at += REDRIVE_MS)
      this.at(at, () => {
        this.redrive();
      });
  }

  /** Faults that were injected, by kind. */
  get faults(): ReadonlyMap<string, number> {
    return this.#faults;
  }

  /** Virtual time times the number of timers, in hours. */
  get timerHours(): number {
    return ((this.#end - this.#begin) / 3_600_000) * this.#wishes.size;
  }

  private drawOutages(minutes: number): readonly Outage[] {
    const random = this.#random;
    return Array.from({ length: random.of([0, 0, 1, 1, 2, 4]) }, () => {
      const from = this.#begin + random.whole(0, minutes * 60) * SECOND;
      return {
        service: random.of<Service>(["SQS", "SQS", "DynamoDB", "index", "handler"]),
        from,
        to: from + random.whole(10, 600) * SECOND,
        mode: random.of<Outage["mode"]>(["throttled", "silent", "silent", "lost", "half", "slow"]),
      };
    });
  }

  private drawRefusal(minutes: number): Refusal {
    const random = this.#redrives;
    const from = this.#begin + random.whole(0, minutes * 60) * SECOND;
    const to = Math.min(from + random.whole(10, 900) * SECOND, this.#end - RECOVERY_MS);
    return { callback: random.of([DEFAULT_CALLBACK, "billing"]), from, to };
  }

  /** Whether nothing fails for a timer in the whole world. */
  private isCalmFor(version: string): boolean {
    if (!this.#calm || this.#refusal === undefined) return this.#calm;
    return this.#histories.get(version)?.callbacks.has(this.#refusal.callback) !== true;
  }

  private outage(service: Service): Outage["mode"] | undefined {
    if (!this.faulty) return undefined;
    return this.#outages.find((one) => one.service === service && one.from <= this.#now && this.#now < one.to)?.mode;
  }

  private count(fault: string): void {
    this.#faults.set(fault, (this.#faults.get(fault) ?? 0) + 1);
  }

  async run(): Promise<readonly Violation[]> {
    this.trace(
      `${this.#calm ? "calm" : "faulty"}, ${this.#exactlyOnce ? "exactly once" : "at least once"}, ${this.#shards} shards, ` +
        `${Math.round((this.#end - this.#begin) / MINUTE)} minutes, ${JSON.stringify([this.#outages, this.#refusal])}`,
    );
    this.scheduleTicks();
    this.scheduleClients();
    const { steps = Infinity } = this.options;
    let step = 0;
    for (let next = this.#events.take(); next !== undefined && next.at <= this.#end; next = this.#events.take()) {
      if (++step > steps) return this.#violations;
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await promisesSettled();
      if (this.#violations.length > 0) return this.#violations;
    }
    this.checkDelivered();
    this.checkNothingOverdue();
    return this.#violations;
  }

  // --- faults ---------------------------------------------------------------------------------------------------

  private get faulty(): boolean {
    return !this.#calm && this.#now < this.#end - RECOVERY_MS;
  }

  private at(time: number, run: () => void): void {
    this.#events.add(time, run);
  }

  private process(part: Part, name: string, lifetimeMs: number): Process {
    const skew = this.faulty && this.#random.chance(0.3) ? this.#random.whole(-MAX_SKEW_MS, MAX_SKEW_MS) : 0;
    const process = { name: `${name}.${++this.#number}`, part, skew, dead: false };
    this.at(this.#now + lifetimeMs, () => {
      process.dead = true;
    });
    return process;
  }

  /** One call of a process to a service: has latency and may fail before or after its effect; the process may die as well. */
  private call<Result>(
    process: Process,
    name: string,
    effect: () => Result,
    service: Service = "DynamoDB",
    deadline = Infinity,
  ): Promise<Result> {
    const random = this.#random;
    const deadliness = this.#deadly ? 5 : 1;
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        if (process.dead) return;
        const faulty = this.faulty;
        const outage = this.outage(service);
        if (outage !== undefined) this.count(`${service} ${outage}`);
        if (outage === "silent" || outage === "lost") {
          if (outage === "lost") {
            try {
              effect();
            } catch {
              // The response is lost, whatever it is.
            }
          }
          const until = Math.min(this.#now + HANGING_CALL_MS[process.part], Math.max(this.#now, deadline));
          this.at(until, () => {
            if (!process.dead) fail("without a response");
          });
          return;
        }
        if (outage === "throttled" && random.chance(0.9)) {
          fail("before its effect");
          return;
        }
        if (faulty && random.chance(0.004 * deadliness)) {
          this.die(process, `before ${name}`);
          return;
        }
        if (faulty && random.chance(0.01)) {
          fail("before its effect");
          return;
        }
        let result: Result;
        try {
          result = effect();
        } catch (error) {
          reject(error instanceof Error ? error : new Error("not an error", { cause: error }));
          return;
        }
        if (faulty && random.chance(0.004 * deadliness)) {
          this.die(process, `after ${name}`);
          return;
        }
        if (faulty && random.chance(0.003)) {
          fail("after its effect");
          return;
        }
        // SQS is slower than the index now and then, also without faults.
        const isSlow = service === "SQS" && process.part === "client" && random.chance(0.5);
        const latency =
          this.latency() + (outage === "slow" ? random.whole(500, 4_000) : isSlow ? random.whole(50, 800) : 0);
        if (latency === 0) resolve(result);
        else
          this.at(this.#now + latency, () => {
            if (!process.dead) resolve(result);
          });
      };
      const fail = (when: string): void => {
        this.count(`${name} fails ${when}`);
        this.trace(`${process.name}: ${name} fails ${when}`);
        reject(new Throttled(`${name} failed ${when}`));
      };
      const latency = this.latency();
      if (latency === 0) begin();
      else this.at(this.#now + latency, begin);
    });
  }

  private latency(): number {
    const random = this.#random;
    if (random.chance(0.85)) return 0;
    return this.faulty && random.chance(0.03) ? random.whole(1_000, 20_000) : random.whole(1, 30);
  }

  private die(process: Process, when: string): void {
    process.dead = true;
    this.count(`${process.part} dies`);
    this.trace(`${process.name} dies ${when}`);
  }

  // --- services -----------------------------------------------------------------------------------------------

  private ports(process: Process): Ports {
    const clock: Clock = {
      now: () => this.#now + process.skew,
      elapsed: () => this.#now - this.#begin,
      after: (milliseconds, callback) => {
        this.at(this.#now + milliseconds, () => {
          if (!process.dead) callback();
        });
        return () => undefined;
      },
    };
    const call = <Result>(name: string, effect: () => Result) => this.call(process, name, effect);
    const sendBatch: SendBatch = (entries, deadline, callback) =>
      this.call(
        process,
        "SendMessageBatch",
        () => {
          const { callback: refused, from, to } = this.#refusal ?? { callback: undefined, from: 0, to: 0 };
          if (callback === refused && from <= this.#now && this.#now < to) {
            this.count("a queue refuses");
            throw new QueueRefusesError(callback, "KmsAccessDenied");
          }
          return entries.flatMap(({ fire, delaySeconds }, index) => {
            const fails = this.outage("SQS") === "half" ? 0.5 : 0.03;
            if (this.faulty && this.#random.chance(fails)) {
              this.count("entry of a batch fails");
              return [{ index, isRejected: false, reason: "InternalError" }];
            }
            this.enqueue(fire, delaySeconds, callback);
            return [];
          });
        },
        "SQS",
        deadline - process.skew,
      );
    const plain: Ports = {
      index: this.index(process),
      table: this.table(call),
      idempotency: this.idempotency(call),
      running: this.running(call),
      sendToDeadLetters: ({ fire, messageId, receiveCount }) =>
        this.call(
          process,
          "SendMessage",
          () => {
            this.deadLettered(fire, receiveCount);
            this.bury({
              fire,
              id: `${messageId}.dead`,
              attempts: 0,
              visibleAt: 0,
              receiveCount: 0,
              deleted: false,
            });
          },
          "SQS",
        ),
      queue: queueOf(sendBatch, clock, this.#random),
      sendBatch,
      clock,
    };
    const broken = this.options.mutant?.(plain, process.part) ?? {};
    const { queue = queueOf(broken.sendBatch ?? sendBatch, broken.clock ?? clock, this.#random) } = broken;
    return { ...plain, ...broken, queue };
  }

  private table(call: Call): TimerTable {
    const read = (kind: "periodic" | "oneshot", id: string): StoredRow | undefined => {
      const row = this.#rows.get(timerKey(kind, id));
      if (row?.indexKey?.slot !== overdueSlot(row?.timer.shard ?? "")) return row;
      return { ...row, timer: { ...row.timer, isOverdue: true } };
    };
    /** @returns whether it was saved */
    const advanceRow = ({ timer, indexKey, previous }: Advance): boolean => {
      const row = read(timer.kind, timer.id);
      if (row?.timer.version !== timer.version || row.timer.enqueuedUntil !== previous) return false;
      const { firesLeft = row.timer.firesLeft } = timer;
      const { isOverdue: _, ...stored } = row.timer;
      const advanced = {
        ...stored,
        enqueuedUntil: timer.enqueuedUntil,
        ...(firesLeft !== undefined && { firesLeft }),
      };
      this.write(timerKey(timer.kind, timer.id), { timer: advanced, indexKey });
      return true;
    };
    return {
      get: ({ kind, id }) => call("GetItem", () => read(kind, id)?.timer),
      getMany: (keys) =>
        call("BatchGetItem", () => {
          const unique = new Map(keys.map(({ kind, id }) => [timerKey(kind, id), { kind, id }]));
          return { timers: [...unique.values()].flatMap(({ kind, id }) => read(kind, id)?.timer ?? []), corrupt: [] };
        }),
      list: () => Promise.reject(new Error("not simulated")),
      put: (timer, indexKey, replaces) =>
        call("PutItem", () => {
          const stored = read(timer.kind, timer.id)?.timer;
          if (replaces !== undefined && replaces !== (stored?.version ?? null))
            throw new TimerChangedError("changed", stored);
          this.checkReplaced(timer, stored);
          if (stored !== undefined && this.isMove(timer, stored)) this.moved(timer, stored.version);
          const history = this.#histories.get(timer.version);
          if (history) history.wroteAt = Math.min(history.wroteAt, this.#now);
          this.write(timerKey(timer.kind, timer.id), { timer, indexKey });
        }),
      advance: async (advances) => {
        const changed: Advance[] = [];
        for (let first = 0; first < advances.length; first += STATEMENTS_PER_CALL) {
          const batch = advances.slice(first, first + STATEMENTS_PER_CALL);
          await call("BatchExecuteStatement", () => {
            const fails = this.faulty && this.#random.chance(this.outage("DynamoDB") === "half" ? 0.5 : 0.02);
            const written = fails ? batch.filter(() => this.#random.chance(0.5)) : batch;
            changed.push(...written.filter((advance) => !advanceRow(advance)));
            if (!fails) return;
            this.count("statements of a batch fail");
            throw new Throttled("some timers could not be advanced");
          });
        }
        return changed;
      },
      delete: ({ kind, id }) =>
        call("DeleteItem", () => {
          this.write(timerKey(kind, id), undefined);
        }),
      ensureCursor: (shard, at) =>
        call("PutItem", () => {
          if (!this.#cursors.has(shard)) this.#cursors.set(shard, { cursor: at });
        }),
      recordShardCount: () => Promise.resolve(this.#shards),
    };
  }

  /** Updates the table immediately and the index later, in order. A row whose key changes may be missing from the index for a moment. */
  private write(key: string, row: StoredRow | undefined): void {
    const before = this.#rows.get(key);
    if (before && before.timer.version !== row?.timer.version) {
      const history = this.#histories.get(before.timer.version);
      const isMoved = row !== undefined && this.isMove(row.timer, before.timer);
      if (history && !isMoved) history.life.removedAt = this.#now;
      this.trace(`${before.timer.version} is ${row ? `replaced by ${row.timer.version}` : "deleted"}`);
    }
    if (row) this.#rows.set(key, row);
    else this.#rows.delete(key);
    const random = this.#random;
    const lag =
      this.faulty && random.chance(0.1) ? random.whole(1_000, 390_000) : random.whole(1, random.of([50, 1_500]));
    let entry = this.#indexed.get(key);
    if (entry === undefined) {
      entry = { row: undefined, pending: [] };
      this.#indexed.set(key, entry);
    }
    const at = Math.max(this.#now + lag, entry.pending.at(-1)?.at ?? 0);
    // The old entry disappears before the new one appears.
    if (random.chance(0.3)) {
      const gap = random.of([1, lag]);
      entry.pending.push({ at: Math.max(at - gap, this.#now, entry.pending.at(-1)?.at ?? 0), row: undefined });
    }
    entry.pending.push({ at, row });
  }

  private index(process: Process): DispatchTable {
    const call: Call = (name, effect) => this.call(process, name, effect, name === "Query" ? "index" : "DynamoDB");
    return {
      cursors: (shards) =>
        call("BatchGetItem", () => {
          const found = shards.flatMap((shard) => {
            const cursor = this.#cursors.get(shard);
            return cursor === undefined ? [] : [[shard, cursor] as const];
          });
          return new Map(found);
        }),
      acquire: (shard, { owner, now, until }) =>
        call("UpdateItem", () => {
          const cursor = this.#cursors.get(shard);
          if (cursor === undefined) return undefined;
          const acquired = cursor.until === undefined || cursor.until < now || cursor.owner === owner;
          if (acquired) this.#cursors.set(shard, { ...cursor, owner, until });
          const { owner: _, until: __, ...progress } = cursor;
          return { ...progress, acquired };
        }),
      save: (shard, { owner, previous, cursor, release }) =>
        call("UpdateItem", () => {
          const stored = this.#cursors.get(shard);
          if (stored?.owner !== owner || stored.cursor !== previous) throw new LeaseLostError("lost");
          this.checkCursor(shard, cursor);
          const { until } = stored;
          this.#cursors.set(shard, { ...cursor, ...(!release && { owner, ...(until !== undefined && { until }) }) });
        }),
      page: ({ slot, from = -Infinity, to }, after) =>
        call("Query", () => {
          // DynamoDB refuses a start key outside the query's boundaries.
          const startMs = after === undefined ? undefined : Number(String(after["name"]).slice(0, 16));
          if (startMs !== undefined && (after?.["slot"] !== slot || startMs < from || startMs > to))
            throw new Error("ValidationException: the start key is outside of the query");
          const matches: { readonly name: string; readonly timer: StoredTimer }[] = [];
          for (const [key, entry] of this.#indexed) {
            while (entry.pending[0] !== undefined && entry.pending[0].at <= this.#now)
              entry.row = entry.pending.shift()?.row;
            const { row } = entry;
            if (row?.indexKey?.slot !== slot || row.indexKey.dueMs < from || row.indexKey.dueMs > to) continue;
            const name = `${String(row.indexKey.dueMs).padStart(16, "0")} ${key}`;
            if (after === undefined || name > String(after["name"])) matches.push({ name, timer: row.timer });
          }
          const corrupt = this.#poisoned && this.#random.chance(0.05) ? [new Error("poison")] : [];
          if (matches.length === 0) return { timers: [], corrupt };
          const rows = matches.sort((a, b) => (a.name < b.name ? -1 : 1));
          const size = this.#random.whole(1, 3);
          const page = rows.slice(0, size);
          return {
            timers: page.map(({ timer }) => timer),
            corrupt,
            ...(rows.length > size && { next: { name: page.at(-1)?.name, slot } }),
          };
        }),
    };
  }

  private idempotency(call: Call): IdempotencyStore {
    return {
      claim: (fire, { owner, now, until }) =>
        call("UpdateItem", () => {
          const claim = this.#claims.get(fire.fireId);
          if (claim?.completed) return { outcome: "completed" as const };
          if (claim !== undefined && claim.owner !== owner && claim.until >= now)
            return { outcome: "inProgress" as const, until: claim.until };
          this.#claims.set(fire.fireId, { owner, until, completed: false });
          return { outcome: "claimed" as const };
        }),
      complete: (fire, owner) =>
        call("UpdateItem", () => {
          const claim = this.#claims.get(fire.fireId);
          if (claim?.owner !== owner) throw new Error("claimed by another owner");
          claim.completed = true;
        }),
      release: (fire, owner) =>
        call("DeleteItem", () => {
          const claim = this.#claims.get(fire.fireId);
          if (claim?.owner === owner && !claim.completed) this.#claims.delete(fire.fireId);
        }),
    };
  }

  private running(call: Call): RunningFires {
    const write = <Result>(effect: () => Result) =>
      call("UpdateItem of a lease", () => {
        if (this.faulty && this.#hasHotLeases && this.#redrives.chance(0.5)) {
          this.count("UpdateItem of a lease is throttled");
          throw new Throttled("the lease is hot");
        }
        return effect();
      });
    return {
      begin: (fire, { owner, now, until }) =>
        write(() => {
          const timer = timerKey(fire.kind, fire.id);
          const lease = this.#leases.get(timer);
          if (lease !== undefined && lease.owner !== owner && lease.until >= now) {
            this.refused(fire, timer);
            return { outcome: "held" as const, ...lease };
          }
          this.#leases.set(timer, { owner, until, fireId: fire.fireId });
          this.#begun.set(timer, this.#now);
          return { outcome: "acquired" as const };
        }),
      end: ({ kind, id }, owner) =>
        write(() => {
          const timer = timerKey(kind, id);
          const lease = this.#leases.get(timer);
          if (lease?.owner !== owner) return lease;
          this.#leases.delete(timer);
          return undefined;
        }),
    };
  }

  private enqueue(fire: Fire, delaySeconds: number, callback: string): void {
    const timer = this.#histories.get(fire.version)?.timer;
    if (callback !== (timer && callbackOf(timer)))
      this.violated("a fire goes to the callback of its timer", fire.fireId);
    const random = this.#random;
    this.#sent.add(fire.fireId);
    this.trace(`${fire.fireId} is enqueued with a delay of ${delaySeconds} s`);
    // By each version: a fire that is being enqueued during a move may be sent by both, and is fenced for one of them.
    const byVersion = `${fire.version} ${fire.fireId}`;
    if (this.isCalmFor(fire.version) && this.#sentBy.has(byVersion))
      this.violated("sent once when nothing failed", fire.fireId);
    this.#sentBy.add(byVersion);
    // SQS may deliver a message twice even without faults.
    const copies = random.chance(0.02) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const slow = this.faulty && random.chance(0.02) ? random.whole(0, 60_000) : random.whole(0, 50);
      this.enqueueMessage(fire, this.#now + delaySeconds * SECOND + slow);
    }
  }

  private enqueueMessage(fire: Fire, visibleAt: number): void {
    // A copy, to tell the messages of one fire apart.
    const message = {
      fire: { ...fire },
      id: `m${++this.#number}`,
      attempts: 0,
      visibleAt,
      receiveCount: 0,
      deleted: false,
    };
    this.#messages.add(message);
    this.scheduleDelivery(message);
  }

  // --- actors -------------------------------------------------------------------------------------------------------

  private scheduleDelivery(message: Message): void {
    this.at(message.visibleAt, () => {
      if (!message.deleted && message.visibleAt <= this.#now) this.deliver(message);
    });
  }

  /** Delivers a batch of visible messages, including this one, to a new callback process. */
  private deliver(first: Message): void {
    const visible = [...this.#messages].filter(
      (message) =>
        message !== first &&
        !message.deleted &&
        message.visibleAt <= this.#now &&
        message.fire.callback === first.fire.callback,
    );
    const received = [first, ...visible].slice(0, this.#random.whole(1, 10));
    const batch = received.filter((message) => message.receiveCount < MAX_RECEIVES);
    for (const message of received) {
      if (message.receiveCount < MAX_RECEIVES) continue;
      this.count("dead letter of SQS");
      this.#messages.delete(message);
      this.bury(message);
    }
    if (batch.length === 0) return;
    for (const message of batch) {
      message.receiveCount += 1;
      // SQS may deliver a message that is being processed.
      const isTwice = this.faulty && this.#redrives.chance(0.02);
      message.visibleAt = this.#now + (isTwice ? this.#redrives.whole(0, 5) * SECOND : VISIBILITY_MS);
      this.scheduleDelivery(message);
    }
    const process = this.process("callback", "callback", CALLBACK_MS);
    const ports = this.ports(process);
    const deadline = this.#now + CALLBACK_MS;
    const byId = new Map(batch.map((message) => [message.id, message]));
    const deliveries = batch.map(({ fire, id, receiveCount }): Delivery => ({
      messageId: id,
      receiptHandle: id,
      receiveCount,
      fire,
    }));
    const callback: CallbackPorts = {
      table: ports.table,
      clock: ports.clock,
      owner: process.name,
      deadline: deadline + process.skew,
      ...(this.#exactlyOnce && { idempotency: ports.idempotency }),
      running: ports.running,
      sendToDeadLetters: ports.sendToDeadLetters,
      history: true,
      record: (observed) =>
        this.call(process, "BatchWriteItem", () => {
          for (const { fire, outcome } of observed)
            if (this.#recorded.get(fire.fireId) !== "succeeded") this.#recorded.set(fire.fireId, outcome);
        }).catch(() => undefined),
      changeVisibility: ({ receiptHandle }, seconds) =>
        this.call(process, "ChangeMessageVisibility", () => {
          const message = byId.get(receiptHandle);
          if (message === undefined || message.deleted) return;
          message.visibleAt = this.#now + seconds * SECOND;
          this.scheduleDelivery(message);
        }),
      invoke: (fire, owner) => {
        const { receiveCount = 0 } = deliveries.find((delivery) => delivery.fire === fire) ?? {};
        return this.invoke(fire, owner, process, batch, receiveCount);
      },
      observer: {
        fired: () => undefined,
        fenced: ({ fireId }) => {
          this.trace(`${fireId} is fenced`);
        },
        duplicate: () => undefined,
        dropped: (fire) => {
          this.dropped(fire, process);
        },
        skipped: (fire) => {
          this.skipped(fire);
        },
        failed: () => undefined,
      },
    };
    processDeliveries(deliveries, callback).then(
      (redeliveries) => {
        if (process.dead) return;
        const failed = new Set(redeliveries.map(({ messageId }) => messageId));
        for (const message of batch) {
          if (failed.has(message.id)) continue;
          // SQS may deliver a deleted message again.
          if (this.faulty && this.#random.chance(0.02)) continue;
          message.deleted = true;
          this.#messages.delete(message);
        }
      },
      (error: unknown) => {
        this.trace(`${process.name} fails: ${String(error)}`);
      },
    );
  }

  /** One call of the user's handler, which takes its time now and then. */
  private async invoke(
    fire: Fire,
    owner: string | undefined,
    process: Process,
    batch: readonly Message[],
    receiveCount: number,
  ): Promise<void> {
    const { kind, id, version, fireId } = fire;
    const timer = timerKey(kind, id);
    const options = this.#histories.get(version)?.timer.options ?? {};
    const message = batch.find((one) => one.fire === fire);
    if (message !== undefined) message.attempts += 1;
    if ((message?.attempts ?? 0) > (options.maxAttempts ?? DEFAULT_MAX_ATTEMPTS))
      this.violated("no more attempts than the timer's retry has", fireId);
    const latest = fire.due + (options.maxAgeSeconds ?? Infinity) * SECOND;
    // The handler is called some time after the decision.
    if (receiveCount > 1 && this.#now + process.skew > latest + CALLBACK_MS)
      this.violated("no attempt that is too old", `${fireId} at ${new Date(this.#now).toISOString()}`);
    const runs = this.#runs.get(timer) ?? new Set();
    this.#runs.set(timer, runs);
    const isAlone = [...runs].every((one) => one.process.dead || !one.hasLease);
    if (options.overlap === "skip" && !isAlone)
      this.violated("fires of a timer with overlap skip never run at once", fireId);
    // An earlier version of the timer may not have had the policy.
    const run = { process, hasLease: options.overlap === "skip" };
    runs.add(run);
    const startedAt = this.#now;
    try {
      // Twice as long as the shortest period, for timers whose fires may overlap or not.
      if (options.overlap === "skip" && this.#random.chance(0.3))
        await this.pause(process, this.#random.whole(1, 25) * SECOND);
      await this.call(
        process,
        "the handler",
        () => {
          this.effect(fire, owner, process, startedAt);
        },
        "handler",
      );
    } finally {
      runs.delete(run);
      this.#ended.set(timer, this.#now);
    }
  }

  private pause(process: Process, milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.at(this.#now + milliseconds, () => {
        if (!process.dead) resolve();
      });
    });
  }

  private dropped(fire: Fire, process?: Process): void {
    const { fireId, version, due } = fire;
    this.trace(`${fireId} is dropped`);
    this.#dropped.add(fireId);
    const history = this.#histories.get(version);
    const catchUp = history?.timer.options?.catchUp;
    // Clocks differ by some seconds.
    const now = this.#now + Math.max(0, process?.skew ?? MAX_SKEW_MS);
    const isLate =
      catchUp === "latest"
        ? [...(history?.expected.values() ?? [])].some((one) => one.due > due && one.due <= now)
        : catchUp !== undefined && now > due + catchUp * SECOND;
    if (!isLate) this.violated("a fire is dropped only as its timer's catchUp says", fireId);
  }

  /** With faults, the lease of a process that died, or whose release failed, lasts as long as the process would have. */
  private refused({ fireId }: Fire, timer: string): void {
    this.#refused.add(fireId);
    const isRunning = (this.#runs.get(timer)?.size ?? 0) > 0;
    const lately = this.#now - SECOND;
    const isBetween = (this.#begun.get(timer) ?? 0) > lately || (this.#ended.get(timer) ?? 0) > lately;
    if (this.#calm && !isRunning && !isBetween) this.violated("a fire is skipped only while another one runs", fireId);
  }

  private skipped({ version, fireId }: Fire): void {
    this.trace(`${fireId} is skipped`);
    this.#skipped.add(fireId);
    const { overlap } = this.#histories.get(version)?.timer.options ?? {};
    if (overlap !== "skip" || !this.#refused.has(fireId))
      this.violated("a fire is skipped only while another one runs", fireId);
  }

  private deadLettered({ fireId, version, due }: Fire, receiveCount: number): void {
    this.count("dead letter");
    this.trace(`${fireId} goes to the dead-letter queue after ${receiveCount} deliveries`);
    const { maxAttempts = DEFAULT_MAX_ATTEMPTS, maxAgeSeconds = Infinity } =
      this.#histories.get(version)?.timer.options ?? {};
    // The next attempt would be ten minutes later at most.
    const isOld = this.#now > due + (maxAgeSeconds - 600) * SECOND - MAX_SKEW_MS;
    if (receiveCount < maxAttempts && !isOld)
      this.violated("a fire goes to the dead letters only after its last attempt", fireId);
  }

  /** The effect of a callback: in faulty exactly-once worlds, in one transaction with its completion. */
  private effect(fire: Fire, owner: string | undefined, process: Process, startedAt: number): void {
    const { fireId, due, version } = fire;
    if (owner !== undefined && !this.#calm) {
      const claim = this.#claims.get(fireId);
      if (claim?.owner !== owner || claim.completed) throw new Error("the transaction fails: claimed by another owner");
      claim.completed = true;
    }
    const count = (this.#effects.get(fireId) ?? 0) + 1;
    this.#effects.set(fireId, count);
    this.#lastEffects.set(fireId, this.#now);
    const late = startedAt + process.skew - due;
    this.trace(`${fireId} fires, ${late} ms late`);
    const history = this.#histories.get(version);
    const firedBy = this.#firedBy.get(fireId) ?? version;
    this.#firedBy.set(fireId, firedBy);
    if (this.isCalmFor(version) && firedBy !== version) this.violated("a fire is of one version", fireId);
    if (this.#exactlyOnce && count > 1) this.violated("one effect per fire in exactly-once mode", fireId);
    if (late < 0) this.violated("never early", `${fireId} by ${-late} ms`);
    if (history?.expected.get(fireId)?.due !== due && this.#requested.get(fireId)?.fire.due !== due)
      this.violated("only scheduled fires are delivered", fireId);
    const { catchUp } = history?.timer.options ?? {};
    // The handler is called some time after the decision.
    if (typeof catchUp === "number" && late > catchUp * SECOND + CALLBACK_MS)
      this.violated("no fire that is too late for its timer", `${fireId} by ${late} ms`);
    if (history !== undefined && startedAt > history.life.removedAt + (this.#calm ? SECOND : CALLBACK_MS))
      this.violated(
        "no fire of a timer that was deleted or replaced before",
        `${fireId}, ${startedAt - history.life.removedAt} ms later`,
      );
    if (this.isCalmFor(version) && history !== undefined && startedAt > Math.max(due, history.wroteAt) + SECOND)
      this.violated("on time when nothing failed", `${fireId} by ${late} ms`);
  }

  /** To the dead-letter queue. Somebody may redrive it at once, while the cause lasts. */
  private bury(message: Message): void {
    this.#dead.add(message);
    if (!this.faulty || !this.#redrives.chance(0.7)) return;
    this.at(this.#now + this.#redrives.whole(1, 20) * SECOND, () => {
      if (this.#dead.has(message)) this.redrive([message]);
    });
  }

  /** As `almanac redrive`: to the queue first, then out of the dead-letter queue. */
  private redrive(messages: Iterable<Message> = this.#dead): void {
    for (const message of messages) {
      this.count("redrive");
      this.#dead.delete(message);
      this.enqueueMessage(message.fire, this.#now);
    }
  }

  private scheduleTicks(): void {
    const random = this.#random;
    // EventBridge ticks soon after the whole minute, usually.
    const offset = random.chance(0.3) ? random.whole(0, 2_000) : random.whole(0, 59_999);
    let outage = 0;
    for (let minute = this.#begin + offset; minute < this.#end; minute += MINUTE) {
      const healthy = this.#calm || minute > this.#end - RECOVERY_MS;
      if (!healthy && random.chance(0.02)) outage = random.whole(1, random.chance(0.2) ? 180 : 15);
      if (outage-- > 0 && !healthy) continue;
      const late = random.chance(0.8) ? random.whole(0, 2_000) : random.whole(0, healthy ? 25_000 : 100_000);
      const times = random.chance(0.05) ? 2 : 1;
      for (let time = 0; time < times; time++)
        this.at(minute + late + time * random.of([0, 1, 5, 20, 2_000]), () => {
          this.tick();
        });
    }
  }

  private tick(): void {
    const process = this.process("dispatcher", "dispatcher", DISPATCH_MS);
    const { index, table, queue, clock } = this.ports(process);
    const ports: DispatchPorts = {
      index,
      table,
      queue,
      clock,
      dropped: (fire) => {
        this.dropped(fire, process);
      },
    };
    const shards = Array.from({ length: this.#shards }, (_, shard) => `shard${shard}`);
    const failed = (name: string, error: unknown): void => {
      this.trace(`${name} fails: ${String(error)}`);
    };
    const run = { shards, concurrency: 4, deadline: clock.now() + DISPATCH_MS, owner: process.name };
    dispatchShards(run, ports, {
      dispatched: (shard, { outcome, enqueued }) => {
        if (enqueued > 0 || outcome === "stopped")
          this.trace(`${process.name}.${shard} is ${outcome}: ${enqueued} fires`);
      },
      failed: (shard, error) => {
        failed(`${process.name}.${shard}`, error);
      },
    }).catch((error: unknown) => {
      failed(process.name, error);
    });
  }

  private scheduleClients(): void {
    const random = this.#random;
    // A deployment that puts many timers at once: pages and batches are full, and the dispatcher reads rows that are being put.
    const deploymentAt = random.chance(0.15) ? this.#begin + random.whole(1, 8) * MINUTE : undefined;
    const count = deploymentAt === undefined ? random.whole(2, 9) : random.whole(20, 40);
    const clients: Client[] = Array.from({ length: count }, (_, index) => ({
      kind: random.chance(0.3) ? "oneshot" : "periodic",
      id: `t${index}`,
      shard: `shard${random.whole(0, this.#shards - 1)}`,
    }));
    for (const client of clients) {
      let at = deploymentAt ?? this.#begin + random.whole(0, 8 * MINUTE);
      for (let left = random.whole(1, 4); left > 0 && at < this.#end - RECOVERY_MS; left--) {
        const isDelete = random.chance(0.2);
        const isFire = random.chance(0.15);
        // The most critical times: right before and after whole minutes.
        const time = random.chance(0.5) ? Math.round(at / MINUTE) * MINUTE + random.whole(-1_500, 1_500) : at;
        this.at(time, () => {
          if (isDelete) this.remove(client);
          else if (isFire) this.fire(client);
          else this.put(client);
        });
        at += random.whole(1, 20) * MINUTE;
      }
    }
  }

  private put(client: Client): void {
    const random = this.#random;
    const previous = this.#wishes.get(client.id);
    // "Ensure my timers", as at each deployment.
    const isAgain = previous?.schedule.kind !== "once" && previous !== undefined && random.chance(0.3);
    const drawing = { version: "", now: this.#now, random };
    const isMove = previous !== undefined && this.#hasMoves && this.#redrives.chance(0.5);
    const timer = isMove
      ? withCallback(previous, this.#redrives.of([DEFAULT_CALLBACK, "billing"]))
      : isAgain
        ? previous
        : drawTimer({ ...client, shard: this.drawShard(client.shard) }, drawing);
    this.#wishes.set(client.id, timer);
    this.attempt({ key: `k${++this.#number}`, timer, isRelative: random.chance(0.5), attempts: 0 });
  }

  /** Whether a PUT changes only the callback: then each fire is delivered by the old version or the new one. */
  private isMove(timer: Timer, stored: Timer): boolean {
    if (!this.#hasMoves || callbackOf(timer) === callbackOf(stored)) return false;
    return (
      definitionOf(withCallback(stored, callbackOf(timer))) === definitionOf(withCallback(timer, callbackOf(timer)))
    );
  }

  /** The next version of a stored timer, with another callback. */
  private moved(timer: StoredTimer, version: string): void {
    const before = this.#histories.get(version);
    if (before === undefined) throw new Error("a move of a timer that is not known");
    this.count("move");
    // A one-shot in the past is due at its PUT.
    const isOnce = timer.schedule.kind === "once";
    const expected = [...before.expected].map(([fireId, { scheduled, due }]) => {
      const jitter = due - Math.max(scheduled, isOnce ? before.timer.putAt : 0);
      return [fireId, { scheduled, due: Math.max(scheduled, isOnce ? timer.putAt : 0) + jitter }] as const;
    });
    this.#histories.set(timer.version, {
      timer,
      expected: new Map(expected),
      passed: 0,
      wroteAt: Infinity,
      life: before.life,
      callbacks: new Set([...before.callbacks, callbackOf(timer)]),
    });
  }

  private cursorsOf({ index }: Ports): CursorReader {
    return cursorReader((shards) => index.cursors(shards));
  }

  private drawShard(shard: string): string {
    return this.#random.chance(0.2) ? `shard${this.#random.whole(0, this.#shards - 1)}` : shard;
  }

  /** One PUT of a client, which tries again with the same idempotency key until it is acknowledged, or gives up. */
  private attempt(wish: Wish): void {
    const process = this.process("client", "client", 29 * SECOND);
    const ports = this.ports(process);
    const putAt = ports.clock.now();
    const { schedule } = wish.timer;
    const moved = wish.isRelative && schedule.kind === "once" ? putAt - wish.timer.putAt : 0;
    const timer: Timer = {
      ...wish.timer,
      version: `v${++this.#number}`,
      putAt,
      requestKey: wish.key,
      schedule: schedule.kind === "once" ? { ...schedule, at: schedule.at + moved } : schedule,
    };
    wish.attempts += 1;
    this.#histories.set(timer.version, {
      timer,
      expected: expectedFires(timer, this.#end),
      passed: 0,
      wroteAt: Infinity,
      life: { removedAt: Infinity },
      callbacks: new Set([callbackOf(timer)]),
    });
    const { table, queue } = ports;
    const cursors = this.cursorsOf(ports);
    this.trace(`${process.name} puts ${timer.kind} ${timer.id} ${timer.version}: ${JSON.stringify(timer.schedule)}`);
    const put = async (): Promise<void> => {
      const isUnchanged = (stored: StoredTimer) => definitionOf(stored) === definitionOf(timer);
      const puts = [{ timer, isUnchanged, isMove: (stored: StoredTimer) => this.isMove(timer, stored) }];
      const [outcome] = await putTimers(puts, { table, queue, cursors }, putAt + 5 * SECOND);
      if (outcome === undefined || "error" in outcome) throw outcome?.error;
      if (!process.dead) this.acknowledged(outcome.stored, timer);
    };
    const again = (): void => {
      if (wish.attempts < 4 && this.#random.chance(0.8))
        this.at(this.#now + SECOND, () => {
          // A client that has changed its mind does not repeat the old wish.
          if (this.#wishes.get(timer.id) === wish.timer) this.attempt(wish);
        });
    };
    put().then(
      () => {
        // The answer is lost.
        if (this.faulty && this.#random.chance(0.05)) again();
      },
      (error: unknown) => {
        this.trace(`${process.name} fails: ${String(error)}`);
        again();
      },
    );
    // The client's own timeout.
    this.at(this.#now + 10 * SECOND, () => {
      if (process.dead) again();
    });
  }

  /** Fires a timer by request; the client tries again, with the same key, when it gets no answer. */
  private fire(client: Client): void {
    const process = this.process("client", "client", 29 * SECOND);
    const { table, queue, clock } = this.ports(process);
    const key = `k${++this.#number}`;
    const request = async (): Promise<void> => {
      const timer = await table.get(client);
      if (timer === undefined) return;
      const fire = fireNow(timer, key, clock.now());
      const requested = { fire, acknowledged: false };
      this.#requested.set(fire.fireId, requested);
      const { unsent } = await queue.send([fire], clock.now() + 5 * SECOND);
      if (unsent.length === 0 && !process.dead) requested.acknowledged = true;
    };
    request().catch((error: unknown) => {
      this.trace(`${process.name} fails: ${String(error)}`);
    });
  }

  private remove({ kind, id }: Client): void {
    this.#wishes.delete(id);
    const process = this.process("client", "client", 29 * SECOND);
    this.ports(process)
      .table.delete({ kind, id })
      .catch(() => undefined);
  }

  // --- invariants ----------------------------------------------------------------------------------------------------

  /** All fires scheduled up to the cursor are enqueued, or the row is in a slot that has no lower bound. */
  private checkCursor(shard: string, saved: Cursor): void {
    const cursors = new Map([[shard, saved]]);
    for (const { timer, indexKey } of this.#rows.values()) {
      const cursor = cursorOf(timer, cursors);
      const history = this.#histories.get(timer.version);
      if (timer.shard !== shard || history === undefined) continue;
      if (indexKey?.slot === recurringSlot(shard) || indexKey?.slot === overdueSlot(shard)) continue;
      for (const [fireId, { scheduled }] of [...history.expected].slice(history.passed)) {
        if (scheduled > cursor) break;
        history.passed += 1;
        if (!this.#sent.has(fireId) && !this.#dropped.has(fireId))
          this.violated("the cursor never passes an unsent fire", fireId);
      }
    }
  }

  private checkReplaced(timer: StoredTimer, stored: StoredTimer | undefined): void {
    if (stored === undefined || stored.version === timer.version) return;
    if (stored.requestKey === timer.requestKey) this.violated("one version per idempotency key", timer.version);
    else if (definitionOf(stored) === definitionOf(timer))
      this.violated("a PUT that changes nothing keeps the version", timer.version);
  }

  /** A PUT that is answered with another timer than its own did not change it, or is the repetition of another one. */
  private acknowledged(stored: StoredTimer, timer: Timer): void {
    const isOwn = stored.version === timer.version || stored.requestKey === timer.requestKey;
    const isStored = this.#histories.get(stored.version)?.wroteAt !== Infinity;
    if (!isStored || !(isOwn || definitionOf(stored) === definitionOf(timer)))
      this.violated("an acknowledged PUT is stored", timer.version);
  }

  private checkDelivered(): void {
    const until = this.#end - 2 * MINUTE;
    for (const [version, { expected, wroteAt, life }] of this.#histories) {
      const { removedAt } = life;
      if (wroteAt === Infinity) continue;
      // With faults, late fires of a removed timer are fenced.
      if (removedAt !== Infinity && !this.isCalmFor(version)) continue;
      for (const [fireId, { due }] of expected)
        if (due <= Math.min(until, removedAt - 2 * SECOND) && !this.isDone(fireId))
          this.violated("every due fire of a live timer is delivered", `${fireId}, due ${new Date(due).toISOString()}`);
    }
    for (const [fireId, { fire, acknowledged }] of this.#requested) {
      const isLive = this.#histories.get(fire.version)?.life.removedAt === Infinity;
      if (acknowledged && isLive && fire.due <= until && !this.isDone(fireId))
        this.violated("an acknowledged fire by request is delivered", fireId);
    }
    if (this.#calm)
      for (const [fireId, at] of this.#lastEffects)
        if (at < until && this.#recorded.get(fireId) !== "succeeded")
          this.violated("a delivered fire is in the history", fireId);
  }

  private isDone(fireId: string): boolean {
    return this.#effects.has(fireId) || this.#dropped.has(fireId) || this.#skipped.has(fireId);
  }

  private checkNothingOverdue(): void {
    const overdue = (what: string): void => {
      this.violated("nothing is overdue at the end", what);
    };
    for (const [shard, cursor] of this.#cursors)
      if (oldestOf(cursor) < this.#end - 2 * MINUTE) overdue(`cursor of ${shard}`);
    for (const { timer, indexKey } of this.#rows.values())
      if (
        (indexKey?.slot === overdueSlot(timer.shard) || indexKey?.slot === recurringSlot(timer.shard)) &&
        indexKey.dueMs < this.#end - 3 * MINUTE
      )
        overdue(`row of ${timer.id}`);
    for (const { fire, visibleAt } of this.#messages)
      if (fire.due < this.#end - 12 * MINUTE || visibleAt < this.#end - MINUTE) overdue(`message of ${fire.fireId}`);
    for (const { fire } of this.#dead) overdue(`dead letter of ${fire.fireId}`);
  }

  private violated(invariant: Invariant, detail: string): void {
    this.trace(`VIOLATED: ${invariant}: ${detail}`);
    this.#violations.push({ invariant, detail });
  }

  private trace(line: string): void {
    this.options.trace?.(this.#now, line);
  }
}

/** What a client has asked for. */
function definitionOf({
  kind,
  id,
  shard,
  schedule,
  data,
  startAt,
  endAt,
  jitterSeconds,
  enabled,
  options,
}: Timer): string {
  return JSON.stringify([kind, id, shard, schedule, data, startAt, endAt, jitterSeconds, enabled, options]);
}

function callbackOf({ options = {} }: Timer): string {
  return options.callback ?? DEFAULT_CALLBACK;
}

function withCallback({ options = {}, ...timer }: Timer, callback: string): Timer {
  const { callback: _, ...others } = options;
  const changed = { ...(callback !== DEFAULT_CALLBACK && { callback }), ...others };
  return { ...timer, ...(Object.keys(changed).length > 0 && { options: changed }) };
}

type Call = <Result>(name: string, effect: () => Result) => Promise<Result>;

function queueOf(sendBatch: SendBatch, clock: Clock, random: Random): FireQueue {
  return fireQueue({ sendBatch, clock, random: () => random.next(), concurrency: 4 });
}
