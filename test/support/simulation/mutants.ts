/** The engine broken on purpose, each mutant in one way, and the invariants that are to notice. */
import type { Mutant, Violation } from "./world";

export interface KnownMutant {
  /** What is broken. */
  readonly name: string;
  readonly mutant: Mutant;
  /** One of these is what notices it, whatever the seed. */
  readonly caughtBy: readonly Violation["invariant"][];
}

const LOST = "every due fire of a live timer is delivered";
const UNSENT = "the cursor never passes an unsent fire";
const LATE = "on time when nothing failed";
const TWICE = "sent once when nothing failed";
const ONCE = "one effect per fire in exactly-once mode";

export const MUTANTS: readonly KnownMutant[] = [
  {
    name: "reads the first page of a query only",
    mutant: ({ index }, part) =>
      part === "dispatcher"
        ? {
            index: {
              ...index,
              page: async (section, after) => {
                const { timers, corrupt } = await index.page(section, after);
                return { timers, corrupt };
              },
            },
          }
        : {},
    caughtBy: [LOST, UNSENT],
  },
  {
    name: "moves the cursor first, and sends then",
    mutant: ({ queue }, part) =>
      part === "dispatcher"
        ? {
            queue: {
              send: (fires) => {
                void queue.send(fires);
                return Promise.resolve({ unsent: [], refused: [], errors: [] });
              },
            },
          }
        : {},
    caughtBy: [LOST, UNSENT],
  },
  {
    name: "takes no notice of entries that SQS did not take",
    mutant: ({ sendBatch }) => ({
      sendBatch: async (entries) => {
        await sendBatch(entries);
        return [];
      },
    }),
    caughtBy: [LOST, UNSENT],
  },
  {
    name: "has no fence",
    mutant: ({ table }, part) =>
      part === "callback"
        ? {
            table: {
              ...table,
              getMany: async (keys) => {
                await table.getMany(keys);
                // Fires are what it is asked about: each passes for its own timer.
                return keys.map(
                  (key) => ({ ...key, enabled: true }) as Awaited<ReturnType<typeof table.getMany>>[number],
                );
              },
            },
          }
        : {},
    caughtBy: ["no fire of a timer that was deleted or replaced before"],
  },
  {
    name: "does not wait for the rest of the second",
    mutant: ({ clock }, part) => (part === "callback" ? { clock: { ...clock, now: () => clock.now() + 1_000 } } : {}),
    caughtBy: ["never early"],
  },
  {
    name: "sends nothing when a timer is put, and leaves all of it to the dispatcher",
    mutant: (_, part) =>
      part === "client" ? { queue: { send: () => Promise.resolve({ unsent: [], refused: [], errors: [] }) } } : {},
    caughtBy: [LOST, UNSENT],
  },
  {
    name: "has no lease",
    mutant: ({ index }, part) =>
      part === "dispatcher"
        ? {
            index: {
              ...index,
              acquire: async (shard, lease) => {
                const cursor = await index.acquire(shard, { ...lease, now: Infinity });
                return cursor && { ...cursor, taken: true };
              },
            },
          }
        : {},
    caughtBy: [TWICE],
  },
  {
    name: "keeps a window's position for the next window",
    mutant: ({ index }, part) =>
      part === "dispatcher"
        ? {
            index: {
              ...index,
              acquire: async (shard, lease) => {
                const cursor = await index.acquire(shard, lease);
                return cursor && { ...cursor, position: { section: `${shard}#every#86400@`, ...cursor.position } };
              },
              // The last section of all: everything before it passes for done.
              page: (section, after) =>
                section.recurring || !section.slot.endsWith("#3600")
                  ? index.page(section, after)
                  : Promise.resolve({ timers: [], corrupt: [] }),
            },
          }
        : {},
    caughtBy: [LOST, UNSENT],
  },
  {
    name: "hands a row over again that whoever put it has handed over",
    mutant: ({ index }, part) =>
      part === "dispatcher"
        ? {
            index: {
              ...index,
              page: async (section, after) => {
                const page = await index.page(section, after);
                return { ...page, timers: page.timers.map((timer) => ({ ...timer, through: -Infinity })) };
              },
            },
          }
        : {},
    caughtBy: [TWICE, LATE, "only what was scheduled fires"],
  },
  {
    name: "never moves recurring timers on",
    mutant: ({ table }, part) => (part === "dispatcher" ? { table: { ...table, move: () => Promise.resolve() } } : {}),
    caughtBy: [TWICE],
  },
  {
    name: "moves recurring timers on before it sends",
    mutant: ({ queue, clock }, part) =>
      part === "dispatcher"
        ? {
            queue: {
              send: (fires) => {
                clock.after(2_000, () => void queue.send(fires));
                return Promise.resolve({ unsent: [], refused: [], errors: [] });
              },
            },
          }
        : {},
    caughtBy: [LOST, UNSENT],
  },
  {
    name: "looks for recurring timers inside of the window only",
    mutant: ({ index }, part) =>
      part === "dispatcher"
        ? {
            index: {
              ...index,
              page: (section, after) =>
                index.page(section.recurring ? { ...section, from: section.to - 59_999 } : section, after),
            },
          }
        : {},
    caughtBy: [LOST],
  },
  {
    name: "dispatches the first shard only",
    mutant: ({ index }, part) =>
      part === "dispatcher"
        ? {
            index: {
              ...index,
              acquire: (shard, lease) =>
                shard === "shard0" ? index.acquire(shard, lease) : Promise.resolve(undefined),
            },
          }
        : {},
    caughtBy: [LOST],
  },
  {
    name: "claims nothing in exactly-once mode",
    mutant: ({ claims }) => ({
      claims: {
        ...claims,
        claim: async (fire, claim) => {
          await claims.claim(fire, { ...claim, now: Infinity });
          return { outcome: "claimed" };
        },
      },
    }),
    caughtBy: [ONCE],
  },
  {
    name: "takes a claim for the deed",
    mutant: ({ claims }) => ({
      claims: {
        ...claims,
        claim: async (fire, claim) => {
          const claimed = await claims.claim(fire, claim);
          return claimed.outcome === "taken" ? { outcome: "done" } : claimed;
        },
      },
    }),
    caughtBy: [LOST],
  },
  {
    name: "puts the fires before the row",
    mutant: ({ table, clock }, part) =>
      part === "client"
        ? {
            table: {
              ...table,
              put: (...row) =>
                new Promise((resolve) => {
                  resolve();
                  clock.after(1_500, () => void table.put(...row).catch(() => undefined));
                }),
            },
          }
        : {},
    caughtBy: [LOST, UNSENT, LATE],
  },
];
