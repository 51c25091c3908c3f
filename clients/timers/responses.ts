/** Schemas of the API's responses. */
import * as z from "zod";

import { TimersError } from "./errors";
import {
  FIRE_OUTCOMES,
  TIMER_STATES,
  type AuditResponse,
  type FiresResponse,
  type ListResponse,
  type PreviewResponse,
  type FiredResponse,
  type ScheduleResponse,
  type TimerResponse,
  type VerbResponse,
} from "../../functions/timers/api/api-types";

const scheduleSchema: z.ZodType<ScheduleResponse> = z.union([
  z.looseObject({ minuteOfHour: z.number(), secondOfMinute: z.number() }),
  z.looseObject({ every: z.string(), secondOfMinute: z.number().exactOptional() }),
  z.looseObject({ cron: z.string(), timeZone: z.string() }),
  z.looseObject({ at: z.string() }),
]);

const outcomeSchema = z.enum(FIRE_OUTCOMES);

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
  callback: z.string(),
  catchUp: z.union([z.literal("latest"), z.number()]).exactOptional(),
  overlap: z.literal("skip").exactOptional(),
  retry: z
    .looseObject({ maxAttempts: z.number().exactOptional(), maxAgeSeconds: z.number().exactOptional() })
    .exactOptional(),
  history: z.boolean().exactOptional(),
  recorded: z.boolean(),
  lastFiredAt: z.string().nullable(),
  lastOutcome: outcomeSchema.nullable(),
  attempts: z.number().nullable(),
  latenessMs: z.number().nullable(),
}) satisfies z.ZodType<TimerResponse>;

export const firesSchema = z.looseObject({
  fires: z.array(
    z.looseObject({
      fireId: z.string(),
      version: z.string(),
      dueAt: z.string(),
      firedAt: z.string(),
      latenessMs: z.number(),
      durationMs: z.number(),
      attempts: z.number(),
      outcome: outcomeSchema,
    }),
  ),
  next: z.string().exactOptional(),
}) satisfies z.ZodType<FiresResponse>;

export const auditSchema = z.looseObject({
  expected: z.number(),
  observed: z.number(),
  missing: z.array(z.string()),
  failed: z.array(z.string()),
  late: z.array(z.string()),
  early: z.array(z.string()),
}) satisfies z.ZodType<AuditResponse>;

export const previewSchema = z.looseObject({ fires: z.array(z.string()) }) satisfies z.ZodType<PreviewResponse>;

export const firedSchema = z.looseObject({ fireId: z.string(), dueAt: z.string() }) satisfies z.ZodType<FiredResponse>;

export const verbSchema = z.looseObject({
  changed: z.number(),
  failures: z.array(z.looseObject({ id: z.string(), message: z.string() })),
  next: z.string().exactOptional(),
}) satisfies z.ZodType<VerbResponse>;

export const listSchema = z.looseObject({
  timers: z.array(timerSchema),
  unreadable: z.array(z.looseObject({ id: z.string(), reason: z.string() })).exactOptional(),
  next: z.string().exactOptional(),
}) satisfies z.ZodType<ListResponse>;

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
