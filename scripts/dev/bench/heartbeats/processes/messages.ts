/** Messages between the processes of the heartbeats' benchmark. */
import * as z from "zod";

export const TARGETS = 1_000;

/** How long a target's server takes. */
export const RESPONSE_MS = 50;
/** A check of such a server that takes longer is slow by the checker's own fault. */
export const MAX_LATENCY_MS = 2 * RESPONSE_MS;

/** Path of the AWS stub that returns {@link SavedRows}. */
export const ROWS_PATH = "/rows";

/** A connection, as its server saw it. */
export const exchangeSchema = z.strictObject({
  /** From the connection to the end of the response. */
  serverMs: z.number(),
  /** Of these, at most as many were the server's own lag. */
  serverLagMs: z.number(),
});
export type Exchange = z.infer<typeof exchangeSchema>;

const slowCheckSchema = exchangeSchema.extend({ target: z.string(), latencyMs: z.number(), reason: z.string() });
export type SlowCheck = z.infer<typeof slowCheckSchema>;

/** Telemetry rows. */
export const savedRowsSchema = z.strictObject({
  /** With a passed check. */
  good: z.number(),
  /** Slow or timed out though the server was not late: the target is blamed for what the checker did. */
  slow: z.array(slowCheckSchema),
  /** Slow or timed out because the server's process was busy or stopped. */
  late: z.number(),
  /** The checker knew that it was too busy to judge. */
  unmeasured: z.number(),
  /** Milliseconds, as recorded. */
  latencies: z.array(z.number()),
});
export type SavedRows = z.infer<typeof savedRowsSchema>;

/** Sent by the servers' process once it listens. */
export const serversReadySchema = z.strictObject({
  awsEndpoint: z.url(),
  target: z.url(),
  certificateAuthority: z.string(),
});

const usedSchema = z.strictObject({ seconds: z.number(), cpuSeconds: z.number() });
export type Used = z.infer<typeof usedSchema>;

/** Sent by the checker's process at its end. */
export const measuredSchema = z.strictObject({
  /** Each invocation; the first is a cold start. */
  checks: z.array(usedSchema).min(2),
  /** As many bare requests, one loop before each invocation. */
  bare: z.array(usedSchema).min(2),
  /** Shows that the measured work was done. */
  rows: savedRowsSchema,
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
