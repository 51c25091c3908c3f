import type { QueuePlace, WebhookState } from "../../../../functions/pipelines/slack/slack-sender";
import { sampled } from "../../../support/sized";
import {
  simulate,
  type SimulatedWorld,
  type SimulationResult,
  type SlackBehaviour,
} from "../../../support/slack-simulation";

/** Slack's rate limit for a webhook. */
const MESSAGE_INTERVAL_MS = 1_000;

const BURST: Omit<SlackBehaviour, "seed"> = { changes: 10_000, burstMs: 10_000, keys: 4_000, crashes: 0, limits: 0 };

/** The broken promises of a run; empty when there are none. */
function faults(
  { seed }: SlackBehaviour,
  { arrivals, intrusions, messages, positions, left, setAside, unreadable }: SimulationResult,
): string[] {
  const inOrder = [...arrivals].sort((a, b) => a - b);
  const gaps = inOrder.slice(1).map((arrival, index) => arrival - (inOrder[index] ?? 0));
  const tooClose = gaps.filter((gap) => gap < MESSAGE_INTERVAL_MS).length;
  const firstSent = new Map<string, number>();
  messages.forEach((sent, index) => {
    for (const position of sent) if (!firstSent.has(position)) firstSent.set(position, index);
  });
  const lost = positions.filter(({ position }) => !firstSent.has(position)).length;
  const lastOfKey = new Map<string, number>();
  let disordered = 0;
  for (const { position, key } of positions) {
    const index = firstSent.get(position) ?? Infinity;
    if (index < (lastOfKey.get(key) ?? 0)) disordered += 1;
    lastOfKey.set(key, index);
  }
  return [
    ...(tooClose > 0 ? [`seed ${seed}: ${tooClose} messages less than a second after another`] : []),
    ...(intrusions > 0 ? [`seed ${seed}: ${intrusions} messages before Retry-After was over`] : []),
    ...(lost > 0 ? [`seed ${seed}: ${lost} notifications lost`] : []),
    ...(left > 0 ? [`seed ${seed}: ${left} notifications never sent`] : []),
    ...(unreadable.join() === setAside.join()
      ? []
      : [`seed ${seed}: set aside ${setAside.length} of ${unreadable.length}`]),
    ...(disordered > 0 ? [`seed ${seed}: ${disordered} notifications out of their key's order`] : []),
  ];
}

const SEEDS = Array.from({ length: 8 }, (_, index) => index + 1);
/** In each run; every night all. */
const TRIED = sampled(SEEDS, 3);

describe("sending to Slack", () => {
  it("sends 10,000 changes, all there at once, in the fewest messages that hold them", async () => {
    const behaviour = { ...BURST, burstMs: 0, seed: 1 };
    const result = await simulate(behaviour);
    expect(faults(behaviour, result)).toEqual([]);
    const sizes = result.messages.map(({ length }) => length);
    // The first notifications are sent alone, at once; then each message is as full as Slack accepts it.
    expect(sizes.filter((size) => size > 500).length).toBeGreaterThanOrEqual(sizes.length - 2);
    expect(result.messages.length).toBeLessThanOrEqual(12);
    expect(result.endedAt).toBeLessThanOrEqual(20_000);
  });

  it.each(TRIED)(
    "keeps to one message a second, to Retry-After and to each key's order, whatever crashes (seed %i)",
    async (seed) => {
      const behaviour = { ...BURST, seed, crashes: 0.02, limits: 0.1 };
      const result = await simulate(behaviour);
      expect(faults(behaviour, result)).toEqual([]);
      expect(result.crashes).toBeGreaterThan(0);
    },
  );

  it.each(TRIED)("loses nothing when Slack is down for an hour (seed %i)", async (seed) => {
    const behaviour: SlackBehaviour = {
      ...BURST,
      changes: 2_000,
      seed,
      crashes: 0.02,
      limits: 0.05,
      down: [2_000, 3_600_000],
    };
    const result = await simulate(behaviour);
    expect(faults(behaviour, result)).toEqual([]);
    // During the outage it retries about once a minute.
    expect(result.arrivals.length).toBeLessThan(250);
  });

  it.each(TRIED)("sets aside what it cannot read, and sends all others in order (seed %i)", async (seed) => {
    const behaviour: SlackBehaviour = { ...BURST, changes: 2_000, seed, crashes: 0.02, limits: 0.05, unreadable: 0.01 };
    const result = await simulate(behaviour);
    expect(result.unreadable.length).toBeGreaterThan(0);
    expect(faults(behaviour, result)).toEqual([]);
  });

  it("sends a plainer message when Slack rejects one, and goes on", async () => {
    const { left } = await simulate({ ...BURST, changes: 300, keys: 50, seed: 7, rejectedKey: "1000013" });
    expect(left).toBe(0);
  });

  it("never sends twice where nothing crashes", async () => {
    const { messages } = await simulate({ ...BURST, seed: 3, limits: 0.1 });
    const all = messages.flat();
    expect(new Set(all).size).toBe(all.length);
  });
});

const placeOf = ({ pipeline, position }: QueuePlace): QueuePlace => ({ pipeline, position });

/** Faulty implementations, each of which some seed must detect. */
const MUTANTS: Readonly<Record<string, (world: SimulatedWorld) => SimulatedWorld>> = {
  "a lease that everybody acquires": ({ queue, leases }) => {
    let state: WebhookState = { nextMessageAt: 0, failures: 0, rejections: 0 };
    const set = (next: WebhookState) => {
      state = next;
      return Promise.resolve(true);
    };
    return {
      queue,
      leases: { ...leases, acquire: () => Promise.resolve(state), renew: (_webhook, _lease, next) => set(next) },
    };
  },
  "a lease that forgets when the next message may be sent": ({ queue, leases }) => ({
    queue,
    leases: {
      ...leases,
      renew: (webhook, lease, state) => leases.renew(webhook, lease, { ...state, nextMessageAt: 0 }),
    },
  }),
  "an interval that begins before the message": ({ queue, leases }) => ({
    queue,
    leases: {
      ...leases,
      renew: (webhook, lease, state) =>
        leases.renew(webhook, lease, {
          ...state,
          nextMessageAt: Math.min(state.nextMessageAt, lease.until - 30_000 + 500),
        }),
    },
  }),
  "a queue that removes all": ({ queue, leases }) => ({
    queue: {
      ...queue,
      remove: async (webhook) => {
        await queue.remove(webhook, await queue.read(webhook, Infinity));
      },
    },
    leases,
  }),
  "notifications removed before they are sent": ({ queue, leases }) => ({
    queue: {
      ...queue,
      read: async (webhook, limit) => {
        const queued = await queue.read(webhook, limit);
        if (limit > 1) await queue.remove(webhook, queued);
        return queued;
      },
    },
    leases,
  }),
  "unreadable items that stay in the queue": ({ queue, leases }) => ({
    queue: {
      ...queue,
      read: async (webhook, limit) => {
        const items = await queue.read(webhook, limit);
        const first = items.findIndex((item) => !("notification" in item));
        return first < 0 ? items : items.slice(0, first);
      },
    },
    leases,
  }),
  "a readable item that is set aside": ({ queue, leases }) => ({
    queue: {
      ...queue,
      read: async (webhook, limit) =>
        (await queue.read(webhook, limit)).map((item, index) =>
          index === 1 && limit > 1 ? { ...placeOf(item), fault: "none" } : item,
        ),
    },
    leases,
  }),
  "a queue without order": ({ queue, leases }) => ({
    queue: {
      ...queue,
      read: async (webhook, limit) => [...(await queue.read(webhook, Infinity))].reverse().slice(0, limit),
    },
    leases,
  }),
};

describe("the simulation", () => {
  it.each(sampled(Object.entries(MUTANTS), 3))("detects %s", async (_, mutate) => {
    const found: string[] = [];
    for (const seed of SEEDS) {
      const behaviour: SlackBehaviour = {
        ...BURST,
        changes: 3_000,
        seed,
        crashes: 0.02,
        limits: 0.1,
        unreadable: 0.002,
      };
      found.push(...faults(behaviour, await simulate(behaviour, mutate)));
      if (found.length > 0) break;
    }
    expect(found).not.toEqual([]);
  });
});
