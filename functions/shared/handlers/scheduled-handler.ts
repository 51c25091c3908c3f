/** Makes a handler for EventBridge's schedules. */
import type { Context } from "aws-lambda";
import * as z from "zod";

import type { EnvironmentSchema } from "../environment";
import { MINUTE_MS } from "../time";
import { InvalidInputError, invocationHandler } from "./invocation-handler";
import type { Services } from "./services";

/** Keeps undeclared fields: features store the whole event. */
const scheduledEventSchema = z.looseObject({
  id: z.string().min(1),
  time: z.iso.datetime({ offset: true }),
  source: z.string(),
  "detail-type": z.literal("Scheduled Event"),
});

export type ScheduledEvent = z.output<typeof scheduledEventSchema>;

/** By which EventBridge's clock may be ahead of the function's. */
const CLOCK_SKEW_MS = MINUTE_MS;

/** One run of a schedule. */
export interface Tick {
  /** As EventBridge sent it. */
  readonly event: ScheduledEvent;
  /** The scheduled time, epoch milliseconds, at most a minute after the clock's. */
  readonly scheduledAt: number;
  /** Lambda's timeout, epoch milliseconds. */
  readonly deadline: number;
}

/**
 * A Lambda handler for an EventBridge schedule. After an error Lambda retries, then sends the event to the dead-letter queue.
 *
 * EventBridge delivers at least once, so the work must be idempotent. A tick that is sent by hand for a time to come is refused: features would
 * take all ticks until then for late ones.
 *
 * @throws {@link EnvironmentError}, {@link InvalidInputError} and the work's errors
 */
export function scheduledHandler<Environment>(
  schema: EnvironmentSchema<Environment>,
  build: (services: Services<Environment>) => (tick: Tick) => Promise<void>,
): (event: unknown, context: Context) => Promise<void> {
  const options = { input: scheduledEventSchema, ids: ({ id }: ScheduledEvent) => ({ eventId: id }) };
  return invocationHandler(schema, options, (services) => {
    const work = build(services);
    return async (event, { deadline }) => {
      const scheduledAt = Date.parse(event.time);
      if (scheduledAt > services.clock.now() + CLOCK_SKEW_MS) throw new InvalidInputError("time: is in the future");
      await work({ event, scheduledAt, deadline });
    };
  });
}
