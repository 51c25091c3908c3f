import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import { DeleteMessageCommand, ReceiveMessageCommand, type Message, type SQSClient } from "@aws-sdk/client-sqs";
import * as z from "zod";

/** Long enough to send a batch back; whatever fails is in the queue again after it. */
const VISIBILITY_SECONDS = 60;

/** What Lambda leaves when a function failed: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html */
const failedInvocationSchema = z.object({
  requestContext: z.object({ functionArn: z.string() }),
  requestPayload: z.unknown(),
});

/** An event for a function. */
export interface Invocation {
  /** Its ARN, without version or alias. */
  readonly functionArn: string;
  readonly event: unknown;
}

/**
 * Reads a dead letter: Lambda's record of a failed invocation, or an event that EventBridge could not hand over, with its target
 * in the message's attributes. Undefined: it is neither.
 */
export function readDeadLetter({
  Body,
  MessageAttributes,
}: Pick<Message, "Body" | "MessageAttributes">): Invocation | undefined {
  const body = parseJson(Body ?? "");
  const failed = failedInvocationSchema.safeParse(body);
  if (failed.success) {
    // `$LATEST` comes along, and may not be invoked by that name in every account.
    const functionArn = failed.data.requestContext.functionArn.replace(/:\$LATEST$/, "");
    return { functionArn, event: failed.data.requestPayload };
  }
  const target = MessageAttributes?.["TARGET_ARN"]?.StringValue;
  return target === undefined || body === undefined ? undefined : { functionArn: target, event: body };
}

export interface RedriveTools {
  readonly sqs: SQSClient;
  readonly lambda: LambdaClient;
  readonly onProgress: (line: string) => void;
}

/**
 * Sends every dead letter that is in the queue now back to its function. One is deleted only after Lambda has taken its event, so
 * a crash in between means an event twice, never none. What nobody understands stays in the queue.
 */
export async function redriveInvocations(
  queueUrl: string,
  { sqs, lambda, onProgress }: RedriveTools,
): Promise<{ readonly sent: number; readonly unknown: number }> {
  const seen = new Set<string>();
  let sent = 0;
  let unknown = 0;
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: 2,
        VisibilityTimeout: VISIBILITY_SECONDS,
        MessageAttributeNames: ["All"],
      }),
    );
    // What failed again may already be back: it is left for another day, else this would never end.
    const fresh = Messages.filter(({ MessageId = "" }) => !seen.has(MessageId));
    if (fresh.length === 0) return { sent, unknown };
    for (const message of fresh) {
      seen.add(message.MessageId ?? "");
      const invocation = readDeadLetter(message);
      if (invocation === undefined) {
        unknown += 1;
        onProgress(`${message.MessageId ?? "a message"}: neither Lambda's nor EventBridge's, left where it is`);
        continue;
      }
      const { functionArn, event } = invocation;
      await lambda.send(
        new InvokeCommand({
          FunctionName: functionArn,
          InvocationType: "Event",
          Payload: Buffer.from(JSON.stringify(event)),
        }),
      );
      await sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: message.ReceiptHandle }));
      sent += 1;
      onProgress(`${functionArn.split(":").at(-1) ?? functionArn}: sent back ${message.MessageId ?? ""}`);
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
