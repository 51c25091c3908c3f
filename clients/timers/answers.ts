/** What the API answers, as far as clients rely on it. */
import * as z from "zod";

import { TimersError } from "./errors";
import type { ScheduleView, TimerView } from "../../functions/timers/api/api-types";

const scheduleSchema: z.ZodType<ScheduleView> = z.union([
  z.looseObject({ minuteOfHour: z.number(), secondOfMinute: z.number() }),
  z.looseObject({ every: z.string() }),
  z.looseObject({ cron: z.string(), timeZone: z.string() }),
  z.looseObject({ at: z.string() }),
]);

/** Fields of later versions are kept. */
export const timerSchema = z.looseObject({
  id: z.string(),
  shardId: z.string(),
  timeShardId: z.string().exactOptional(),
  timerCallbackData: z.unknown(),
  schedule: scheduleSchema,
  enabled: z.boolean(),
  startAt: z.string().exactOptional(),
  endAt: z.string().exactOptional(),
  firesLeft: z.number().exactOptional(),
  jitterSeconds: z.number().exactOptional(),
  version: z.string(),
  putAt: z.string(),
  nextFireAt: z.string().nullable(),
  lastFiredAt: z.string().nullable(),
}) satisfies z.ZodType<TimerView>;

export const listSchema = z.looseObject({ timers: z.array(timerSchema), next: z.string().optional() });

export const batchSchema = z.looseObject({
  results: z.array(z.looseObject({ status: z.number(), body: z.unknown() })),
});

/** Of Almanac's errors, and of API Gateway's own. */
export const errorSchema = z.looseObject({ message: z.string() });

/** @throws {@link TimersError} when it is something else that answers there */
export function understood<Output>(schema: z.ZodType<Output>, body: unknown): Output {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new TimersError("what was answered is none of Almanac's answers: is this the right url?", 200, {
    cause: parsed.error,
  });
}
