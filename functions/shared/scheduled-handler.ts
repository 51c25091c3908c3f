import type { Context } from "aws-lambda";
import * as z from "zod";

import { systemClock, type Clock } from "./clock";
import { environmentParser, text, type EnvironmentSource } from "./environment";
import { describeIssues } from "./errors";
import { createLogger, type Logger } from "./logger";
import { createMetrics, type Metrics } from "./metrics";

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

/** What a function is built from, once on cold start. */
export interface Services<Environment> {
  readonly environment: Environment;
  /** Which environment this is: `staging`. */
  readonly environmentName: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Which feature and environment a function belongs to; every module sets these. */
const parseIdentity = environmentParser({ POWERTOOLS_SERVICE_NAME: text, ALMANAC_ENVIRONMENT: text });

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
  const coldStart = () => {
    const { POWERTOOLS_SERVICE_NAME: feature, ALMANAC_ENVIRONMENT: name } = parseIdentity(process.env);
    const logger = createLogger(feature, name);
    const metrics = createMetrics(feature, name);
    const environment = parseEnvironment(process.env);
    const work = build({ environment, environmentName: name, clock: systemClock, logger, metrics });
    return { logger, metrics, work };
  };

  let built: ReturnType<typeof coldStart> | undefined;
  return async (event, context) => {
    const { logger, metrics, work } = (built ??= coldStart());
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
