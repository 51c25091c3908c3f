import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import { DeleteMessageCommand, ReceiveMessageCommand, type Message, type SQSClient } from "@aws-sdk/client-sqs";
import * as z from "zod";

/** Long enough to send a batch back; whatever is left is in the queue again after it. */
const VISIBILITY_SECONDS = 60;

/** SQS may answer with nothing though there is something. */
const FRUITLESS_RECEIVES = 3;

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
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly onProgress: (line: string) => void;
}

/**
 * Sends every dead letter back to its function. One is deleted only after Lambda has taken its event, so a crash in between means
 * an event twice, never none. What nobody understands stays in the queue, and so does what fails again meanwhile: this ends.
 */
export async function redriveInvocations(
  queueUrl: string,
  { sqs, lambda, now, onProgress }: RedriveTools,
): Promise<{ readonly sent: number; readonly left: number }> {
  const startedAt = now();
  const left = new Set<string>();
  let sent = 0;
  for (let fruitless = 0; fruitless < FRUITLESS_RECEIVES;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: 1,
        VisibilityTimeout: VISIBILITY_SECONDS,
        MessageAttributeNames: ["All"],
        MessageSystemAttributeNames: ["SentTimestamp"],
      }),
    );
    let took = 0;
    for (const message of Messages) {
      const { MessageId: id = "", ReceiptHandle, Attributes } = message;
      const invocation = readDeadLetter(message);
      if (invocation === undefined || Number(Attributes?.SentTimestamp ?? 0) > startedAt) {
        if (!left.has(id)) onProgress(`${id}: left, ${invocation ? "it has failed again" : "nobody understands it"}`);
        left.add(id);
        continue;
      }
      const { functionArn, event } = invocation;
      const Payload = Buffer.from(JSON.stringify(event));
      await lambda.send(new InvokeCommand({ FunctionName: functionArn, InvocationType: "Event", Payload }));
      await sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
      took += 1;
      onProgress(`${id}: sent back to ${functionArn.split(":").at(-1) ?? functionArn}`);
    }
    sent += took;
    fruitless = took === 0 ? fruitless + 1 : 0;
  }
  return { sent, left: left.size };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
