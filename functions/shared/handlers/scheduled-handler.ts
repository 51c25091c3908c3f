import type { Context } from "aws-lambda";
import * as z from "zod";

import type { EnvironmentSchema } from "../environment";
import { invocationHandler } from "./invocation-handler";
import type { Services } from "./services";

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
 * A Lambda handler for a schedule: an {@link invocationHandler} that is given ticks. When it throws, Lambda retries, and keeps the
 * event on the dead-letter path at last.
 *
 * EventBridge delivers at least once: what `build` returns must bear the same tick twice.
 *
 * @throws {@link EnvironmentError} and {@link InvalidInputError} (the handler), and whatever the work throws
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
