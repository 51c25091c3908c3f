/** Slack incoming webhooks. A webhook's URL is a credential: logs and errors never contain it. */
import { GetParameterCommand, type SSMClient } from "@aws-sdk/client-ssm";

import { systemClock, type Clock } from "./clock";
import { errorCode, errorMessage, errorName } from "./errors";
import { ExpiringCache } from "./resilience/expiring-cache";
import { encoderOf, visibleLines, type Encoded } from "./text";
import { HOUR_MS, SECOND_MS } from "./time";

export const POST_TIMEOUT_MS = 5_000;

/** For a 429 without Retry-After. */
const DEFAULT_RETRY_AFTER_MS = 30_000;
const MAX_RETRY_AFTER_MS = HOUR_MS;

/** How long a rotated webhook's old URL is still used. */
const WEBHOOK_CACHE_MS = 30 * SECOND_MS;

/** More than Slack answers. A page behind a wrong URL can be of any length. */
const MAX_ANSWER_BYTES = 1_024;

/** Slack's error codes, `invalid_blocks`. Other text is not repeated: it can be a page that quotes the message. */
const ERROR_CODE = /^[a-z][a-z_]{1,79}(?![^:\s])/;

export type PostOutcome =
  /** Slack answered 200 with the body `ok`, which is all that it documents. */
  | { readonly kind: "accepted" }
  | { readonly kind: "rateLimited"; readonly retryAfterMs: number }
  /** Slack rejected the message's content. */
  | { readonly kind: "rejected"; readonly reason: string }
  /** No response, another response than Slack documents, or an error independent of the message. Slack may have accepted it. */
  | { readonly kind: "failed"; readonly reason: string };

/** May also have Block Kit's `blocks`. */
export interface Message {
  /** With blocks, for push notifications and screen readers. Made by {@link slackText}. */
  readonly text: Encoded<"slack">;
  /** Of `text`: `*` and `_` in a value are no formatting. */
  readonly mrkdwn: false;
}

/**
 * Posts to the webhook whose URL is in an SSM parameter (SecureString). Caches the URL for WEBHOOK_CACHE_MS, or until a message is not
 * accepted: the parameter may have changed. Never throws; returns within POST_TIMEOUT_MS.
 */
export function slackPost(
  ssm: SSMClient,
  post: typeof fetch = fetch,
  clock: Clock = systemClock,
): (parameter: string, message: Message) => Promise<PostOutcome> {
  const webhooks = new ExpiringCache<string>(WEBHOOK_CACHE_MS, clock);
  return async (parameter, message) => {
    const signal = AbortSignal.timeout(POST_TIMEOUT_MS);
    try {
      const url = await webhooks.get(parameter, () => readWebhook(ssm, parameter, signal));
      const outcome = await postTo(url, message, signal, post);
      if (outcome.kind !== "accepted") webhooks.delete(parameter);
      return outcome;
    } catch (error) {
      return { kind: "failed", reason: `${parameter}: ${errorName(error)}: ${errorMessage(error)}` };
    }
  };
}

class WebhookError extends Error {
  override readonly name = "WebhookError";
}

async function readWebhook(ssm: SSMClient, parameter: string, abortSignal: AbortSignal): Promise<string> {
  const command = new GetParameterCommand({ Name: parameter, WithDecryption: true });
  const { Parameter } = await ssm.send(command, { abortSignal });
  const url = Parameter?.Value ?? "";
  if (URL.canParse(url) && isSafe(new URL(url))) return url;
  throw new WebhookError("the parameter does not hold an https URL");
}

/** http only for the local Slack simulator. */
function isSafe({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || (protocol === "http:" && hostname === "127.0.0.1");
}

/**
 * Follows no redirect: Slack answers 302 for a webhook that it does not know, and the page behind it answers 200. Reports errors of fetch
 * by code only: their messages can contain the URL.
 */
async function postTo(url: string, message: Message, signal: AbortSignal, post: typeof fetch): Promise<PostOutcome> {
  let response: Response;
  let answer: string;
  try {
    const headers = { "Content-Type": "application/json; charset=utf-8" };
    response = await post(url, { method: "POST", redirect: "manual", headers, body: JSON.stringify(message), signal });
    answer = await beginningOf(response).catch((error: unknown) => {
      if (response.status === 200) throw error;
      return ""; // Every other status says enough by itself, and its body may never end.
    });
  } catch (error) {
    const cause: unknown = error instanceof Error ? error.cause : undefined;
    return { kind: "failed", reason: `Slack cannot be reached (${errorCode(cause) ?? errorName(error)})` };
  }
  const { status } = response;
  if (status === 200 && answer.trim() === "ok") return { kind: "accepted" };
  if (status === 429) return { kind: "rateLimited", retryAfterMs: retryAfterOf(response) };
  const [code] = ERROR_CODE.exec(answer) ?? [];
  const reason = `Slack answered ${status}${status === 200 ? ' without "ok"' : ""}${code === undefined ? "" : `: ${code}`}`;
  // Other statuses are about the webhook: revoked, forbidden, unknown, its channel archived.
  return { kind: status === 400 || status === 413 ? "rejected" : "failed", reason };
}

async function beginningOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  const stream: AsyncIterable<Uint8Array> | null = body;
  let bytes = 0;
  for await (const chunk of stream ?? []) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) break;
  }
  return Buffer.concat(chunks).toString();
}

/** Seconds, or a date, as proxies send it: by the sender's clock. */
function retryAfterOf({ headers }: Response): number {
  const value = headers.get("Retry-After") ?? "";
  const ms = /^\s*[\d.]+\s*$/.test(value)
    ? Number(value) * 1_000
    : Date.parse(value) - Date.parse(headers.get("Date") ?? "");
  return ms > 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : DEFAULT_RETRY_AFTER_MS;
}

/**
 * Text of a message, as a template that encodes its values: characters that begin links, mentions and entities, and those that are not
 * shown. Formatting is off ({@link Message}), because nothing encodes `*`.
 */
export const { template: slackText } = encoderOf("slack", (text) =>
  visibleLines(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;"),
);
