/**
 * Sends a webhook's queued notifications: one message at a time, at most one per second, in order. A lease allows one sender per
 * webhook. A notification is removed only after Slack has accepted it, so a crash can duplicate a message but never lose one.
 */
import { backoffMs } from "../../shared/resilience/backoff";
import { sleep, type Clock } from "../../shared/clock";
import type { Lease, LeaseRequest } from "../../shared/resilience/lease";
import { POST_TIMEOUT_MS, type PostOutcome } from "../../shared/slack";
import { MINUTE_MS } from "../../shared/time";
import type { Notification } from "./notification";
import { composeMessage, type MessageFormat, type SlackMessage } from "./slack-message";

/** Slack's rate limit for a webhook. */
const MESSAGE_INTERVAL_MS = 1_000;

/** Longer than posting a message, removing its notifications and writing the state. */
const LEASE_MS = 30_000;

/** A longer wait is left to the next scheduled invocation. */
const MAX_WAIT_MS = 5_000;

/** The schedule retries every minute in any case. */
const BACKOFF = { firstMs: MESSAGE_INTERVAL_MS, longestMs: MINUTE_MS };

/** More than one message can include. */
const MAX_NOTIFICATIONS_READ = 2_000;

/** Where an item is in the queue. */
export interface QueuePlace {
  /** The pipeline's name. */
  readonly pipeline: string;
  /** Sorts as text. */
  readonly position: string;
}

export interface QueuedNotification extends QueuePlace {
  readonly notification: Notification;
}

/** An item of the queue that is no notification: written by hand, or by another version of Almanac. */
export interface UnreadableNotification extends QueuePlace {
  /** Never contains the item's content. */
  readonly fault: string;
}

export type QueueItem = QueuedNotification | UnreadableNotification;

/** The notifications of a webhook's pipelines in order of position. Reads are consistent. */
export interface NotificationQueue {
  readonly read: (webhook: string, limit: number) => Promise<readonly QueueItem[]>;
  readonly remove: (webhook: string, places: readonly QueuePlace[]) => Promise<void>;
  /** Moves an item out of the queue, to where `pipelines dead` finds it. */
  readonly setAside: (webhook: string, unreadable: UnreadableNotification) => Promise<void>;
}

/** Shared by all senders of a webhook. */
export interface WebhookState {
  /** Epoch milliseconds: no message is sent before it. */
  readonly nextMessageAt: number;
  /** Consecutive messages that were not accepted. */
  readonly failures: number;
  /** Consecutive messages that Slack rejected because of their content. */
  readonly rejections: number;
}

export interface WebhookLeases {
  /** Undefined: another owner has the lease. */
  readonly acquire: (webhook: string, request: LeaseRequest) => Promise<WebhookState | undefined>;
  /** Renews the lease and writes the state. False, without writing: another owner has the lease. */
  readonly renew: (webhook: string, lease: Lease, state: WebhookState) => Promise<boolean>;
  /** Does nothing when another owner has the lease. */
  readonly release: (webhook: string, owner: string) => Promise<void>;
}

export interface SenderPorts {
  readonly queue: NotificationQueue;
  readonly leases: WebhookLeases;
  /** Posts within POST_TIMEOUT_MS; does not throw. */
  readonly post: (webhook: string, message: SlackMessage) => Promise<PostOutcome>;
  readonly clock: Clock;
  /** Unique per invocation. */
  readonly owner: string;
  /** Shown in messages: `almanac-production` */
  readonly source: string;
  readonly onFailure: (outcome: Exclude<PostOutcome, { readonly kind: "accepted" }>) => void;
  readonly onSetAside: (unreadable: UnreadableNotification) => void;
}

export interface SendResult {
  readonly messages: number;
  readonly notifications: number;
}

/** @param deadline epoch milliseconds; a message that could not finish by then is not started */
export async function sendQueued(webhook: string, deadline: number, ports: SenderPorts): Promise<SendResult> {
  const { leases, queue, clock, owner } = ports;
  const result = { messages: 0, notifications: 0 };
  for (;;) {
    const state = await leases.acquire(webhook, { owner, now: clock.now(), until: clock.now() + LEASE_MS });
    // The other owner reads the queue again after its release, so it sees what is in it now.
    if (state === undefined) return result;
    const end = await sendUntilEmpty(webhook, state, deadline, result, ports);
    await leases.release(webhook, owner);
    if (end === "stopped" || (await queue.read(webhook, 1)).length === 0) return result;
  }
}

/** @returns "stopped": a later invocation continues */
async function sendUntilEmpty(
  webhook: string,
  initialState: WebhookState,
  deadline: number,
  result: { messages: number; notifications: number },
  ports: SenderPorts,
): Promise<"empty" | "stopped"> {
  const { leases, queue, clock, owner } = ports;
  const renew = (state: WebhookState) => leases.renew(webhook, { owner, until: clock.now() + LEASE_MS }, state);
  let state = initialState;
  for (;;) {
    const items = await queue.read(webhook, MAX_NOTIFICATIONS_READ);
    const queued = items.filter((item) => "notification" in item);
    // A second attempt could not read it either, and those behind it wait.
    for (const item of items) {
      if ("notification" in item) continue;
      await queue.setAside(webhook, item);
      ports.onSetAside(item);
    }
    if (queued.length === 0) {
      if (items.length === 0) return "empty";
      continue; // There can be notifications behind those that were set aside.
    }
    const wait = Math.max(0, state.nextMessageAt - clock.now());
    if (wait > MAX_WAIT_MS || clock.now() + wait + POST_TIMEOUT_MS >= deadline) return "stopped";
    if (wait > 0) {
      await sleep(clock, wait);
      continue; // Reads the queue again, to include new notifications.
    }
    const notifications = queued.map(({ notification }) => notification);
    const { message, included } = composeMessage(notifications, ports.source, formatFor(state));
    // If this invocation crashes now, its message can still arrive until the timeout.
    const latestArrival = clock.now() + POST_TIMEOUT_MS;
    if (!(await renew({ ...state, nextMessageAt: latestArrival + MESSAGE_INTERVAL_MS }))) return "stopped";
    const outcome = await ports.post(webhook, message);
    if (outcome.kind === "accepted") {
      await queue.remove(webhook, queued.slice(0, included));
      result.messages += 1;
      result.notifications += included;
    } else ports.onFailure(outcome);
    state = stateAfter(outcome, state, clock.now());
    if (!(await renew(state))) return "stopped";
  }
}

function stateAfter(outcome: PostOutcome, { failures, rejections }: WebhookState, now: number): WebhookState {
  const nextMessageAt = now + MESSAGE_INTERVAL_MS;
  const retryAt = now + backoffMs(failures + 1, BACKOFF);
  switch (outcome.kind) {
    case "accepted":
      return { nextMessageAt, failures: 0, rejections: 0 };
    case "rateLimited":
      return {
        nextMessageAt: Math.max(nextMessageAt, now + outcome.retryAfterMs),
        failures: failures + 1,
        rejections,
      };
    case "rejected":
      return { nextMessageAt: retryAt, failures: failures + 1, rejections: rejections + 1 };
    case "failed":
      return { nextMessageAt: retryAt, failures: failures + 1, rejections };
  }
}

function formatFor({ rejections }: WebhookState): MessageFormat {
  return rejections === 0 ? "blocks" : rejections === 1 ? "text" : "counts";
}
