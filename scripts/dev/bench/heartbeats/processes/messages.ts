import { z } from "zod";

export const TARGETS = 1_000;

/** Where the stub of AWS tells how many rows of good answers it was given. */
export const GOOD_ROWS_PATH = "/good-rows";

/** What the servers' process tells once it listens. */
export const serversReadySchema = z.strictObject({ awsEndpoint: z.url() });

/** What the checker's process tells at its end. */
export const measuredSchema = z.strictObject({
  /** Of each invocation, the first cold. */
  seconds: z.array(z.number()).min(2),
  /** Rows of good answers that arrived: shows that the work measured was done. */
  goodRows: z.number(),
  /** Highest seen at any time, garbage included. */
  peakHeapBytes: z.number(),
  /** Still in use after the last invocation and a garbage collection. */
  liveHeapBytes: z.number(),
  peakResidentBytes: z.number(),
});
export type Measured = z.infer<typeof measuredSchema>;

/** The environment whose requests are counted: its targets, and the ticks before and while they are. */
export const COUNTED_TARGETS = 100;
export const TICK_MINUTES = 5;
export const WARM_UP_TICKS = 12;
export const COUNTED_TICKS = 24;

/** What the counted ticks asked of AWS, of all targets together. */
export const countedSchema = z.strictObject({
  dynamodb: z.strictObject({ writeUnits: z.number(), readUnits: z.number() }),
  s3: z.strictObject({ writes: z.number(), reads: z.number() }),
  /** How long the functions ran. */
  seconds: z.strictObject({ check: z.number(), publish: z.number() }),
  /** What stays: bytes of one item of each kind. */
  stored: z.strictObject({ row: z.number(), state: z.number(), hour: z.number(), day: z.number() }),
});
export type Counted = z.infer<typeof countedSchema>;
