/** A pipeline's dead letters: messages and changes in its dead-letter queue, and notifications that were set aside. */
import type { SQSClient } from "@aws-sdk/client-sqs";
import type { NotificationsTable } from "../../../functions/pipelines/slack/notifications-table";
import { parseJson } from "../../shared/fields";
import { plainText } from "../../shared/terminal/plain-text";
import { readDeadLetters } from "../redrive/dead-letters";
import { summary } from "../redrive/describe-dead-letters";

export interface DeadLetter {
  /** Of SQS, or a notification's position. */
  readonly id: string;
  readonly kind: "message" | "changes" | "notification";
  /** ISO 8601. */
  readonly since: string;
  /** Undefined for a message: the log of the ingest function has it. */
  readonly cause: string | undefined;
  readonly body: string;
}

export interface DeadLetterSources {
  readonly sqs: SQSClient;
  readonly deadLetterQueueUrl: string;
  /** Undefined when no pipeline of the environment notifies Slack. */
  readonly notifications:
    | { readonly pipeline: string; readonly table: Pick<NotificationsTable, "readSetAside"> }
    | undefined;
}

/** The oldest first. */
export async function listDeadLetters(sources: DeadLetterSources): Promise<readonly DeadLetter[]> {
  const { sqs, deadLetterQueueUrl, notifications } = sources;
  const [letters, setAside] = await Promise.all([
    readDeadLetters(deadLetterQueueUrl, sqs),
    notifications?.table.readSetAside(notifications.pipeline, Infinity) ?? [],
  ]);
  const found = [
    ...letters.map((letter): DeadLetter => {
      const { id, sentAt, error, body } = summary(letter);
      const isChanges = hasStreamInfo(parseJson(letter.Body ?? ""));
      return {
        id,
        kind: isChanges ? "changes" : "message",
        since: sentAt,
        cause: error,
        body: isChanges ? (letter.Body ?? "") : body,
      };
    }),
    ...setAside.map(({ position, fault, item }): DeadLetter => ({
      id: position,
      kind: "notification",
      since: position.split("#")[0] ?? "",
      cause: fault,
      body: JSON.stringify(item),
    })),
  ];
  return found.sort((a, b) => (a.since < b.since ? -1 : 1));
}

function hasStreamInfo(body: unknown): boolean {
  return typeof body === "object" && body !== null && "DDBStreamBatchInfo" in body;
}

/** One line each. */
export function describeList(letters: readonly DeadLetter[]): string {
  if (letters.length === 0) return "No dead letters.";
  return letters
    .map(
      ({ id, kind, since, cause }) =>
        `${plainText(since)}  ${kind.padEnd(12)}  ${plainText(id)}${cause === undefined ? "" : `  ${plainText(cause)}`}`,
    )
    .join("\n");
}

/** With the body and the cause in full. */
export function describeLetter({ id, kind, since, cause, body }: DeadLetter, logged: readonly string[]): string {
  const causes = [...(cause === undefined ? [] : [cause]), ...logged].map(plainText);
  return [
    `${kind} ${plainText(id)}, since ${plainText(since)}`,
    ...(causes.length === 0 ? ["cause: no log line about it"] : [...new Set(causes)].map((line) => `cause: ${line}`)),
    "",
    plainText(body),
  ].join("\n");
}

/** The errors that log lines about a message have: `MalformedMessageError: is not JSON`. */
export function errorsOf(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => {
    const fields = parseJson(line);
    const error: unknown =
      typeof fields === "object" && fields !== null && "error" in fields ? fields.error : undefined;
    if (typeof error !== "object" || error === null) return [];
    const text = (name: string): string => String(Reflect.get(error, name) ?? "");
    return [`${text("name")}: ${text("message")}`];
  });
}
