/** Makes a handler for invocations by events, functions and state machines. */
import type { Context } from "aws-lambda";
import type * as z from "zod";

import type { EnvironmentSchema } from "../environment";
import { parseInput, SchemaError } from "../input";
import { invoke, onColdStart, type Services } from "./services";

/** The event is invalid. The message has the path and the reason, never the value. */
export class InvalidInputError extends Error {
  override readonly name = "InvalidInputError";
}

export interface Invocation {
  /** Lambda's timeout, epoch milliseconds. */
  readonly deadline: number;
}

export interface InvocationOptions<Input> {
  readonly input: z.ZodType<Input>;
  /** Keys for log entries: IDs only. @default none */
  readonly ids?: (input: Input) => Readonly<Record<string, string>>;
}

/**
 * A Lambda handler for direct and asynchronous invocations: by people, state machines, EventBridge, streams. Validates the event and
 * returns the work's result. `build` runs once, on cold start.
 *
 * Delivery is at least once, so the work must be idempotent.
 *
 * @throws {@link EnvironmentError}, {@link InvalidInputError} and the work's errors
 */
export function invocationHandler<Environment, Input, Answer>(
  schema: EnvironmentSchema<Environment>,
  { input, ids }: InvocationOptions<Input>,
  build: (services: Services<Environment>) => (input: Input, invocation: Invocation) => Promise<Answer>,
): (event: unknown, context: Context) => Promise<Answer> {
  const start = onColdStart(schema, build);
  return (event, context) =>
    invoke(start, context, ({ logger, work }, deadline) => {
      const parsed = validInput(input, event);
      if (ids) logger.appendKeys(ids(parsed));
      return work(parsed, { deadline });
    });
}

/** @throws {@link InvalidInputError} */
function validInput<Input>(schema: z.ZodType<Input>, event: unknown): Input {
  try {
    return parseInput(schema, event);
  } catch (error) {
    throw error instanceof SchemaError ? new InvalidInputError(error.message) : error;
  }
}
