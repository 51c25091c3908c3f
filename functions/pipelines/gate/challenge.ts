/** Slack's verification of a webhook's URL. */
import * as z from "zod";

import { parseJson } from "../../shared/input";

const challengeSchema = z.object({ type: z.literal("url_verification"), challenge: z.string().max(1_000) });

/**
 * Slack verifies a new URL by a request with a challenge, which the answer repeats.
 * @see https://docs.slack.dev/reference/events/url_verification
 */
export function challengeOf(body: string): string | undefined {
  try {
    return challengeSchema.safeParse(parseJson(body)).data?.challenge;
  } catch {
    return undefined; // not JSON: the gate refuses it
  }
}
