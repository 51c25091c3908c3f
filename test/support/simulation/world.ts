/**
 * A world in which time is virtual and everything that can go wrong does, drawn from a seed: the real cores of timers over a DynamoDB, an SQS
 * and an EventBridge that are simulated at their ports.
 */
import {
  callBack,
  type CallbackPorts,
  type Claims,
  type Delivery,
} from "../../../functions/timers/callback/process-deliveries";
import {
  dispatchShard,
  LeaseLostError,
  type Cursor,
  type DispatchPorts,
  type DispatchTable,
} from "../../../functions/timers/dispatch/dispatcher";
import { fireQueue, type FireQueue, type SendBatch } from "../../../functions/timers/queue/fire-queue";
import { recurringSlot, type Place } from "../../../functions/timers/schedule/fire-times";
import { putTimer, type PutPorts } from "../../../functions/timers/api/put-timers";
import { timerKey } from "../../../functions/timers/storage/timer-row";
import { TimerChangedError, type TimerTable } from "../../../functions/timers/storage/timer-table";
import type { Fire, StoredTimer, Timer } from "../../../functions/timers/schedule/timer";
import type { Clock } from "../../../functions/shared/clock";
import { expectedFires, type Expected } from "./expected";
import { drawTimer, type Client } from "./workload";
import { Random } from "./random";

const SECOND = 1_000;
const MINUTE = 60_000;

/** Some moment that is no special one. */
const BEGIN = Date.parse("2026-11-21T06:00:00Z");

const DISPATCH_MS = 55 * SECOND;
const CALLBACK_MS = 30 * SECOND;
const VISIBILITY_MS = 180 * SECOND;

/** How long the world is at peace before its end: what failed before has come again by then. */
const PEACE_MS = 20 * MINUTE;

/** What the engine stands on in a world, for mutants to break. */
export interface Ports {
  readonly index: DispatchTable;
  readonly table: TimerTable;
  readonly claims: Claims;
  readonly queue: FireQueue;
  readonly sendBatch: SendBatch;
  readonly clock: Clock;
}

/** Which part of the engine a process runs. */
export type Part = "dispatcher" | "callback" | "client";

/** Breaks something on purpose. */
export type Mutant = (ports: Ports, part: Part) => Partial<Ports>;

export interface WorldOptions {
  readonly seed: number;
  /** @default none: the engine as it is */
  readonly mutant?: Mutant;
  /** Ends a run early, after so many events. @default at its end */
  readonly steps?: number;
  /** Is told what happens. @default nobody */
  readonly explain?: (time: number, line: string) => void;
}

/** What holds in every world. */
export const INVARIANTS = [
  "every due fire of a live timer is delivered",
  "never early",
  "on time when nothing failed",
  "no fire of a timer that was deleted or replaced before",
  "one effect per fire in exactly-once mode",
  "the cursor never passes an unsent fire",
  "sent once when nothing failed",
  "only what was scheduled fires",
] as const;
export type Invariant = (typeof INVARIANTS)[number];

/** What went wrong: the invariant, and what broke it. */
export interface Violation {
  readonly invariant: Invariant;
  readonly detail: string;
}

/** One run of one process; dead: whatever it waits for never comes. */
interface Process {
  readonly name: string;
  readonly part: Part;
  /** Its clock is off by so many milliseconds. */
  readonly skew: number;
  dead: boolean;
}

interface StoredRow {
  readonly timer: StoredTimer;
  readonly place: Place | undefined;
}

/** What became of one version of a timer. */
interface Life {
  /** As it was put. */
  readonly timer: Timer;
  /** All that it is to do in this world, by fire id, in order. */
  readonly expected: ReadonlyMap<string, Expected>;
  /** How many of them a cursor has passed. */
  passed: number;
  wroteAt: number;
  acknowledged: boolean;
  removedAt: number;
}

interface Message {
  readonly fire: Fire;
  readonly id: string;
  visibleAt: number;
  receives: number;
  deleted: boolean;
}

class Throttled extends Error {
  override readonly name = "ThrottlingException";
}

export class World {
  readonly #random: Random;
  readonly #events = new EventQueue();
  readonly #rows = new Map<string, StoredRow>();
  readonly #indexed = new Map<
    string,
    { row: StoredRow | undefined; pending: { at: number; row: StoredRow | undefined }[] }
  >();
  readonly #cursors = new Map<string, Cursor & { owner?: string; until?: number }>();
  readonly #claims = new Map<string, { owner: string; until: number; done: boolean }>();
  readonly #messages = new Set<Message>();
  readonly #lives = new Map<string, Life>();
  readonly #sent = new Map<string, number>();
  readonly #effects = new Map<string, number>();
  readonly #violations: Violation[] = [];
  readonly #calm: boolean;
  readonly #exactlyOnce: boolean;
  readonly #shards: number;
  readonly #end: number;
  #now = BEGIN;
  #number = 0;

  constructor(private readonly options: WorldOptions) {
    this.#random = new Random(options.seed);
    const random = this.#random;
    this.#calm = random.chance(0.3);
    this.#exactlyOnce = random.chance(0.4);
    this.#shards = random.chance(0.25) ? 2 : 1;
    const minutes = random.chance(0.02) ? random.whole(120, 300) : random.whole(15, 45);
    this.#end = BEGIN + minutes * MINUTE + PEACE_MS;
  }

  /** Lives through all of it. */
  async run(): Promise<readonly Violation[]> {
    this.explain(
      `${this.#calm ? "calm" : "stormy"}, ${this.#exactlyOnce ? "exactly once" : "at least once"}, ${this.#shards} shards, ` +
        `${Math.round((this.#end - BEGIN) / MINUTE)} minutes`,
    );
    this.scheduleTicks();
    this.scheduleClients();
    const { steps = Infinity } = this.options;
    let step = 0;
    for (let next = this.#events.take(); next !== undefined && next.at <= this.#end; next = this.#events.take()) {
      if (++step > steps) return this.#violations;
      this.#now = Math.max(this.#now, next.at);
      next.happen();
      // After all promises that follow from it: Node runs its ticks when no promise is left. An immediate would cost a turn of the loop.
      await new Promise<void>((resolve) => {
        process.nextTick(resolve);
      });
      if (this.#violations.length > 0) return this.#violations;
    }
    this.checkDelivered();
    return this.#violations;
  }

  // --- faults ---------------------------------------------------------------------------------------------------

  private get stormy(): boolean {
    return !this.#calm && this.#now < this.#end - PEACE_MS;
  }

  private at(time: number, happen: () => void): void {
    this.#events.add(time, happen);
  }

  private process(part: Part, name: string, lifeMs: number): Process {
    const skew = this.stormy && this.#random.chance(0.3) ? this.#random.whole(-3_000, 3_000) : 0;
    const process = { name: `${name}.${++this.#number}`, part, skew, dead: false };
    this.at(this.#now + lifeMs, () => {
      process.dead = true;
    });
    return process;
  }

  /** One call of a process to a service: takes its time, and may fail, before or after its effect; the process may die, too. */
  private call<Result>(process: Process, name: string, effect: () => Result): Promise<Result> {
    const random = this.#random;
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        if (process.dead) return;
        const stormy = this.stormy;
        if (stormy && random.chance(0.004)) {
          this.die(process, `before ${name}`);
          return;
        }
        if (stormy && random.chance(0.01)) {
          fail("before it had an effect");
          return;
        }
        let result: Result;
        try {
          result = effect();
        } catch (error) {
          reject(error instanceof Error ? error : new Error("not an error", { cause: error }));
          return;
        }
        if (stormy && random.chance(0.004)) {
          this.die(process, `after ${name}`);
          return;
        }
        if (stormy && random.chance(0.003)) {
          fail("though it had its effect");
          return;
        }
        const latency = this.latency();
        if (latency === 0) resolve(result);
        else
          this.at(this.#now + latency, () => {
            if (!process.dead) resolve(result);
          });
      };
      const fail = (when: string): void => {
        this.explain(`${process.name}: ${name} fails ${when}`);
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
    return this.stormy && random.chance(0.03) ? random.whole(1_000, 20_000) : random.whole(1, 30);
  }

  private die(process: Process, when: string): void {
    process.dead = true;
    this.explain(`${process.name} dies ${when}`);
  }

  // --- what there is -----------------------------------------------------------------------------------------------

  private ports(process: Process): Ports {
    const clock: Clock = {
      now: () => this.#now + process.skew,
      elapsed: () => this.#now - BEGIN,
      after: (milliseconds, callback) => {
        this.at(this.#now + milliseconds, () => {
          if (!process.dead) callback();
        });
        return () => undefined;
      },
    };
    const call = <Result>(name: string, effect: () => Result) => this.call(process, name, effect);
    const sendBatch: SendBatch = (entries) =>
      call("SendMessageBatch", () =>
        entries.flatMap(({ fire, delaySeconds }, index) => {
          if (this.stormy && this.#random.chance(0.03)) return [{ index, refused: false, reason: "InternalError" }];
          this.enqueue(fire, delaySeconds);
          return [];
        }),
      );
    const plain: Ports = {
      index: this.index(call),
      table: this.table(call),
      claims: this.claims(call),
      queue: queueOf(sendBatch, clock, this.#random),
      sendBatch,
      clock,
    };
    const broken = this.options.mutant?.(plain, process.part) ?? {};
    const { queue = queueOf(broken.sendBatch ?? sendBatch, broken.clock ?? clock, this.#random) } = broken;
    return { ...plain, ...broken, queue };
  }

  private table(call: Call): TimerTable {
    const read = (kind: "periodic" | "oneshot", id: string) => this.#rows.get(timerKey(kind, id));
    return {
      get: ({ kind, id }) => call("GetItem", () => read(kind, id)?.timer),
      getMany: (keys) =>
        call("BatchGetItem", () => {
          const unique = new Map(keys.map(({ kind, id }) => [timerKey(kind, id), { kind, id }]));
          return [...unique.values()].flatMap(({ kind, id }) => read(kind, id)?.timer ?? []);
        }),
      list: () => Promise.reject(new Error("nobody lists here")),
      put: (timer, place) =>
        call("PutItem", () => {
          const life = this.#lives.get(timer.version);
          if (life) life.wroteAt = Math.min(life.wroteAt, this.#now);
          this.write(timerKey(timer.kind, timer.id), { timer, place });
        }),
      move: (timer, place, before) =>
        call("UpdateItem", () => {
          const row = read(timer.kind, timer.id);
          if (row?.timer.version !== timer.version || row.timer.through !== before)
            throw new TimerChangedError("changed");
          const { firesLeft = row.timer.firesLeft } = timer;
          const moved = { ...row.timer, through: timer.through, ...(firesLeft !== undefined && { firesLeft }) };
          this.write(timerKey(timer.kind, timer.id), { timer: moved, place });
        }),
      delete: ({ kind, id }) =>
        call("DeleteItem", () => {
          this.write(timerKey(kind, id), undefined);
        }),
      ensureCursor: (shard, at) =>
        call("PutItem", () => {
          if (!this.#cursors.has(shard)) this.#cursors.set(shard, { cursor: at });
        }),
      rememberShards: () => Promise.resolve(this.#shards),
    };
  }

  /** To the table at once, to the index later; in order. A row that moves may be nowhere in the index for a moment. */
  private write(key: string, row: StoredRow | undefined): void {
    const before = this.#rows.get(key);
    if (before && before.timer.version !== row?.timer.version) {
      const life = this.#lives.get(before.timer.version);
      if (life) life.removedAt = this.#now;
      this.explain(`${before.timer.version} is ${row ? `replaced by ${row.timer.version}` : "deleted"}`);
    }
    if (row) this.#rows.set(key, row);
    else this.#rows.delete(key);
    const random = this.#random;
    const lag = this.stormy && random.chance(0.1) ? random.whole(1_000, 390_000) : random.whole(1, 1_500);
    let entry = this.#indexed.get(key);
    if (entry === undefined) {
      entry = { row: undefined, pending: [] };
      this.#indexed.set(key, entry);
    }
    const at = Math.max(this.#now + lag, entry.pending.at(-1)?.at ?? 0);
    if (random.chance(0.3)) entry.pending.push({ at: at - 1, row: undefined });
    entry.pending.push({ at, row });
  }

  private index(call: Call): DispatchTable {
    return {
      acquire: (shard, { owner, now, until }) =>
        call("UpdateItem", () => {
          const cursor = this.#cursors.get(shard);
          if (cursor === undefined) return undefined;
          const taken = cursor.until === undefined || cursor.until < now || cursor.owner === owner;
          if (taken) this.#cursors.set(shard, { ...cursor, owner, until });
          const { cursor: at, position } = cursor;
          return { cursor: at, ...(position && { position }), taken };
        }),
      save: (shard, { owner, before, cursor, release }) =>
        call("UpdateItem", () => {
          const stored = this.#cursors.get(shard);
          if (stored?.owner !== owner || stored.cursor !== before) throw new LeaseLostError("lost");
          if (cursor.cursor > before) this.checkCursor(shard, cursor.cursor);
          const { until } = stored;
          this.#cursors.set(shard, { ...cursor, ...(!release && { owner, ...(until !== undefined && { until }) }) });
        }),
      page: ({ slot, from = -Infinity, to }, after) =>
        call("Query", () => {
          const found: { readonly name: string; readonly timer: StoredTimer }[] = [];
          for (const [key, entry] of this.#indexed) {
            while (entry.pending[0] !== undefined && entry.pending[0].at <= this.#now)
              entry.row = entry.pending.shift()?.row;
            const { row } = entry;
            if (row?.place?.slot !== slot || row.place.order < from || row.place.order > to) continue;
            const name = `${String(row.place.order).padStart(16, "0")} ${key}`;
            if (after === undefined || name > String(after["name"])) found.push({ name, timer: row.timer });
          }
          if (found.length === 0) return { timers: [], corrupt: [] };
          const rows = found.sort((a, b) => (a.name < b.name ? -1 : 1));
          // Of a megabyte each, as it were.
          const size = this.#random.whole(1, 3);
          const page = rows.slice(0, size);
          return {
            timers: page.map(({ timer }) => timer),
            corrupt: [],
            ...(rows.length > size && { next: { name: page.at(-1)?.name } }),
          };
        }),
    };
  }

  private claims(call: Call): Claims {
    return {
      claim: (fire, { owner, now, until }) =>
        call("UpdateItem", () => {
          const claim = this.#claims.get(fire.fireId);
          if (claim?.done) return { outcome: "done" as const };
          if (claim !== undefined && claim.owner !== owner && claim.until >= now)
            return { outcome: "taken" as const, until: claim.until };
          this.#claims.set(fire.fireId, { owner, until, done: false });
          return { outcome: "claimed" as const };
        }),
      done: (fire, owner) =>
        call("UpdateItem", () => {
          const claim = this.#claims.get(fire.fireId);
          if (claim?.owner !== owner) throw new Error("the claim is somebody else's");
          claim.done = true;
        }),
      release: (fire, owner) =>
        call("DeleteItem", () => {
          const claim = this.#claims.get(fire.fireId);
          if (claim?.owner === owner && !claim.done) this.#claims.delete(fire.fireId);
        }),
    };
  }

  private enqueue(fire: Fire, delaySeconds: number): void {
    const random = this.#random;
    this.#sent.set(fire.fireId, (this.#sent.get(fire.fireId) ?? 0) + 1);
    this.explain(`${fire.fireId} is queued for ${delaySeconds} s`);
    if (this.#calm && this.#sent.get(fire.fireId) !== 1) this.violated("sent once when nothing failed", fire.fireId);
    // SQS delivers at least once, in the best of times too.
    const copies = random.chance(0.02) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const slow = this.stormy && random.chance(0.02) ? random.whole(0, 60_000) : random.whole(0, 50);
      const message = {
        fire,
        id: `m${++this.#number}`,
        visibleAt: this.#now + delaySeconds * SECOND + slow,
        receives: 0,
        deleted: false,
      };
      this.#messages.add(message);
      this.scheduleDelivery(message);
    }
  }

  // --- who acts -------------------------------------------------------------------------------------------------------

  private scheduleDelivery(message: Message): void {
    this.at(message.visibleAt, () => {
      if (!message.deleted && message.visibleAt <= this.#now) this.deliver(message);
    });
  }

  /** A batch of what is visible, this message in it, to a callback of its own. */
  private deliver(first: Message): void {
    const others = [...this.#messages].filter(
      (message) => message !== first && !message.deleted && message.visibleAt <= this.#now,
    );
    const batch = [first, ...others].slice(0, this.#random.whole(1, 10));
    for (const message of batch) {
      message.receives += 1;
      message.visibleAt = this.#now + VISIBILITY_MS;
      this.scheduleDelivery(message);
    }
    const process = this.process("callback", "callback", CALLBACK_MS);
    const ports = this.ports(process);
    const deadline = this.#now + CALLBACK_MS;
    const byId = new Map(batch.map((message) => [message.id, message]));
    const deliveries = batch.map(({ fire, id, receives }): Delivery => ({
      messageId: id,
      receipt: id,
      receives,
      fire,
    }));
    const callback: CallbackPorts = {
      table: ports.table,
      clock: ports.clock,
      owner: process.name,
      deadline: deadline + process.skew,
      ...(this.#exactlyOnce && { claims: ports.claims }),
      giveBack: ({ receipt }, seconds) =>
        this.call(process, "ChangeMessageVisibility", () => {
          const message = byId.get(receipt);
          if (message === undefined || message.deleted) return;
          message.visibleAt = this.#now + seconds * SECOND;
          this.scheduleDelivery(message);
        }),
      happen: (fire, owner) =>
        this.call(process, "the handler", () => {
          this.effect(fire, owner, process);
        }),
      report: {
        fired: () => undefined,
        fenced: ({ fireId }) => {
          this.explain(`${fireId} is fenced off`);
        },
        duplicate: () => undefined,
        failed: () => undefined,
      },
    };
    callBack(deliveries, callback).then(
      (again) => {
        if (process.dead) return;
        const failed = new Set(again.map(({ messageId }) => messageId));
        for (const message of batch) {
          if (failed.has(message.id)) continue;
          // SQS may deliver what has been deleted once more.
          if (this.stormy && this.#random.chance(0.02)) continue;
          message.deleted = true;
          this.#messages.delete(message);
        }
      },
      (error: unknown) => {
        this.explain(`${process.name} fails: ${String(error)}`);
      },
    );
  }

  /** What a handler does: in a storm of exactly-once mode, in one transaction with its completion. */
  private effect(fire: Fire, owner: string | undefined, process: Process): void {
    const { fireId, due, version } = fire;
    if (owner !== undefined && !this.#calm) {
      const claim = this.#claims.get(fireId);
      if (claim?.owner !== owner || claim.done) throw new Error("the transaction fails: the claim is somebody else's");
      claim.done = true;
    }
    const count = (this.#effects.get(fireId) ?? 0) + 1;
    this.#effects.set(fireId, count);
    const late = this.#now + process.skew - due;
    this.explain(`${fireId} happens, ${late} ms late`);
    const life = this.#lives.get(version);
    if (this.#exactlyOnce && count > 1) this.violated("one effect per fire in exactly-once mode", fireId);
    if (late < 0) this.violated("never early", `${fireId} by ${-late} ms`);
    if (life?.expected.get(fireId)?.due !== due) this.violated("only what was scheduled fires", fireId);
    if (life !== undefined && this.#now > life.removedAt + (this.#calm ? SECOND : CALLBACK_MS))
      this.violated(
        "no fire of a timer that was deleted or replaced before",
        `${fireId}, ${this.#now - life.removedAt} ms later`,
      );
    if (this.#calm && life !== undefined && this.#now > Math.max(due, life.wroteAt) + SECOND)
      this.violated("on time when nothing failed", `${fireId} by ${late} ms`);
  }

  private scheduleTicks(): void {
    const random = this.#random;
    const offset = random.whole(0, 59_999);
    let outage = 0;
    for (let minute = BEGIN + offset; minute < this.#end; minute += MINUTE) {
      const peace = this.#calm || minute > this.#end - PEACE_MS;
      if (!peace && random.chance(0.02)) outage = random.whole(1, random.chance(0.2) ? 180 : 15);
      if (outage-- > 0 && !peace) continue;
      const late = random.chance(0.8) ? random.whole(0, 2_000) : random.whole(0, peace ? 25_000 : 100_000);
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
    const ports: DispatchPorts = { index, table, queue, clock };
    for (let shard = 0; shard < this.#shards; shard++) {
      const run = { shard: `shard${shard}`, owner: `${process.name}.${shard}`, deadline: clock.now() + DISPATCH_MS };
      dispatchShard(run, ports).then(
        ({ outcome, scheduled }) => {
          if (scheduled > 0 || outcome === "stopped") this.explain(`${run.owner} is ${outcome}: ${scheduled} fires`);
        },
        (error: unknown) => {
          this.explain(`${run.owner} fails: ${String(error)}`);
        },
      );
    }
  }

  private scheduleClients(): void {
    const random = this.#random;
    const clients: Client[] = Array.from({ length: random.whole(2, 9) }, (_, index) => ({
      kind: random.chance(0.3) ? "oneshot" : "periodic",
      id: `t${index}`,
      shard: `shard${random.whole(0, this.#shards - 1)}`,
    }));
    for (const client of clients) {
      let at = BEGIN + random.whole(0, 8 * MINUTE);
      for (let left = random.whole(1, 4); left > 0 && at < this.#end - PEACE_MS; left--) {
        const isDelete = random.chance(0.2);
        // The worst instants: right before and after whole minutes.
        const time = random.chance(0.5) ? Math.round(at / MINUTE) * MINUTE + random.whole(-1_500, 1_500) : at;
        this.at(time, () => {
          if (isDelete) this.remove(client);
          else this.put(client);
        });
        at += random.whole(1, 20) * MINUTE;
      }
    }
  }

  private put(client: Client): void {
    const process = this.process("client", "client", 29 * SECOND);
    const ports = this.ports(process);
    const timer = drawTimer(client, { version: `v${++this.#number}`, now: ports.clock.now(), random: this.#random });
    this.#lives.set(timer.version, {
      timer,
      expected: expectedFires(timer, this.#end),
      passed: 0,
      wroteAt: Infinity,
      acknowledged: false,
      removedAt: Infinity,
    });
    const { table, queue } = ports;
    const putting: PutPorts = { table, queue };
    this.explain(`${process.name} puts ${timer.kind} ${timer.id} ${timer.version}: ${JSON.stringify(timer.schedule)}`);
    putTimer({ timer }, putting).then(
      () => {
        if (process.dead) return;
        const life = this.#lives.get(timer.version);
        if (life) life.acknowledged = true;
      },
      (error: unknown) => {
        this.explain(`${process.name} fails: ${String(error)}`);
        if (this.#random.chance(0.7))
          this.at(this.#now + SECOND, () => {
            this.put(client);
          });
      },
    );
  }

  private remove({ kind, id }: Client): void {
    const process = this.process("client", "client", 29 * SECOND);
    this.ports(process)
      .table.delete({ kind, id })
      .catch(() => undefined);
  }

  // --- invariants ----------------------------------------------------------------------------------------------------

  /** All that is scheduled until the cursor is in the queue; or its row waits where the dispatcher can't miss it. */
  private checkCursor(shard: string, cursor: number): void {
    for (const { timer, place } of this.#rows.values()) {
      const life = this.#lives.get(timer.version);
      if (timer.shard !== shard || life?.acknowledged !== true) continue;
      if (place?.slot === recurringSlot(shard)) continue;
      for (const [fireId, { scheduled }] of [...life.expected].slice(life.passed)) {
        if (scheduled > cursor) break;
        life.passed += 1;
        if (!this.#sent.has(fireId)) this.violated("the cursor never passes an unsent fire", fireId);
      }
    }
  }

  private checkDelivered(): void {
    const until = this.#end - 2 * MINUTE;
    for (const { expected, acknowledged, removedAt } of this.#lives.values()) {
      if (!acknowledged) continue;
      // In a storm, what is late when its timer goes is fenced off.
      if (removedAt !== Infinity && !this.#calm) continue;
      for (const [fireId, { due }] of expected)
        if (due <= Math.min(until, removedAt - 2 * SECOND) && !this.#effects.has(fireId))
          this.violated("every due fire of a live timer is delivered", `${fireId}, due ${new Date(due).toISOString()}`);
    }
  }

  private violated(invariant: Invariant, detail: string): void {
    this.explain(`VIOLATED: ${invariant}: ${detail}`);
    this.#violations.push({ invariant, detail });
  }

  private explain(line: string): void {
    this.options.explain?.(this.#now, line);
  }
}

type Call = <Result>(name: string, effect: () => Result) => Promise<Result>;

function queueOf(sendBatch: SendBatch, clock: Clock, random: Random): FireQueue {
  return fireQueue({ sendBatch, clock, random: () => random.next(), concurrency: 4 });
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly happen: () => void;
}

/** A binary heap; of one time, in the order in which they were added. */
class EventQueue {
  readonly #heap: Event[] = [];
  #order = 0;

  add(at: number, happen: () => void): void {
    const heap = this.#heap;
    const event = { at, order: this.#order++, happen };
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, event)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = event;
  }

  take(): Event | undefined {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      let child = heap[left];
      let at = left;
      const other = heap[right];
      if (child === undefined) break;
      if (other !== undefined && isBefore(other, child)) {
        child = other;
        at = right;
      }
      if (isBefore(last, child)) break;
      heap[index] = child;
      index = at;
    }
    heap[index] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
