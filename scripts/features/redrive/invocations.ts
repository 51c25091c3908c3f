/** Redrives invocations that failed every retry. */
import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import type { Message } from "@aws-sdk/client-sqs";
import * as z from "zod";
import { parseJson } from "../../shared/fields";
import { redriveDeadLetters, type Redriven, type RedriveTools } from "./dead-letters";

/** Lambda's record of a failed invocation: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html */
const failedInvocationSchema = z.object({
  requestContext: z.object({ functionArn: z.string() }),
  requestPayload: z.unknown(),
});

/** An event and the function that it is for. */
export interface Invocation {
  /** Without version or alias. */
  readonly functionArn: string;
  readonly event: unknown;
}

/**
 * Reads a dead letter: Lambda's record of a failed invocation, or an event that EventBridge could not deliver, with its target in
 * the message's attributes. Undefined: neither.
 */
export function readDeadLetter({
  Body,
  MessageAttributes,
}: Pick<Message, "Body" | "MessageAttributes">): Invocation | undefined {
  const body = parseJson(Body ?? "");
  const failed = failedInvocationSchema.safeParse(body);
  if (failed.success) {
    // The ARN ends in `$LATEST`, which not every account may invoke.
    const functionArn = failed.data.requestContext.functionArn.replace(/:\$LATEST$/, "");
    return { functionArn, event: failed.data.requestPayload };
  }
  const target = MessageAttributes?.["TARGET_ARN"]?.StringValue;
  return target === undefined || body === undefined ? undefined : { functionArn: target, event: body };
}

/** Invokes each function again with the events on which it failed. */
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
