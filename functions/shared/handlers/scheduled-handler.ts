/** Makes a handler for EventBridge's schedules. */
import type { Context } from "aws-lambda";
import * as z from "zod";

import type { EnvironmentSchema } from "../environment";
import { invocationHandler } from "./invocation-handler";
import type { Services } from "./services";

/** Keeps undeclared fields: features store the whole event. */
const scheduledEventSchema = z.looseObject({
  id: z.string().min(1),
  time: z.iso.datetime({ offset: true }),
  source: z.string(),
  "detail-type": z.literal("Scheduled Event"),
});

export type ScheduledEvent = z.output<typeof scheduledEventSchema>;

/** One run of a schedule. */
export interface Tick {
  /** As EventBridge sent it. */
  readonly event: ScheduledEvent;
  /** The scheduled time, epoch milliseconds. The clock is later. */
  readonly scheduledAt: number;
  /** Lambda's timeout, epoch milliseconds. */
  readonly deadline: number;
}

/**
 * A Lambda handler for an EventBridge schedule. After an error Lambda retries, then sends the event to the dead-letter queue.
 *
 * EventBridge delivers at least once, so the work must be idempotent.
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
    return (event, { deadline }) => work({ event, scheduledAt: Date.parse(event.time), deadline });
  });
}
