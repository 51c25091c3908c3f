import type { Context } from "aws-lambda";
import type * as z from "zod";

import { systemClock } from "./clock";
import type { EnvironmentSource } from "./environment";
import { describeIssues } from "./errors";
import { onColdStart, type Services } from "./services";

/** The event was none of those that the function takes. Thrown, so that whoever invoked it keeps the event. */
export class UnexpectedEventError extends Error {
  override readonly name = "UnexpectedEventError";
}

/**
 * A Lambda handler for events that Almanac's own functions, schedules or AWS's services send. It owns what is common: the event
 * parsed, logs with ids, metrics flushed, errors logged and rethrown. `build` is called once, at the first event; the work it returns
 * gets each event, and when Lambda stops it (epoch milliseconds).
 *
 * @throws {@link EnvironmentError} and {@link UnexpectedEventError} (the handler), and whatever the work throws
 */
export function eventHandler<Environment, Event, Result>(
  parseEnvironment: (source: EnvironmentSource) => Environment,
  schema: z.ZodType<Event>,
  build: (services: Services<Environment>) => (event: Event, deadline: number) => Promise<Result>,
): (event: unknown, context: Context) => Promise<Result> {
  const start = onColdStart(parseEnvironment, build);
  return async (event, context) => {
    const { logger, metrics, work } = start();
    logger.addContext(context);
    try {
      const parsed = schema.safeParse(event);
      if (!parsed.success) throw new UnexpectedEventError(`not an event for this: ${describeIssues(parsed.error)}`);
      return await work(parsed.data, systemClock.now() + context.getRemainingTimeInMillis());
    } catch (error) {
      logger.error("invocation failed", { error });
      throw error;
    } finally {
      metrics.flush();
      logger.resetKeys();
    }
  };
}
