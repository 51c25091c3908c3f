import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import type { Message } from "@aws-sdk/client-sqs";
import * as z from "zod";
import { redriveDeadLetters, type Redriven, type RedriveTools } from "./dead-letters";

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

/** Invokes each function again with the events that it failed on. */
export function redriveInvocations(
  queueUrl: string,
  { lambda, ...tools }: RedriveTools & { readonly lambda: LambdaClient },
): Promise<Redriven> {
  return redriveDeadLetters(
    queueUrl,
    (message) => {
      const invocation = readDeadLetter(message);
      if (invocation === undefined) return undefined;
      const { functionArn, event } = invocation;
      const Payload = Buffer.from(JSON.stringify(event));
      return {
        to: functionArn.split(":").at(-1) ?? functionArn,
        send: () => lambda.send(new InvokeCommand({ FunctionName: functionArn, InvocationType: "Event", Payload })),
      };
    },
    tools,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
