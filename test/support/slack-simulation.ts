/**
 * The way from changes to Slack on a virtual clock: drains that are called, called in vain, run side by side and die between any two
 * calls, over an outbox and turns in memory and a Slack that keeps count. One seed, one course of things.
 */
import {
  drainWebhook,
  type DrainPorts,
  type Outbox,
  type Turn,
  type Turns,
  type Waiting,
} from "../../functions/pipelines/slack/slack-sender";
import type { Notice } from "../../functions/pipelines/slack/notification";
import type { SlackMessage } from "../../functions/pipelines/slack/slack-message";
import { sleep, type Clock } from "../../functions/shared/clock";
import type { Lease } from "../../functions/shared/lease";
import { POST_TIMEOUT_MS, type PostOutcome } from "../../functions/shared/slack";
import { seeded } from "./random";
import { virtualClock } from "./virtual-clock";

const WEBHOOK = "/almanac/slack/orders";
const TICK_MS = 60_000;

export interface Course {
  readonly seed: number;
  /** Changes, and the time that they are spread over. */
  readonly changes: number;
  readonly burstMs: number;
  readonly keys: number;
  /** How often a call ends its run, before or after it has taken effect. */
  readonly crashes: number;
  /** How often Slack says that it is too much, though it is not. */
  readonly limits: number;
  /** Slack does not answer from then until then, milliseconds from the start. */
  readonly down?: readonly [from: number, to: number];
  /** Slack refuses blocks that name this key. */
  readonly refusedKey?: string;
}

export interface SimulatedWorld {
  readonly outbox: Outbox;
  readonly turns: Turns;
}

export interface Told {
  /** When each request reached Slack, milliseconds. */
  readonly arrivals: readonly number[];
  /** Requests within a time that Slack had asked to be left alone. */
  readonly intrusions: number;
  /** The messages that Slack took: the places that each told. */
  readonly messages: readonly (readonly string[])[];
  /** Of all changes, in the order in which they were put into the outbox. */
  readonly places: readonly { readonly place: string; readonly key: string }[];
  /** Whether anything still waits. */
  readonly left: number;
  readonly endedAt: number;
  readonly crashes: number;
}

class Crash extends Error {}

/** @param mutate breaks something: what the simulation has to notice */
export async function simulate(
  course: Course,
  mutate: (world: SimulatedWorld) => SimulatedWorld = (world) => world,
): Promise<Told> {
  const clock = virtualClock();
  const random = seeded(course.seed);
  const stored = new Map<string, Notice>();
  const world = mutate({ outbox: outboxOver(stored), turns: turnsInMemory() });
  const slack = slackThatCounts(course, clock, random);
  const places: { place: string; key: string }[] = [];
  let crashes = 0;
  let done = false;
  let runs = 0;

  /** Each call takes its time, and is where a run may end. */
  const mortal =
    <Args extends readonly unknown[], Result>(call: (...args: Args) => Promise<Result>, longestMs: number) =>
    async (...args: Args): Promise<Result> => {
      const fate = random();
      if (fate < course.crashes / 2) throw new Crash();
      await sleep(clock, 1 + random() * longestMs);
      const result = await call(...args);
      if (fate < course.crashes) throw new Crash();
      return result;
    };

  const drain = async (): Promise<void> => {
    runs += 1;
    const ports: DrainPorts = {
      outbox: { read: mortal(world.outbox.read, 20), remove: mortal(world.outbox.remove, 80) },
      turns: {
        take: mortal(world.turns.take, 10),
        keep: mortal(world.turns.keep, 10),
        release: mortal(world.turns.release, 10),
      },
      post: mortal(async (_, message) => slack.post(message), 1),
      clock,
      owner: `run-${runs}`,
      place: "almanac-test",
      onFailure: () => undefined,
    };
    await drainWebhook(WEBHOOK, clock.now() + 55_000, ports).catch((error: unknown) => {
      if (!(error instanceof Crash)) throw error;
      crashes += 1;
    });
  };

  const produce = async (): Promise<void> => {
    const batch = 100;
    const versions = new Map<string, number>();
    for (let index = 0; index < course.changes; index += 1) {
      const key = `${1_000_000 + Math.floor(random() * course.keys)}`;
      const version = (versions.get(key) ?? 0) + 1;
      versions.set(key, version);
      const place = String(index).padStart(8, "0");
      stored.set(place, {
        channel: "jobOrder",
        key,
        version: String(version),
        kind: version === 1 ? "new" : "changed",
        receivedAt: "2026-11-21T07:00:00.000Z",
        fields: [],
      });
      places.push({ place, key });
      if (index % batch < batch - 1 && index < course.changes - 1) continue;
      if (random() < 0.8) void drain(); // some calls are lost
      await sleep(clock, (course.burstMs * batch) / course.changes);
    }
    done = true;
  };

  const tick = async (): Promise<void> => {
    while (!done || stored.size > 0) {
      await sleep(clock, TICK_MS);
      if (clock.now() > 6 * 3_600_000) return;
      void drain();
    }
  };
  await Promise.all([produce(), tick()]);
  await sleep(clock, 120_000); // for whoever is still at it
  return { ...slack.told(), places, left: stored.size, endedAt: slack.told().arrivals.at(-1) ?? 0, crashes };
}

function outboxOver(stored: Map<string, Notice>): Outbox {
  return {
    read: (_, limit) => {
      const waiting = [...stored]
        .slice(0, limit)
        .map(([place, notice]): Waiting => ({ place, notice: { ...notice, receivedAt: place } }));
      return Promise.resolve(waiting);
    },
    remove: (_, places) => {
      for (const place of places) stored.delete(place);
      return Promise.resolve();
    },
  };
}

/** In memory, what the table does by conditional writes. */
function turnsInMemory(): Turns {
  let lease: Lease | undefined;
  let current: Turn = { nextAt: 0, failures: 0, refusals: 0 };
  return {
    take: (_, { now, ...wanted }) => {
      if (lease !== undefined && lease.until >= now) return Promise.resolve(undefined);
      lease = wanted;
      return Promise.resolve(current);
    },
    keep: (_, renewed, turn) => {
      if (lease?.owner !== renewed.owner) return Promise.resolve(false);
      [current, lease] = [turn, renewed];
      return Promise.resolve(true);
    },
    release: (_, owner) => {
      if (lease?.owner === owner) lease = undefined;
      return Promise.resolve();
    },
  };
}

/** Which notices a message tells is seen from its context line, which holds the first and the last one's time: here, their places. */
function slackThatCounts(course: Course, clock: Clock, random: () => number) {
  const arrivals: number[] = [];
  const messages: string[][] = [];
  let intrusions = 0;
  let leftAloneUntil = 0;
  const post = async (message: SlackMessage): Promise<PostOutcome> => {
    const now = clock.now();
    const latency = random() < 0.05 ? random() * POST_TIMEOUT_MS : 20 + random() * 300;
    const arrivesAfter = latency * random();
    await sleep(clock, arrivesAfter);
    arrivals.push(clock.now());
    if (clock.now() < leftAloneUntil) intrusions += 1;
    const isDown = course.down !== undefined && now >= course.down[0] && now < course.down[1];
    if (isDown && random() < 0.7) {
      await sleep(clock, POST_TIMEOUT_MS - arrivesAfter);
      return { kind: "failed", reason: "no answer" };
    }
    if (random() < course.limits) {
      const retryAfterMs = Math.ceil(random() * 20) * 1_000;
      leftAloneUntil = clock.now() + retryAfterMs;
      await sleep(clock, latency - arrivesAfter);
      return { kind: "limited", retryAfterMs };
    }
    if (course.refusedKey !== undefined && JSON.stringify(message.blocks ?? []).includes(course.refusedKey))
      return { kind: "refused", reason: "invalid_blocks" };
    messages.push(placesIn(message));
    if (isDown) return { kind: "failed", reason: "taken, but nobody heard of it" };
    await sleep(clock, latency - arrivesAfter);
    return { kind: "taken" };
  };
  return { post, told: () => ({ arrivals, intrusions, messages }) };
}

/** What a message tells: its context has the places of the first and the last notice. A plain one tells in its text. */
function placesIn(message: SlackMessage): string[] {
  const context = message.blocks?.find(({ type }) => type === "context");
  const text = JSON.stringify(context ?? {});
  const [first, last = first] = text.match(/\d{8}/g) ?? [];
  if (first === undefined || last === undefined) return [];
  const places: string[] = [];
  for (let place = Number(first); place <= Number(last); place += 1) places.push(String(place).padStart(8, "0"));
  return places;
}
