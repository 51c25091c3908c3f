import type { Context } from "aws-lambda";
import type * as z from "zod";

import type { EnvironmentSchema } from "../environment";
import { describeIssues } from "../errors";
import { invoke, onColdStart, type Services } from "./services";

/** What a function was invoked with is not what it takes; the message says where and why, never what was sent. */
export class InvalidInputError extends Error {
  override readonly name = "InvalidInputError";
}

/** What an invocation has beside its input. */
export interface Invocation {
  /** When Lambda stops it, epoch milliseconds. */
  readonly deadline: number;
}

export interface InvocationOptions<Input> {
  readonly input: z.ZodType<Input>;
  /** What log entries say of the input: ids only. @default nothing */
  readonly ids?: (input: Input) => Readonly<Record<string, string>>;
}

/**
 * A Lambda handler for whoever invokes it: a person, a state machine, EventBridge, a stream. Its answer is what the work returns, and
 * what the work throws reaches whoever invoked it, who then keeps the event. `build` is called once, at the first invocation.
 *
 * It may be invoked twice with one input: what `build` returns must bear that.
 *
 * @throws {@link EnvironmentError} and {@link InvalidInputError} (the handler), and whatever the work throws
 */
export function invocationHandler<Environment, Input, Answer>(
  schema: EnvironmentSchema<Environment>,
  { input, ids }: InvocationOptions<Input>,
  build: (services: Services<Environment>) => (input: Input, invocation: Invocation) => Promise<Answer>,
): (event: unknown, context: Context) => Promise<Answer> {
  const start = onColdStart(schema, build);
  return (event, context) =>
    invoke(start, context, ({ logger, work }, deadline) => {
      const parsed = input.safeParse(event);
      if (!parsed.success) throw new InvalidInputError(describeIssues(parsed.error), { cause: parsed.error });
      if (ids) logger.appendKeys(ids(parsed.data));
      return work(parsed.data, { deadline });
    });
}
