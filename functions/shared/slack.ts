/** Slack incoming webhooks. A webhook's URL is a credential: logs and errors never contain it. */
import { GetParameterCommand, type SSMClient } from "@aws-sdk/client-ssm";

import { errorCode, errorMessage, errorName } from "./errors";
import { HOUR_MS } from "./time";

export const POST_TIMEOUT_MS = 5_000;

/** For a 429 without Retry-After. */
const DEFAULT_RETRY_AFTER_MS = 30_000;
const MAX_RETRY_AFTER_MS = HOUR_MS;

/** Of Slack's error code, `invalid_blocks`. */
const MAX_REASON_CHARACTERS = 80;

export type PostOutcome =
  | { readonly kind: "accepted" }
  | { readonly kind: "rateLimited"; readonly retryAfterMs: number }
  /** Slack rejected the message's content. */
  | { readonly kind: "rejected"; readonly reason: string }
  /** No response, or an error independent of the message. Slack may have accepted it. */
  | { readonly kind: "failed"; readonly reason: string };

/** May also have Block Kit's `blocks`. */
interface Message {
  /** For push notifications and screen readers. */
  readonly text: string;
}

/**
 * Posts to the webhook whose URL is in an SSM parameter (SecureString). Caches the URL until a message is not accepted: the
 * parameter may have changed. Never throws; returns within POST_TIMEOUT_MS.
 */
export function slackPost(
  ssm: SSMClient,
  post: typeof fetch = fetch,
): (parameter: string, message: Message) => Promise<PostOutcome> {
  const webhooks = new Map<string, Promise<string>>();
  return async (parameter, message) => {
    const signal = AbortSignal.timeout(POST_TIMEOUT_MS);
    try {
      const url = webhooks.get(parameter) ?? readWebhook(ssm, parameter, signal);
      webhooks.set(parameter, url);
      const outcome = await postTo(await url, message, signal, post);
      if (outcome.kind !== "accepted") webhooks.delete(parameter);
      return outcome;
    } catch (error) {
      webhooks.delete(parameter);
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

/** Reports errors of fetch by code only: their messages can contain the URL. */
async function postTo(url: string, message: Message, signal: AbortSignal, post: typeof fetch): Promise<PostOutcome> {
  let response: Response;
  let body: string;
  try {
    const headers = { "Content-Type": "application/json; charset=utf-8" };
    response = await post(url, { method: "POST", headers, body: JSON.stringify(message), signal });
    body = (await response.text()).slice(0, MAX_REASON_CHARACTERS);
  } catch (error) {
    const cause: unknown = error instanceof Error ? error.cause : undefined;
    return { kind: "failed", reason: `Slack cannot be reached (${errorCode(cause) ?? errorName(error)})` };
  }
  if (response.ok) return { kind: "accepted" };
  const reason = `Slack answered ${response.status}: ${body}`;
  if (response.status === 429) return { kind: "rateLimited", retryAfterMs: retryAfterOf(response) };
  // Other 4xx are about the webhook: revoked, forbidden, its channel archived.
  return { kind: response.status === 400 || response.status === 413 ? "rejected" : "failed", reason };
}

function retryAfterOf({ headers }: Response): number {
  const seconds = Number(headers.get("Retry-After") ?? NaN);
  return seconds > 0 ? Math.min(seconds * 1_000, MAX_RETRY_AFTER_MS) : DEFAULT_RETRY_AFTER_MS;
}

/** Escapes the characters that start links, mentions and entities. */
export function escapeForSlack(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
