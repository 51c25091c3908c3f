/**
 * Posts notifications to any receiver, signed as Standard Webhooks say.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
import { createHmac } from "node:crypto";

import type { Clock } from "../../shared/clock";
import { errorCode, errorName } from "../../shared/errors";
import { SECOND_MS, isoSeconds } from "../../shared/time";
import type { ReadSecret } from "../probe/header-secrets";
import { MessageRejectedError, type Notifier } from "./deliver";
import type { NotificationMessage } from "./plan";

/** Shorter than the deadline of a delivery. */
const TIMEOUT_MS = 6 * SECOND_MS;

/** Receivers limit bodies: a digest may be of a thousand incidents. */
const MAX_DETAILS = 100;

/** The receiver does not accept this message. Others are about the receiver. */
const REJECTING_STATUSES: ReadonlySet<number> = new Set([400, 413, 422]);

/** Standard Webhooks: 24 to 64 bytes. */
const SECRET = /^whsec_([\w+/]{32,88}={0,2})$/;

class WebhookError extends Error {
  override readonly name = "WebhookError";
}

export interface WebhookPorts {
  readonly url: string;
  /** SSM parameter (SecureString) with the secret: `whsec_...`. */
  readonly parameter: string;
  readonly readSecret: ReadSecret;
  readonly clock: Pick<Clock, "now">;
  /** @default fetch */
  readonly post?: typeof fetch;
}

/** Delivered once the receiver answers 2xx. Follows no redirect: a signature is for one receiver. Errors have no URL: it may have a token. */
export function webhookNotifier({ url, parameter, readSecret, clock, post = fetch }: WebhookPorts): Notifier {
  return {
    name: "webhook",
    send: async (message, signal) => {
      const now = clock.now();
      const body = bodyOf(message, now);
      const headers = signed(message.id, body, await readSecret(parameter), now);
      const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
      const status = await statusOf(post(url, { method: "POST", redirect: "manual", headers, body, signal: limit }));
      if (status >= 200 && status < 300) return;
      const reason = `the webhook answered ${status}`;
      throw REJECTING_STATUSES.has(status) ? new MessageRejectedError(reason) : new WebhookError(reason);
    },
  };
}

async function statusOf(responding: Promise<Response>): Promise<number> {
  try {
    const response = await responding;
    // It is not read, and may have no end.
    await response.body?.cancel();
    return response.status;
  } catch (error) {
    const cause: unknown = error instanceof Error ? error.cause : undefined;
    throw new WebhookError(`the webhook cannot be reached (${errorCode(cause) ?? errorName(error)})`);
  }
}

function bodyOf({ id, title, text, details, links }: NotificationMessage, now: number): string {
  const [first, ...others] = details;
  const event = others.length > 0 || first === undefined ? "several" : first.event;
  return JSON.stringify({
    type: `incident.${event}`,
    timestamp: isoSeconds(now),
    data: {
      id,
      title,
      text,
      incidents: details.slice(0, MAX_DETAILS),
      omittedIncidents: Math.max(0, details.length - MAX_DETAILS),
      statusPage: links.pageUrl ?? null,
      runbook: links.runbookUrl ?? null,
    },
  });
}

/** The same id for the same message, so that a receiver recognises a repeated delivery. It has no dots: they separate what is signed. */
function signed(messageId: string, body: string, secret: string, now: number): Readonly<Record<string, string>> {
  const key = SECRET.exec(secret)?.[1];
  if (key === undefined) throw new WebhookError("the webhook's parameter does not hold a secret such as whsec_...");
  const id = `msg_${messageId.replaceAll(".", "_")}`;
  const timestamp = String(Math.floor(now / SECOND_MS));
  const signature = createHmac("sha256", Buffer.from(key, "base64")).update(`${id}.${timestamp}.${body}`);
  return {
    "Content-Type": "application/json; charset=utf-8",
    "User-Agent": "almanac-heartbeats",
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${signature.digest("base64")}`,
  };
}
