/** Slack's incoming webhooks. A webhook's URL is a credential: it is in no log and in no error. */
import { GetParameterCommand, type SSMClient } from "@aws-sdk/client-ssm";

import { errorCode, errorMessage, errorName } from "./errors";
import { HOUR_MS } from "./time";

/** No answer within this time counts as none. */
export const POST_TIMEOUT_MS = 5_000;

/** Where Slack says nothing of when to come back. */
const RETRY_AFTER_MS = 30_000;
const LONGEST_RETRY_AFTER_MS = HOUR_MS;

/** Slack's word for what is wrong with a message: `invalid_blocks`. */
const LONGEST_REASON = 80;

/** What became of a message. */
export type PostOutcome =
  | { readonly kind: "taken" }
  /** Too many: not before so many milliseconds have passed. */
  | { readonly kind: "limited"; readonly retryAfterMs: number }
  /** The message itself is at fault. */
  | { readonly kind: "refused"; readonly reason: string }
  /** No answer, or one that has nothing to do with the message. It may have been taken. */
  | { readonly kind: "failed"; readonly reason: string };

/** As far as it matters here: Block Kit's `blocks` may come with it. */
interface Message {
  /** What notifications show, and what is read aloud. */
  readonly text: string;
}

/**
 * Posts to the webhook whose URL is in an SSM parameter (SecureString). The URL is read before the first message, and again after
 * one that was not taken: it may have been changed. Never throws, and takes no longer than POST_TIMEOUT_MS.
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
      if (outcome.kind !== "taken") webhooks.delete(parameter);
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

/** Plain http is for the stand-in on this machine. */
function isSafe({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || (protocol === "http:" && hostname === "127.0.0.1");
}

/** Errors of fetch are told by their code alone: they may hold the URL. */
async function postTo(url: string, message: Message, signal: AbortSignal, post: typeof fetch): Promise<PostOutcome> {
  let response: Response;
  let answer: string;
  try {
    const headers = { "Content-Type": "application/json; charset=utf-8" };
    response = await post(url, { method: "POST", headers, body: JSON.stringify(message), signal });
    answer = (await response.text()).slice(0, LONGEST_REASON);
  } catch (error) {
    const cause: unknown = error instanceof Error ? error.cause : undefined;
    return { kind: "failed", reason: `Slack cannot be reached (${errorCode(cause) ?? errorName(error)})` };
  }
  if (response.ok) return { kind: "taken" };
  const reason = `Slack answered ${response.status}: ${answer}`;
  if (response.status === 429) return { kind: "limited", retryAfterMs: retryAfterOf(response) };
  // Others that begin with 4 are about the webhook: gone, forbidden, its channel archived.
  return { kind: response.status === 400 || response.status === 413 ? "refused" : "failed", reason };
}

function retryAfterOf({ headers }: Response): number {
  const seconds = Number(headers.get("Retry-After") ?? NaN);
  return seconds > 0 ? Math.min(seconds * 1_000, LONGEST_RETRY_AFTER_MS) : RETRY_AFTER_MS;
}

/** What is a link or a mention to Slack begins with one of these. */
export function escapedForSlack(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
