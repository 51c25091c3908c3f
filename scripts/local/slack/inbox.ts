/** Simulates Slack's incoming webhooks. Pure: time is an argument. */
import { blockFaults } from "./rules";

/** Slack accepts one message a second and webhook. */
const INTERVAL_MS = 1_000;

export interface Received {
  /** ISO 8601, UTC. */
  readonly at: string;
  /** The path of the webhook's URL after /services. */
  readonly webhook: string;
  readonly message: unknown;
}

export interface SlackAnswer {
  readonly status: number;
  /** As Slack responds: `ok`, `invalid_blocks`. */
  readonly text: string;
  readonly retryAfterSeconds?: number;
}

/** "down": every request fails with 503. */
export type SlackMode = "up" | "down";

export interface SlackInbox {
  /** @param now epoch milliseconds */
  readonly post: (webhook: string, body: string, now: number) => SlackAnswer;
  /** Accepted messages, the oldest first. */
  readonly messages: () => readonly Received[];
  /** Counts of rejected requests by Slack's error code. */
  readonly rejected: () => Readonly<Record<string, number>>;
  readonly setMode: (mode: SlackMode) => void;
}

export function slackInbox(): SlackInbox {
  const messages: Received[] = [];
  const rejected: Record<string, number> = {};
  const lastAccepted = new Map<string, number>();
  let mode: SlackMode = "up";
  const reject = (status: number, text: string, retryAfterSeconds?: number): SlackAnswer => {
    const word = text.split(":")[0] ?? text;
    rejected[word] = (rejected[word] ?? 0) + 1;
    return { status, text, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
  };
  return {
    post: (webhook, body, now) => {
      if (mode === "down") return reject(503, "service_unavailable");
      const last = lastAccepted.get(webhook) ?? -Infinity;
      if (now - last < INTERVAL_MS) return reject(429, "rate_limited", Math.ceil((INTERVAL_MS - (now - last)) / 1_000));
      const message = parse(body);
      if (message === undefined) return reject(400, "invalid_payload");
      const [fault] = blockFaults(message);
      if (fault !== undefined) return reject(400, fault);
      lastAccepted.set(webhook, now);
      messages.push({ at: new Date(now).toISOString(), webhook, message });
      return { status: 200, text: "ok" };
    },
    messages: () => messages,
    rejected: () => rejected,
    setMode: (next) => {
      mode = next;
    },
  };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
