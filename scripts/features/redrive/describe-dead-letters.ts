/** Shows dead letters to people: when, why, and what. */
import type { Message } from "@aws-sdk/client-sqs";
import * as z from "zod";
import { parseJson } from "../../shared/fields";
import { plainText } from "../../shared/terminal/plain-text";

/** Longer bodies are cut in a terminal. They are whole in `--json`. */
const BODY_CHARACTERS = 200;

/** Lambda's record of a failed invocation. */
const failedInvocationSchema = z.object({
  requestContext: z.object({ condition: z.string() }),
  requestPayload: z.unknown(),
  responsePayload: z.object({ errorMessage: z.string() }).optional().catch(undefined),
});

export interface DeadLetterSummary {
  readonly id: string;
  /** When it was first sent, as an ISO 8601 instant. */
  readonly sentAt: string;
  /** Undefined: a message of a queue, whose consumer has logged the error. */
  readonly error: string | undefined;
  /** The message, or the event of the invocation. */
  readonly body: string;
}

export function summary({ MessageId: id = "", Body = "", Attributes, MessageAttributes }: Message): DeadLetterSummary {
  const sentAt = new Date(Number(Attributes?.SentTimestamp ?? 0)).toISOString();
  const failed = failedInvocationSchema.safeParse(parseJson(Body));
  if (failed.success) {
    const { requestContext, requestPayload, responsePayload } = failed.data;
    const error = responsePayload?.errorMessage ?? requestContext.condition;
    return { id, sentAt, error, body: JSON.stringify(requestPayload) };
  }
  return { id, sentAt, error: MessageAttributes?.["ERROR_MESSAGE"]?.StringValue, body: Body };
}

/** A paragraph for each, the oldest first. */
export function describeDeadLetters(letters: readonly Message[]): string {
  if (letters.length === 0) return "No dead letters.";
  return letters
    .map(summary)
    .sort((a, b) => (a.sentAt < b.sentAt ? -1 : 1))
    .map(({ id, sentAt, error, body }) => {
      const [shown, more] = [
        Array.from(plainText(body)).slice(0, BODY_CHARACTERS).join(""),
        body.length > BODY_CHARACTERS,
      ];
      return [
        `${sentAt}  ${plainText(id)}`,
        ...(error === undefined ? [] : [`  ${plainText(error)}`]),
        `  ${shown}${more ? " ..." : ""}`,
      ].join("\n");
    })
    .join("\n");
}
