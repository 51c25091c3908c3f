import { MESSAGE_INTERVAL_MS, type Turn } from "../../../../functions/pipelines/slack/slack-sender";
import { simulate, type Course, type SimulatedWorld, type Told } from "../../../support/slack-simulation";

const BURST: Omit<Course, "seed"> = { changes: 10_000, burstMs: 10_000, keys: 4_000, crashes: 0, limits: 0 };

/** What is wrong with a course of things, for people; nothing when all is well. */
function faults({ seed }: Course, { arrivals, intrusions, messages, places, left }: Told): string[] {
  const inOrder = [...arrivals].sort((a, b) => a - b);
  const gaps = inOrder.slice(1).map((arrival, index) => arrival - (inOrder[index] ?? 0));
  const tooClose = gaps.filter((gap) => gap < MESSAGE_INTERVAL_MS).length;
  const firstTold = new Map<string, number>();
  messages.forEach((told, index) => {
    for (const place of told) if (!firstTold.has(place)) firstTold.set(place, index);
  });
  const lost = places.filter(({ place }) => !firstTold.has(place)).length;
  const lastOfKey = new Map<string, number>();
  let disordered = 0;
  for (const { place, key } of places) {
    const index = firstTold.get(place) ?? Infinity;
    if (index < (lastOfKey.get(key) ?? 0)) disordered += 1;
    lastOfKey.set(key, index);
  }
  return [
    ...(tooClose > 0 ? [`seed ${seed}: ${tooClose} messages less than a second after another`] : []),
    ...(intrusions > 0 ? [`seed ${seed}: ${intrusions} messages before Retry-After was over`] : []),
    ...(lost > 0 ? [`seed ${seed}: ${lost} notices lost`] : []),
    ...(left > 0 ? [`seed ${seed}: ${left} notices never told`] : []),
    ...(disordered > 0 ? [`seed ${seed}: ${disordered} notices out of their key's order`] : []),
  ];
}

const SEEDS = Array.from({ length: 8 }, (_, index) => index + 1);

describe("telling Slack", () => {
  it("tells 10,000 changes, all there at once, in the fewest messages that hold them", async () => {
    const course = { ...BURST, burstMs: 0, seed: 1 };
    const told = await simulate(course);
    expect(faults(course, told)).toEqual([]);
    const sizes = told.messages.map(({ length }) => length);
    // The first notices go alone, for they are told at once; then each message is as full as Slack takes it.
    expect(sizes.filter((size) => size > 500).length).toBeGreaterThanOrEqual(sizes.length - 2);
    expect(told.messages.length).toBeLessThanOrEqual(12);
    expect(told.endedAt).toBeLessThanOrEqual(20_000);
  });

  it.each(SEEDS)(
    "keeps to one message a second, to Retry-After and to each key's order, whatever dies (seed %i)",
    async (seed) => {
      const course = { ...BURST, seed, crashes: 0.02, limits: 0.1 };
      const told = await simulate(course);
      expect(faults(course, told)).toEqual([]);
      expect(told.crashes).toBeGreaterThan(0);
    },
  );

  it.each(SEEDS)("loses nothing when Slack is away for an hour (seed %i)", async (seed) => {
    const course: Course = { ...BURST, changes: 2_000, seed, crashes: 0.02, limits: 0.05, down: [2_000, 3_600_000] };
    const told = await simulate(course);
    expect(faults(course, told)).toEqual([]);
    // While it is away it is asked about once a minute.
    expect(told.arrivals.length).toBeLessThan(250);
  });

  it("puts it more plainly when Slack refuses a message, and goes on", async () => {
    const course = { ...BURST, changes: 300, keys: 50, seed: 7, refusedKey: "1000013" };
    const told = await simulate(course);
    expect(told.left).toBe(0);
  });

  it("never tells twice where nothing dies", async () => {
    const course = { ...BURST, seed: 3, limits: 0.1 };
    const { messages } = await simulate(course);
    const all = messages.flat();
    expect(new Set(all).size).toBe(all.length);
  });
});

/** Ways to get it wrong, each of which some seed must show. */
const MUTANTS: Readonly<Record<string, (world: SimulatedWorld) => SimulatedWorld>> = {
  "a turn that everybody gets": ({ outbox, turns }) => {
    let turn: Turn = { nextAt: 0, failures: 0, refusals: 0 };
    const keep = (next: Turn) => {
      turn = next;
      return Promise.resolve(true);
    };
    return {
      outbox,
      turns: { ...turns, take: () => Promise.resolve(turn), keep: (_webhook, _lease, next) => keep(next) },
    };
  },
  "a turn that forgets when the next message may go": ({ outbox, turns }) => ({
    outbox,
    turns: {
      ...turns,
      keep: (webhook, lease, turn) => turns.keep(webhook, lease, { ...turn, nextAt: 0 }),
    },
  }),
  "a token that counts from before the message": ({ outbox, turns }) => ({
    outbox,
    turns: {
      ...turns,
      keep: (webhook, lease, turn) =>
        turns.keep(webhook, lease, { ...turn, nextAt: Math.min(turn.nextAt, lease.until - 30_000 + 500) }),
    },
  }),
  "an outbox that removes all": ({ outbox, turns }) => ({
    outbox: {
      ...outbox,
      remove: async (webhook) => {
        const all = await outbox.read(webhook, Infinity);
        await outbox.remove(
          webhook,
          all.map(({ place }) => place),
        );
      },
    },
    turns,
  }),
  "notices removed before they are told": ({ outbox, turns }) => ({
    outbox: {
      ...outbox,
      read: async (webhook, limit) => {
        const waiting = await outbox.read(webhook, limit);
        if (limit > 1)
          await outbox.remove(
            webhook,
            waiting.map(({ place }) => place),
          );
        return waiting;
      },
    },
    turns,
  }),
  "an outbox without order": ({ outbox, turns }) => ({
    outbox: {
      ...outbox,
      read: async (webhook, limit) => [...(await outbox.read(webhook, Infinity))].reverse().slice(0, limit),
    },
    turns,
  }),
};

describe("the simulation", () => {
  it.each(Object.entries(MUTANTS))("notices %s", async (_, mutate) => {
    const found: string[] = [];
    for (const seed of SEEDS) {
      const course: Course = { ...BURST, changes: 3_000, seed, crashes: 0.02, limits: 0.1 };
      found.push(...faults(course, await simulate(course, mutate)));
      if (found.length > 0) break;
    }
    expect(found).not.toEqual([]);
  });
});
