/** Schemas of the API's responses. */
import * as z from "zod";

import { TimersError } from "./errors";
import { TIMER_STATES, type ScheduleResponse, type TimerResponse } from "../../functions/timers/api/api-types";

const scheduleSchema: z.ZodType<ScheduleResponse> = z.union([
  z.looseObject({ minuteOfHour: z.number(), secondOfMinute: z.number() }),
  z.looseObject({ every: z.string() }),
  z.looseObject({ cron: z.string(), timeZone: z.string() }),
  z.looseObject({ at: z.string() }),
]);

/** Unknown fields are kept: a newer API may add some. */
export const timerSchema = z.looseObject({
  id: z.string(),
  shardId: z.string(),
  timeShardId: z.string().exactOptional(),
  timerCallbackData: z.unknown(),
  schedule: scheduleSchema,
  enabled: z.boolean(),
  startAt: z.string().exactOptional(),
  endAt: z.string().exactOptional(),
  maxFires: z.number().exactOptional(),
  firesLeft: z.number().exactOptional(),
  jitterSeconds: z.number().exactOptional(),
  version: z.string(),
  putAt: z.string(),
  state: z.enum(TIMER_STATES),
  nextFireAt: z.string().nullable(),
  lastFiredAt: z.string().nullable(),
}) satisfies z.ZodType<TimerResponse>;

export const listSchema = z.looseObject({ timers: z.array(timerSchema), next: z.string().optional() });

export const batchSchema = z.looseObject({
  results: z.array(z.looseObject({ status: z.number(), body: z.unknown() })),
});

/** Error bodies of Almanac and of API Gateway. */
export const errorSchema = z.looseObject({ message: z.string() });

/** @throws {@link TimersError} when the body does not match the schema */
export function parseResponse<Output>(schema: z.ZodType<Output>, body: unknown): Output {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new TimersError("unexpected response body: check the url", 200, {
    cause: parsed.error,
  });
}
