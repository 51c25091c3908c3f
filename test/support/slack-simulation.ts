/**
 * Senders of one webhook on a virtual clock: invocations are lost, run concurrently and crash before or after any call, with a queue
 * and leases in memory and a Slack that records what it receives. The seed determines the course.
 */
import type { Notification } from "../../functions/pipelines/slack/notification";
import type { SlackMessage } from "../../functions/pipelines/slack/slack-message";
import {
  sendQueued,
  type NotificationQueue,
  type QueueItem,
  type SenderPorts,
  type WebhookLeases,
  type WebhookState,
} from "../../functions/pipelines/slack/slack-sender";
import { sleep, type Clock } from "../../functions/shared/clock";
import type { Lease } from "../../functions/shared/resilience/lease";
import { POST_TIMEOUT_MS, type PostOutcome } from "../../functions/shared/slack";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../functions/shared/time";
import { seeded } from "./random";
import { virtualClock } from "./virtual-clock";

const WEBHOOK = "/almanac/slack/orders";
const PIPELINE = "jobOrder";

/** How Slack and the network behave. */
export interface SlackBehaviour {
  readonly seed: number;
  /** Changes, and the time that they are spread over. */
  readonly changes: number;
  readonly burstMs: number;
  readonly keys: number;
  /** The share of calls that crash their invocation, before or after they take effect. */
  readonly crashes: number;
  /** The share of messages that Slack rate-limits without a reason. */
  readonly limits: number;
  /** Slack's outage, milliseconds from the start. */
  readonly down?: readonly [from: number, to: number];
  /** Slack rejects blocks with this key. */
  readonly rejectedKey?: string;
  /** The share of items that nobody can read. */
  readonly unreadable?: number;
}

export interface SimulatedWorld {
  readonly queue: NotificationQueue;
  readonly leases: WebhookLeases;
}

export interface SimulationResult {
  /** When each request reached Slack, milliseconds. */
  readonly arrivals: readonly number[];
  /** Requests before a Retry-After was over. */
  readonly intrusions: number;
  /** The messages that Slack accepted: the positions in each. */
  readonly messages: readonly (readonly string[])[];
  /** Of all changes, in the order in which they were queued. */
  readonly positions: readonly { readonly position: string; readonly key: string }[];
  /** Notifications still queued at the end. */
  readonly left: number;
  readonly endedAt: number;
  readonly crashes: number;
  /** Items that were set aside, and those that had to be. */
  readonly setAside: readonly string[];
  readonly unreadable: readonly string[];
}

class Crash extends Error {}

/** @param mutate breaks something that the simulation must detect */
export async function simulate(
  behaviour: SlackBehaviour,
  mutate: (world: SimulatedWorld) => SimulatedWorld = (world) => world,
): Promise<SimulationResult> {
  const clock = virtualClock();
  const random = seeded(behaviour.seed);
  const stored = new Map<string, Notification | undefined>();
  const setAside = new Set<string>();
  const unreadable: string[] = [];
  const world = mutate({ queue: queueOver(stored, setAside), leases: inMemoryLeases() });
  const slack = recordingSlack(behaviour, clock, random);
  const positions: { position: string; key: string }[] = [];
  let crashes = 0;
  let done = false;
  let runs = 0;

  /** Gives a call a latency and the chance to crash. */
  const crashing =
    <Args extends readonly unknown[], Result>(call: (...args: Args) => Promise<Result>, maxMs: number) =>
    async (...args: Args): Promise<Result> => {
      const draw = random();
      if (draw < behaviour.crashes / 2) throw new Crash();
      await sleep(clock, 1 + random() * maxMs);
      const result = await call(...args);
      if (draw < behaviour.crashes) throw new Crash();
      return result;
    };

  const send = async (): Promise<void> => {
    runs += 1;
    const ports: SenderPorts = {
      queue: {
        read: crashing(world.queue.read, 20),
        remove: crashing(world.queue.remove, 80),
        setAside: crashing(world.queue.setAside, 80),
      },
      leases: {
        acquire: crashing(world.leases.acquire, 10),
        renew: crashing(world.leases.renew, 10),
        release: crashing(world.leases.release, 10),
      },
      post: crashing(async (_, message) => slack.post(message), 1),
      clock,
      owner: `run-${runs}`,
      source: "almanac-test",
      onFailure: () => undefined,
      onSetAside: () => undefined,
    };
    await sendQueued(WEBHOOK, clock.now() + 55_000, ports).catch((error: unknown) => {
      if (!(error instanceof Crash)) throw error;
      crashes += 1;
    });
  };

  const produce = async (): Promise<void> => {
    const batch = 100;
    const versions = new Map<string, number>();
    for (let index = 0; index < behaviour.changes; index += 1) {
      const key = `${1_000_000 + Math.floor(random() * behaviour.keys)}`;
      const version = (versions.get(key) ?? 0) + 1;
      versions.set(key, version);
      const position = String(index).padStart(8, "0");
      if (behaviour.unreadable !== undefined && random() < behaviour.unreadable) {
        stored.set(`${position}x`, undefined);
        unreadable.push(`${position}x`);
      }
      stored.set(position, {
        pipeline: PIPELINE,
        key,
        version: String(version),
        kind: version === 1 ? "new" : "changed",
        receivedAt: "2026-11-21T07:00:00.000Z",
        fields: [],
      });
      positions.push({ position, key });
      if (index % batch < batch - 1 && index < behaviour.changes - 1) continue;
      if (random() < 0.8) void send(); // Some invocations are lost.
      await sleep(clock, (behaviour.burstMs * batch) / behaviour.changes);
    }
    done = true;
  };

  const schedule = async (): Promise<void> => {
    while (!done || stored.size > 0) {
      await sleep(clock, MINUTE_MS);
      if (clock.now() > 6 * HOUR_MS) return;
      void send();
    }
  };
  await Promise.all([produce(), schedule()]);
  await sleep(clock, 2 * MINUTE_MS); // for invocations that are still running
  const { arrivals, intrusions, messages } = slack;
  return {
    arrivals,
    intrusions: intrusions(),
    messages,
    positions,
    left: stored.size,
    endedAt: arrivals.at(-1) ?? 0,
    crashes,
    setAside: [...setAside],
    unreadable,
  };
}

function queueOver(stored: Map<string, Notification | undefined>, setAside: Set<string>): NotificationQueue {
  return {
    read: (_, limit) => {
      const queued = [...stored]
        .slice(0, limit)
        .map(([position, notification]): QueueItem =>
          notification === undefined
            ? { pipeline: PIPELINE, position, fault: "unreadable" }
            : { pipeline: PIPELINE, position, notification: { ...notification, receivedAt: position } },
        );
      return Promise.resolve(queued);
    },
    remove: (_, places) => {
      for (const { position } of places) stored.delete(position);
      return Promise.resolve();
    },
    setAside: (_, { position }) => {
      if (stored.delete(position)) setAside.add(position);
      return Promise.resolve();
    },
  };
}

export function inMemoryLeases(): WebhookLeases {
  let lease: Lease | undefined;
  let current: WebhookState = { nextMessageAt: 0, failures: 0, rejections: 0 };
  return {
    acquire: (_, { now, ...wanted }) => {
      if (lease !== undefined && lease.until >= now) return Promise.resolve(undefined);
      lease = wanted;
      return Promise.resolve(current);
    },
    renew: (_, renewed, state) => {
      if (lease?.owner !== renewed.owner) return Promise.resolve(false);
      [current, lease] = [state, renewed];
      return Promise.resolve(true);
    },
    release: (_, owner) => {
      if (lease?.owner === owner) lease = undefined;
      return Promise.resolve();
    },
  };
}

function recordingSlack(behaviour: SlackBehaviour, clock: Clock, random: () => number) {
  const arrivals: number[] = [];
  const messages: string[][] = [];
  let intrusions = 0;
  let limitedUntil = 0;
  const post = async (message: SlackMessage): Promise<PostOutcome> => {
    const now = clock.now();
    const latency = random() < 0.05 ? random() * POST_TIMEOUT_MS : 20 + random() * 300;
    const arrivesAfter = latency * random();
    await sleep(clock, arrivesAfter);
    arrivals.push(clock.now());
    if (clock.now() < limitedUntil) intrusions += 1;
    const isDown = behaviour.down !== undefined && now >= behaviour.down[0] && now < behaviour.down[1];
    if (isDown && random() < 0.7) {
      await sleep(clock, POST_TIMEOUT_MS - arrivesAfter);
      return { kind: "failed", reason: "no response" };
    }
    if (random() < behaviour.limits) {
      const retryAfterMs = Math.ceil(random() * 20) * SECOND_MS;
      limitedUntil = clock.now() + retryAfterMs;
      await sleep(clock, latency - arrivesAfter);
      return { kind: "rateLimited", retryAfterMs };
    }
    if (behaviour.rejectedKey !== undefined && JSON.stringify(message.blocks ?? []).includes(behaviour.rejectedKey))
      return { kind: "rejected", reason: "invalid_blocks" };
    messages.push(positionsIn(message));
    if (isDown) return { kind: "failed", reason: "accepted, but the response was lost" };
    await sleep(clock, latency - arrivesAfter);
    return { kind: "accepted" };
  };
  return { post, arrivals, messages, intrusions: () => intrusions };
}

/** `receivedAt` is the position here, so a message's context block has its first and last position. A plain one has them in its text. */
function positionsIn(message: SlackMessage): string[] {
  const context = message.blocks?.find(({ type }) => type === "context");
  const text = JSON.stringify(context ?? {});
  const [first, last = first] = text.match(/\d{8}/g) ?? [];
  if (first === undefined || last === undefined) return [];
  const positions: string[] = [];
  for (let position = Number(first); position <= Number(last); position += 1)
    positions.push(String(position).padStart(8, "0"));
  return positions;
}
