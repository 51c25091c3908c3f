/** Slack's verification of a webhook's URL. */
import * as z from "zod";

import { parseJson } from "../../shared/input";
import type { WebhookVerification } from "../contract";

const challengeSchema = z.object({ type: z.literal("url_verification"), challenge: z.string().max(1_000) });

/**
 * Slack verifies a new URL by a request with a challenge, which the answer repeats. Of another sender, such a body is a message.
 * @see https://docs.slack.dev/reference/events/url_verification
 */
export function challengeOf(body: string, verification: WebhookVerification | undefined): string | undefined {
  if (verification !== "slack") return undefined;
  try {
    return challengeSchema.safeParse(parseJson(body)).data?.challenge;
  } catch {
    return undefined; // not JSON: the gate refuses it
  }
}
