/**
 * Tells Slack what waits for one webhook: one message at a time, never more than one a second, in order, until nothing waits or it
 * is time to stop. Whatever runs beside it, and wherever it dies, no notice is lost: one is removed only after Slack took it.
 */
import { backoffMs } from "../../shared/backoff";
import { sleep, type Clock } from "../../shared/clock";
import type { Lease, LeaseRequest } from "../../shared/lease";
import { POST_TIMEOUT_MS, type PostOutcome } from "../../shared/slack";
import { MINUTE_MS } from "../../shared/time";
import type { Notice } from "./notification";
import { composeMessage, type Plainness, type SlackMessage } from "./slack-message";

/** Slack's limit for a webhook. */
export const MESSAGE_INTERVAL_MS = 1_000;

/** Whoever has the turn and is not heard of for so long has died: longer than any message takes, posted, removed and noted. */
export const LEASE_MS = 30_000;

/** A rest longer than this is not waited for: the next tick comes back. */
const LONGEST_REST_MS = 5_000;

/** How often a webhook that fails is tried, at least: the tick comes once a minute. */
const BACKOFF = { firstMs: MESSAGE_INTERVAL_MS, longestMs: MINUTE_MS };

/** Notices read at a time: more than one message can tell. */
const NOTICES_A_MESSAGE = 2_000;

/** A notice that waits, with its place in the line. */
export interface Waiting {
  readonly place: string;
  readonly notice: Notice;
}

/** The line of notices for each webhook, in order. Reading sees all that was written before. */
export interface Outbox {
  readonly read: (webhook: string, limit: number) => Promise<readonly Waiting[]>;
  readonly remove: (webhook: string, places: readonly string[]) => Promise<void>;
}

/** What is shared by all who might post to a webhook: whose turn it is, and when the next message may go. */
export interface Turn {
  /** Epoch milliseconds: no message goes before it. */
  readonly nextAt: number;
  /** Times in a row that Slack took nothing. */
  readonly failures: number;
  /** Times in a row that it was the message Slack did not take. */
  readonly refusals: number;
}

/** Each call changes the turn in one step, or not at all. */
export interface Turns {
  /** Acquires the lease. Undefined: another owner has it. */
  readonly take: (webhook: string, request: LeaseRequest) => Promise<Turn | undefined>;
  /** Renews the lease and changes the turn. False: the lease is another owner's, and nothing was changed. */
  readonly keep: (webhook: string, lease: Lease, turn: Turn) => Promise<boolean>;
  /** Does nothing when the lease is another owner's. */
  readonly release: (webhook: string, owner: string) => Promise<void>;
}

export interface DrainPorts {
  readonly outbox: Outbox;
  readonly turns: Turns;
  /** Posts within POST_TIMEOUT_MS; does not throw. */
  readonly post: (webhook: string, message: SlackMessage) => Promise<PostOutcome>;
  readonly clock: Clock;
  /** Unique among all that run. */
  readonly owner: string;
  /** `almanac-production` */
  readonly place: string;
  readonly onFailure: (webhook: string, outcome: Exclude<PostOutcome, { readonly kind: "taken" }>) => void;
}

export interface Drained {
  readonly messages: number;
  readonly notices: number;
}

/** @param deadline epoch milliseconds; no message is begun that could not be finished by then */
export async function drainWebhook(webhook: string, deadline: number, ports: DrainPorts): Promise<Drained> {
  const { turns, outbox, clock, owner } = ports;
  const drained = { messages: 0, notices: 0 };
  for (;;) {
    const turn = await turns.take(webhook, { owner, now: clock.now(), until: clock.now() + LEASE_MS });
    // Who has it looks once more after giving it back: nothing that is there now is left behind.
    if (turn === undefined) return drained;
    const end = await tellUntilDone(webhook, turn, deadline, drained, ports);
    await turns.release(webhook, owner);
    if (end === "stopped" || (await outbox.read(webhook, 1)).length === 0) return drained;
  }
}

/** @returns "empty": nothing waited any more; "stopped": it is for a later run to go on */
async function tellUntilDone(
  webhook: string,
  taken: Turn,
  deadline: number,
  drained: { messages: number; notices: number },
  ports: DrainPorts,
): Promise<"empty" | "stopped"> {
  const { turns, outbox, clock, owner } = ports;
  const lease = (): Lease => ({ owner, until: clock.now() + LEASE_MS });
  let turn = taken;
  for (;;) {
    const waiting = await outbox.read(webhook, NOTICES_A_MESSAGE);
    if (waiting.length === 0) return "empty";
    const rest = Math.max(0, turn.nextAt - clock.now());
    if (rest > LONGEST_REST_MS || clock.now() + rest + POST_TIMEOUT_MS >= deadline) return "stopped";
    if (rest > 0) {
      await sleep(clock, rest);
      continue; // with what has come meanwhile
    }
    const notices = waiting.map(({ notice }) => notice);
    const { message, told } = composeMessage(notices, ports.place, plainnessOf(turn));
    // If this run dies now, its message may still arrive until the timeout, and the next has to keep its distance from that.
    const pessimistic = clock.now() + POST_TIMEOUT_MS + MESSAGE_INTERVAL_MS;
    if (!(await turns.keep(webhook, lease(), { ...turn, nextAt: pessimistic }))) return "stopped";
    const outcome = await ports.post(webhook, message);
    if (outcome.kind === "taken") {
      await outbox.remove(
        webhook,
        waiting.slice(0, told).map(({ place }) => place),
      );
      drained.messages += 1;
      drained.notices += told;
    } else ports.onFailure(webhook, outcome);
    turn = turnAfter(outcome, turn, clock.now());
    if (!(await turns.keep(webhook, lease(), turn))) return "stopped";
  }
}

function turnAfter(outcome: PostOutcome, { failures, refusals }: Turn, now: number): Turn {
  const nextAt = now + MESSAGE_INTERVAL_MS;
  switch (outcome.kind) {
    case "taken":
      return { nextAt, failures: 0, refusals: 0 };
    case "limited":
      return { nextAt: Math.max(nextAt, now + outcome.retryAfterMs), failures: failures + 1, refusals };
    case "refused":
      return { nextAt: now + backoffMs(failures + 1, BACKOFF), failures: failures + 1, refusals: refusals + 1 };
    case "failed":
      return { nextAt: now + backoffMs(failures + 1, BACKOFF), failures: failures + 1, refusals };
  }
}

function plainnessOf({ refusals }: Turn): Plainness {
  return refusals === 0 ? "blocks" : refusals === 1 ? "text" : "counts";
}
