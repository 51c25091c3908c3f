import type { Context } from "aws-lambda";
import type * as z from "zod";

import { systemClock } from "./clock";
import type { EnvironmentSource } from "./environment";
import { describeIssues } from "./errors";
import { onColdStart, type Services } from "./services";

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
  /** Throws when the event is not what the function takes: {@link parseInput}. */
  readonly parse: (event: unknown) => Input;
  /** What log entries say of the input: ids only. */
  readonly ids: (input: Input) => Readonly<Record<string, string>>;
}

/**
 * A Lambda handler for whoever invokes it, by itself or through EventBridge: its answer is what the work returns. It owns what is
 * common: the input parsed, logs with ids, metrics flushed, errors logged and rethrown. `build` is called once, at the first
 * invocation.
 *
 * Whoever invokes it may do so twice with one input: what `build` returns must bear that.
 *
 * @throws {@link EnvironmentError} (the handler), and whatever `parse` and the work throw
 */
export function invocationHandler<Environment, Input, Answer>(
  parseEnvironment: (source: EnvironmentSource) => Environment,
  { parse, ids }: InvocationOptions<Input>,
  build: (services: Services<Environment>) => (input: Input, invocation: Invocation) => Promise<Answer>,
): (event: unknown, context: Context) => Promise<Answer> {
  const start = onColdStart(parseEnvironment, build);
  return async (event, context) => {
    const { logger, metrics, work } = start();
    logger.addContext(context);
    try {
      const input = parse(event);
      logger.appendKeys(ids(input));
      return await work(input, { deadline: systemClock.now() + context.getRemainingTimeInMillis() });
    } catch (error) {
      logger.error("invocation failed", { error });
      throw error;
    } finally {
      metrics.flush();
      logger.resetKeys();
    }
  };
}

/** @throws {@link InvalidInputError} */
export function parseInput<Input>(schema: z.ZodType<Input>, event: unknown): Input {
  const parsed = schema.safeParse(event);
  if (parsed.success) return parsed.data;
  throw new InvalidInputError(describeIssues(parsed.error), { cause: parsed.error });
}
