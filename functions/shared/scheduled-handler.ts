import type { Context } from "aws-lambda";
import * as z from "zod";

import { systemClock } from "./clock";
import type { EnvironmentSource } from "./environment";
import { describeIssues } from "./errors";
import { onColdStart, type Services } from "./services";

/** The event was not one of EventBridge's scheduled events. Thrown, so that Lambda's dead-letter path keeps the event. */
export class UnknownEventError extends Error {
  override readonly name = "UnknownEventError";
}

/** What EventBridge sends when a schedule fires. Fields nobody declared are kept: features store the event whole. */
const scheduledEventSchema = z.looseObject({
  id: z.string().min(1),
  time: z.iso.datetime({ offset: true }),
  source: z.string(),
  "detail-type": z.literal("Scheduled Event"),
});

export type ScheduledEvent = z.output<typeof scheduledEventSchema>;

/** One firing of a schedule. */
export interface Tick {
  /** As EventBridge sent it. */
  readonly event: ScheduledEvent;
  /** When the schedule meant to fire, epoch milliseconds. Later than that is what the clock says. */
  readonly scheduledAt: number;
  /** When Lambda stops this invocation, epoch milliseconds. */
  readonly deadline: number;
}

/**
 * A Lambda handler for a schedule. It owns what is common: the event parsed, logs with ids, metrics flushed, errors logged and
 * rethrown (Lambda then retries twice and keeps the event on the dead-letter path). Nothing happens before the first invocation:
 * then `build` is called once and its result serves every later invocation too.
 *
 * EventBridge delivers at least once: what `build` returns must bear the same tick twice.
 *
 * @throws {@link EnvironmentError} and {@link UnknownEventError} (the handler), and whatever the work throws
 */
export function scheduledHandler<Environment>(
  parseEnvironment: (source: EnvironmentSource) => Environment,
  build: (services: Services<Environment>) => (tick: Tick) => Promise<void>,
): (event: unknown, context: Context) => Promise<void> {
  const start = onColdStart(parseEnvironment, build);
  return async (event, context) => {
    const { logger, metrics, work } = start();
    logger.addContext(context);
    try {
      const parsed = parseEvent(event);
      logger.appendKeys({ eventId: parsed.id });
      await work({
        event: parsed,
        scheduledAt: Date.parse(parsed.time),
        deadline: systemClock.now() + context.getRemainingTimeInMillis(),
      });
    } catch (error) {
      logger.error("invocation failed", { error });
      throw error;
    } finally {
      metrics.flush();
      logger.resetKeys();
    }
  };
}

function parseEvent(event: unknown): ScheduledEvent {
  const parsed = scheduledEventSchema.safeParse(event);
  if (parsed.success) return parsed.data;
  throw new UnknownEventError(`not a scheduled event: ${describeIssues(parsed.error)}`);
}
