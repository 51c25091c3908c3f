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
