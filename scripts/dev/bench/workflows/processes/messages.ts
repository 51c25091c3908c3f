import * as z from "zod";

/** What the stub tells when it listens. */
export const stubReadySchema = z.object({ endpoint: z.string() });

/** What the starter measured. CPU is its own, user and system. */
export const measuredSchema = z.object({ starts: z.number(), seconds: z.number(), cpuSeconds: z.number() });
export type Measured = z.output<typeof measuredSchema>;
