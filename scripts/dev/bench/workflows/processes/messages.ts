/** Messages between the processes of the workflows' benchmark. */
import * as z from "zod";

/** Sent by the stub when it listens. */
export const stubReadySchema = z.object({ endpoint: z.string() });

/** The starter's measurements. CPU time is user and system time of its process. */
export const measuredSchema = z.object({ starts: z.number(), seconds: z.number(), cpuSeconds: z.number() });
export type Measured = z.output<typeof measuredSchema>;
