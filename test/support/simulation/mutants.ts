/** The engine broken on purpose, each mutant in one way of its own, and the invariant that is to notice. */
import type { Position } from "../../../functions/timers/dispatch/dispatcher";
import { handOver, placeOf } from "../../../functions/timers/schedule/fire-times";
import { handedOverUntil } from "../../../functions/timers/schedule/windows";
import type { Invariant, Mutant, Part, Ports } from "./world";

export interface KnownMutant {
  /** What is broken: "an engine that ...". */
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
const OTHER = "only what was scheduled fires";

/** Breaks one part, and leaves the others as they are. */
function only(part: Part, breaking: (ports: Ports) => Partial<Ports>): Mutant {
  return (ports, of) => (of === part ? breaking(ports) : {});
}

const dispatcher = (breaking: (ports: Ports) => Partial<Ports>) => only("dispatcher", breaking);
const callback = (breaking: (ports: Ports) => Partial<Ports>) => only("callback", breaking);
const client = (breaking: (ports: Ports) => Partial<Ports>) => only("client", breaking);

const SENT = { unsent: [], refused: [], errors: [] } as const;

export const MUTANTS: readonly KnownMutant[] = [
  // --- the dispatcher's way through the index ---
  {
    name: "reads the first page of a query only",
    breaks: UNSENT,
    mutant: dispatcher(({ index }) => ({
      index: {
        ...index,
        page: async (section, after) => {
          const { next: _, ...page } = await index.page(section, after);
          return page;
        },
      },
    })),
  },
  {
    name: "dispatches the first shard only",
    breaks: LOST,
    mutant: dispatcher(({ index }) => ({
      index: {
        ...index,
        acquire: (shard, lease) => (shard === "shard0" ? index.acquire(shard, lease) : Promise.resolve(undefined)),
      },
    })),
  },
  {
    name: "leaves recurring timers that are overdue where they are",
    breaks: LOST,
    mutant: dispatcher(({ index }) => ({
      index: {
        ...index,
        page: (section, after) =>
          index.page(section.recurring ? { ...section, from: section.to - 59_999 } : section, after),
      },
    })),
  },
  {
    name: "looks no further ahead than a minute",
    breaks: LATE,
    mutant: dispatcher(({ clock, queue }) => ({ clock: { ...clock, now: () => clock.now() - 120_000 }, queue })),
  },

  // --- its cursor ---
  {
    name: "moves the cursor first, and sends then",
    breaks: UNSENT,
    mutant: dispatcher(({ index }) => {
      const leases = new Map<string, { readonly owner: string; readonly cursor: number }>();
      return {
        index: {
          ...index,
          acquire: async (shard, { owner, ...times }) => {
            const acquired = await index.acquire(shard, { owner, ...times });
            if (acquired?.taken) leases.set(shard, { owner, cursor: acquired.cursor });
            return acquired;
          },
          page: async (section, after) => {
            const [shard = ""] = section.slot.split("#");
            const lease = leases.get(shard);
            if (section.recurring && lease !== undefined && lease.cursor < section.to) {
              const { owner, cursor: before } = lease;
              leases.set(shard, { owner, cursor: section.to });
              await index.save(shard, { owner, before, cursor: { cursor: section.to }, release: false });
            }
            return index.page(section, after);
          },
        },
      };
    }),
  },
  {
    name: "keeps a window's position for the window after it",
    breaks: UNSENT,
    mutant: dispatcher(({ index }) => {
      const kept = new Map<string, Position>();
      return {
        index: {
          ...index,
          acquire: async (shard, lease) => {
            const acquired = await index.acquire(shard, lease);
            if (acquired?.position) kept.set(shard, acquired.position);
            return acquired;
          },
          save: (shard, { cursor, ...saved }) => {
            const position = cursor.position ?? kept.get(shard);
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
          return acquired && { ...acquired, taken: true };
        },
      },
    })),
  },

  // --- what it hands over ---
  {
    name: "takes no notice of messages that SQS did not take",
    breaks: UNSENT,
    mutant: ({ sendBatch }) => ({
      sendBatch: async (entries) => {
        await sendBatch(entries);
        return [];
      },
    }),
  },
  {
    name: "hands over again what whoever put a timer has handed over",
    breaks: TWICE,
    mutant: dispatcher(({ index }) => ({
      index: {
        ...index,
        page: async (section, after) => {
          const page = await index.page(section, after);
          return { ...page, timers: page.timers.map((timer) => ({ ...timer, through: -Infinity })) };
        },
      },
    })),
  },
  {
    name: "never moves recurring timers on",
    breaks: TWICE,
    mutant: dispatcher(({ table }) => ({ table: { ...table, move: () => Promise.resolve() } })),
  },
  {
    name: "moves recurring timers on before it sends their fires",
    breaks: LOST,
    mutant: dispatcher(({ index, table }) => {
      let until = 0;
      return {
        index: {
          ...index,
          page: (section, after) => {
            if (section.recurring) until = handedOverUntil({ after: section.to, until: section.to });
            return index.page(section, after);
          },
        },
        table: {
          ...table,
          getMany: async (keys) => {
            const timers = await table.getMany(keys);
            for (const timer of timers) {
              const { rest } = handOver(timer, timer.through, until);
              await table.move(rest, placeOf(rest), timer.through).catch(() => undefined);
            }
            return timers;
          },
        },
      };
    }),
  },
  {
    name: "forgets a fire's jitter",
    breaks: OTHER,
    mutant: dispatcher(({ queue }) => ({
      queue: {
        send: (fires) =>
          queue.send(fires.map((fire) => ({ ...fire, due: Date.parse(fire.fireId.split("#").at(-1) ?? "") }))),
      },
    })),
  },

  // --- whoever puts a timer ---
  {
    name: "leaves all of a timer that is put to the dispatcher",
    breaks: UNSENT,
    mutant: client(() => ({ queue: { send: () => Promise.resolve(SENT) } })),
  },
  {
    name: "sends the fires of a timer that is put before it writes its row",
    breaks: LOST,
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
    name: "lets fires of deleted timers through",
    breaks: FENCE,
    mutant: callback(({ table }) => ({
      table: {
        ...table,
        getMany: async (keys) => {
          const there = await table.getMany(keys);
          const gone = keys.filter(({ kind, id }) => !there.some((timer) => timer.kind === kind && timer.id === id));
          // What it asks about are fires: each passes for its own timer.
          return [...there, ...gone.map((fire) => ({ ...fire, enabled: true }) as (typeof there)[number])];
        },
      },
    })),
  },
  {
    name: "lets fires of replaced timers through",
    breaks: FENCE,
    mutant: callback(({ table }) => ({
      table: {
        ...table,
        getMany: async (keys) => {
          const there = await table.getMany(keys);
          return there.flatMap((timer) =>
            keys
              .filter(({ kind, id }) => timer.kind === kind && timer.id === id)
              .map((fire) => ({ ...timer, ...fire })),
          );
        },
      },
    })),
  },
  {
    name: "claims nothing in exactly-once mode",
    breaks: ONCE,
    mutant: callback(({ claims }) => ({
      claims: {
        ...claims,
        claim: async (fire, claim) => {
          await claims.claim(fire, { ...claim, now: Infinity });
          return { outcome: "claimed" };
        },
      },
    })),
  },
  {
    name: "takes a claim for the deed",
    breaks: LOST,
    mutant: callback(({ claims }) => ({
      claims: {
        ...claims,
        claim: async (fire, claim) => {
          const claimed = await claims.claim(fire, claim);
          return claimed.outcome === "taken" ? { outcome: "done" } : claimed;
        },
      },
    })),
  },
];
