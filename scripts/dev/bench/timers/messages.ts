import { z } from "zod";

/** Due timers of one minute and one shard, as the stub makes them up. */
export const scenarioSchema = z.object({
  kind: z.enum(["periodic", "oneshot"]),
  timers: z.number(),
  /** Where the cursor stands, and until when they are due; epoch milliseconds. */
  cursor: z.number(),
  until: z.number(),
});
export type Scenario = z.infer<typeof scenarioSchema>;

/** What the stub has been asked for in a scenario. */
export const countsSchema = z.object({
  requests: z.number(),
  /** Messages taken, one way or the other. */
  messages: z.number(),
  /** As SQS bills them: 64 KB each. */
  sqsRequests: z.number(),
  readUnits: z.number(),
  writeUnits: z.number(),
});
export type Counts = z.infer<typeof countsSchema>;

export const STUB_READY = z.object({ endpoint: z.url() });

/** PUT a {@link Scenario} to begin one, GET the {@link Counts}. */
export const SCENARIO_PATH = "/scenario";

export const runSchema = z.object({
  kind: z.enum(["periodic", "oneshot"]),
  timers: z.number(),
  seconds: z.number(),
  cpuSeconds: z.number(),
  /** Highest seen so far. */
  residentBytes: z.number(),
  counts: countsSchema,
});
export type Run = z.infer<typeof runSchema>;

export const measuredSchema = z.object({ runs: z.array(runSchema) });
