/** Slack, as far as its incoming webhooks go: pure, with time as an argument. */
import { blockFaults } from "./rules";

/** Slack's limit for a webhook. */
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
  /** Slack's own words: `ok`, `invalid_blocks`. */
  readonly text: string;
  readonly retryAfterSeconds?: number;
}

/** How it behaves: as Slack does on a good day, or not at all. */
export type Weather = "up" | "down";

export interface SlackInbox {
  /** @param now epoch milliseconds */
  readonly post: (webhook: string, body: string, now: number) => SlackAnswer;
  /** The messages it took, the oldest first. */
  readonly messages: () => readonly Received[];
  /** Requests it did not take, by Slack's word for why. */
  readonly refused: () => Readonly<Record<string, number>>;
  readonly setWeather: (weather: Weather) => void;
}

export function slackInbox(): SlackInbox {
  const messages: Received[] = [];
  const refused: Record<string, number> = {};
  const lastTaken = new Map<string, number>();
  let weather: Weather = "up";
  const refuse = (status: number, text: string, retryAfterSeconds?: number): SlackAnswer => {
    const word = text.split(":")[0] ?? text;
    refused[word] = (refused[word] ?? 0) + 1;
    return { status, text, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
  };
  return {
    post: (webhook, body, now) => {
      if (weather === "down") return refuse(503, "service_unavailable");
      const last = lastTaken.get(webhook) ?? -Infinity;
      if (now - last < INTERVAL_MS) return refuse(429, "rate_limited", Math.ceil((INTERVAL_MS - (now - last)) / 1_000));
      const message = parse(body);
      if (message === undefined) return refuse(400, "invalid_payload");
      const [fault] = blockFaults(message);
      if (fault !== undefined) return refuse(400, fault);
      lastTaken.set(webhook, now);
      messages.push({ at: new Date(now).toISOString(), webhook, message });
      return { status: 200, text: "ok" };
    },
    messages: () => messages,
    refused: () => refused,
    setWeather: (next) => {
      weather = next;
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
