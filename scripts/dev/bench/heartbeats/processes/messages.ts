/** Messages between the processes of the heartbeats' benchmark. */
import { z } from "zod";

export const TARGETS = 1_000;

/** Path of the AWS stub that returns the number of saved rows with a passed check. */
export const GOOD_ROWS_PATH = "/good-rows";

/** Sent by the servers' process once it listens. */
export const serversReadySchema = z.strictObject({ awsEndpoint: z.url() });

/** Sent by the checker's process at its end. */
export const measuredSchema = z.strictObject({
  /** Duration of each invocation; the first is a cold start. */
  seconds: z.array(z.number()).min(2),
  /** Saved rows with a passed check: shows that the measured work was done. */
  goodRows: z.number(),
  /** Peak, including garbage. */
  peakHeapBytes: z.number(),
  /** After the last invocation and a garbage collection. */
  liveHeapBytes: z.number(),
  peakResidentBytes: z.number(),
});
export type Measured = z.infer<typeof measuredSchema>;

export const COUNTED_TARGETS = 100;
export const TICK_MINUTES = 5;
export const WARM_UP_TICKS = 12;
export const COUNTED_TICKS = 24;

/** Requests of the counted ticks, for all targets. */
export const countedSchema = z.strictObject({
  dynamodb: z.strictObject({ writeUnits: z.number(), readUnits: z.number() }),
  s3: z.strictObject({ writes: z.number(), reads: z.number() }),
  /** Duration of the functions. */
  seconds: z.strictObject({ check: z.number(), publish: z.number() }),
  /** Bytes of one item of each kind. */
  stored: z.strictObject({ row: z.number(), state: z.number(), hour: z.number(), day: z.number() }),
});
export type Counted = z.infer<typeof countedSchema>;
