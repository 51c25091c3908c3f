import type { Context } from "aws-lambda";
import type * as z from "zod";

import type { EnvironmentSource } from "./environment";
import { describeIssues } from "./errors";
import { invoke, onColdStart, type Services } from "./services";

/** The function was called with something else than it takes: a fault of whoever called. */
export class BadInputError extends Error {
  override readonly name = "BadInputError";
}

/** One call. */
export interface Call<Input> {
  readonly input: Input;
  /** When Lambda stops this invocation, epoch milliseconds. */
  readonly deadline: number;
}

/**
 * A Lambda handler that somebody waits for: a task of a state machine, or a person. It owns what is common: input parsed, logs with
 * ids, metrics flushed, errors logged and rethrown, to whoever called. Step Functions may call twice: what `build` returns must bear
 * that.
 *
 * @throws {@link EnvironmentError} and {@link BadInputError} (the handler), and whatever the work throws
 */
export function taskHandler<Environment, Input>(
  parseEnvironment: (source: EnvironmentSource) => Environment,
  schema: z.ZodType<Input>,
  build: (services: Services<Environment>) => (call: Call<Input>) => Promise<unknown>,
): (event: unknown, context: Context) => Promise<unknown> {
  const start = onColdStart(parseEnvironment, build);
  return (event, context) =>
    invoke(start, context, ({ work }, deadline) => {
      const parsed = schema.safeParse(event);
      if (!parsed.success) throw new BadInputError(describeIssues(parsed.error), { cause: parsed.error });
      return work({ input: parsed.data, deadline });
    });
}
