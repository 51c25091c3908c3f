/** Mutants: each breaks the engine in one way, and names the invariant that must detect it. */
import type { Position } from "../../../functions/timers/dispatch/dispatcher";
import { planEnqueue, indexKeyOf } from "../../../functions/timers/schedule/fire-times";
import type { StoredTimer } from "../../../functions/timers/schedule/timer";
import { enqueueRecurringUntil } from "../../../functions/timers/dispatch/windows";
import type { Invariant, Mutant, Part, Ports } from "./world";

export interface KnownMutant {
  /** Completes "an engine that ...". */
  readonly name: string;
  readonly breaks: Invariant;
  readonly mutant: Mutant;
}

const LOST = "every due fire of a live timer is delivered";
const UNSENT = "the cursor never passes an unsent fire";
const EARLY = "never early";
const LATE = "on time when nothing failed";
const FENCE = "no fire of a timer that was deleted or replaced before";
const ONCE = "one effect per fire in exactly-once mode";
const TWICE = "sent once when nothing failed";
const UNSTORED = "an acknowledged PUT is stored";
const UNEXPECTED = "only scheduled fires are delivered";

/** Breaks one part of the engine only. */
function only(part: Part, breaking: (ports: Ports) => Partial<Ports>): Mutant {
  return (ports, current) => (current === part ? breaking(ports) : {});
}

const dispatcher = (breaking: (ports: Ports) => Partial<Ports>) => only("dispatcher", breaking);
const callback = (breaking: (ports: Ports) => Partial<Ports>) => only("callback", breaking);
const client = (breaking: (ports: Ports) => Partial<Ports>) => only("client", breaking);

const SENT = { unsent: [], rejected: [], errors: [] } as const;

export const MUTANTS: readonly KnownMutant[] = [
  // --- the dispatcher's index ---
  {
    name: "reads only the first page of a query",
    breaks: UNSENT,
    mutant: dispatcher(({ index }) => ({
      index: {
        ...index,
        page: async (range, after) => {
          const { next: _, ...page } = await index.page(range, after);
          return page;
        },
      },
    })),
  },
  {
    name: "dispatches only the first shard",
    breaks: LOST,
    mutant: dispatcher(({ index }) => ({
      index: {
        ...index,
        acquire: (shard, lease) => (shard === "shard0" ? index.acquire(shard, lease) : Promise.resolve(undefined)),
      },
    })),
  },
  {
    name: "ignores overdue recurring timers",
    breaks: LOST,
    mutant: dispatcher(({ index }) => ({
      index: {
        ...index,
        page: (range, after) => index.page(range.recurring ? { ...range, from: range.to - 59_999 } : range, after),
      },
    })),
  },
  {
    name: "looks ahead only a minute",
    breaks: LATE,
    mutant: dispatcher(({ clock, queue }) => ({
      clock: { ...clock, now: () => clock.now() - 120_000 },
      queue: { send: (fires, deadline) => queue.send(fires, deadline + 120_000) },
    })),
  },

  // --- its cursor ---
  {
    name: "advances the cursor before it sends",
    breaks: UNSENT,
    mutant: dispatcher(({ index }) => {
      const leases = new Map<string, { readonly owner: string; readonly cursor: number }>();
      return {
        index: {
          ...index,
          acquire: async (shard, { owner, ...times }) => {
            const acquired = await index.acquire(shard, { owner, ...times });
            if (acquired?.acquired) leases.set(shard, { owner, cursor: acquired.cursor });
            return acquired;
          },
          page: async (range, after) => {
            const [shard = ""] = range.slot.split("#");
            const lease = leases.get(shard);
            if (range.recurring && lease !== undefined && lease.cursor < range.to) {
              const { owner, cursor: previous } = lease;
              leases.set(shard, { owner, cursor: range.to });
              await index.save(shard, { owner, previous, cursor: { cursor: range.to }, release: false });
            }
            return index.page(range, after);
          },
        },
      };
    }),
  },
  {
    name: "uses a window's position for the next window",
    breaks: UNSENT,
    mutant: dispatcher(({ index }) => {
      const positions = new Map<string, Position>();
      return {
        index: {
          ...index,
          acquire: async (shard, lease) => {
            const acquired = await index.acquire(shard, lease);
            if (acquired?.position) positions.set(shard, acquired.position);
            return acquired;
          },
          save: (shard, { cursor, ...saved }) => {
            const position = cursor.position ?? positions.get(shard);
            return index.save(shard, { ...saved, cursor: { ...cursor, ...(position && { position }) } });
          },
        },
      };
    }),
  },
  {
    name: "has no lease",
    breaks: TWICE,
    mutant: dispatcher(({ index }) => ({
      index: {
        ...index,
        acquire: async (shard, lease) => {
          const acquired = await index.acquire(shard, { ...lease, now: Infinity });
          return acquired && { ...acquired, acquired: true };
        },
      },
    })),
  },

  // --- the fires that it enqueues ---
  {
    name: "ignores messages that SQS did not accept",
    breaks: UNSENT,
    mutant: ({ sendBatch }) => ({
      sendBatch: async (entries, deadline, callback) => {
        await sendBatch(entries, deadline, callback);
        return [];
      },
    }),
  },
  {
    name: "enqueues again the fires that a PUT has enqueued",
    breaks: TWICE,
    mutant: dispatcher(({ index }) => ({
      index: {
        ...index,
        page: async (range, after) => {
          const page = await index.page(range, after);
          return { ...page, timers: page.timers.map((timer) => ({ ...timer, enqueuedUntil: -Infinity })) };
        },
      },
    })),
  },
  {
    name: "never advances recurring timers",
    breaks: TWICE,
    mutant: dispatcher(({ table }) => ({ table: { ...table, advance: () => Promise.resolve([]) } })),
  },
  {
    name: "advances recurring timers before it sends their fires",
    breaks: LOST,
    mutant: dispatcher(({ index, table }) => {
      let until = 0;
      return {
        index: {
          ...index,
          page: (range, after) => {
            if (range.recurring) until = enqueueRecurringUntil({ after: range.to, until: range.to });
            return index.page(range, after);
          },
        },
        table: {
          ...table,
          getMany: async (keys) => {
            const rows = await table.getMany(keys);
            const advances = rows.timers.map((timer) => {
              const { advanced } = planEnqueue(timer, timer.enqueuedUntil, until);
              return { timer: advanced, indexKey: indexKeyOf(advanced), previous: timer.enqueuedUntil };
            });
            await table.advance(advances).catch(() => undefined);
            return rows;
          },
        },
      };
    }),
  },
  {
    name: "ignores a fire's jitter",
    breaks: UNEXPECTED,
    mutant: dispatcher(({ queue }) => ({
      queue: {
        send: (fires, deadline) =>
          queue.send(
            fires.map((fire) => ({ ...fire, due: Date.parse(fire.fireId.split("#").at(-1) ?? "") })),
            deadline,
          ),
      },
    })),
  },

  // --- PUTs ---
  {
    name: "sends no fires in a PUT",
    breaks: UNSENT,
    mutant: client(() => ({ queue: { send: () => Promise.resolve(SENT) } })),
  },
  {
    name: "sends the fires of a PUT before it writes the row",
    breaks: UNSTORED,
    mutant: client(({ table, clock }) => ({
      table: {
        ...table,
        put: (...row) => {
          clock.after(1_500, () => void table.put(...row).catch(() => undefined));
          return Promise.resolve();
        },
      },
    })),
  },

  // --- the callback ---
  {
    name: "does not wait for the rest of the second",
    breaks: EARLY,
    mutant: callback(({ clock }) => ({ clock: { ...clock, now: () => clock.now() + 1_000 } })),
  },
  {
    name: "does not fence fires of deleted timers",
    breaks: FENCE,
    mutant: callback(({ table }) => ({
      table: {
        ...table,
        getMany: async (keys) => {
          const { timers, corrupt } = await table.getMany(keys);
          const missing = keys.filter(
            ({ kind, id }) => !timers.some((timer) => timer.kind === kind && timer.id === id),
          );
          // The keys are fires: each stands in for its timer.
          return {
            timers: [...timers, ...missing.map((fire) => ({ ...fire, enabled: true }) as StoredTimer)],
            corrupt,
          };
        },
      },
    })),
  },
  {
    name: "does not fence fires of replaced timers",
    breaks: FENCE,
    mutant: callback(({ table }) => ({
      table: {
        ...table,
        getMany: async (keys) => {
          const { timers, corrupt } = await table.getMany(keys);
          const replaced = timers.flatMap((timer) =>
            keys
              .filter(({ kind, id }) => timer.kind === kind && timer.id === id)
              .map((fire) => ({ ...timer, ...fire })),
          );
          return { timers: replaced, corrupt };
        },
      },
    })),
  },
  {
    name: "ignores claims in exactly-once mode",
    breaks: ONCE,
    mutant: callback(({ idempotency }) => ({
      idempotency: {
        ...idempotency,
        claim: async (fire, claim) => {
          await idempotency.claim(fire, { ...claim, now: Infinity });
          return { outcome: "claimed" };
        },
      },
    })),
  },
  {
    name: "treats a claim as completed",
    breaks: LOST,
    mutant: callback(({ idempotency }) => ({
      idempotency: {
        ...idempotency,
        claim: async (fire, claim) => {
          const claimed = await idempotency.claim(fire, claim);
          return claimed.outcome === "inProgress" ? { outcome: "completed" } : claimed;
        },
      },
    })),
  },
];
