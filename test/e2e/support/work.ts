import * as z from "zod";

/** What the end-to-end tests' work is told to do: to take its time, and to fail. */
const taskSchema = z.object({
  input: z.object({ ms: z.number().default(0), fails: z.string().optional() }).prefault({}),
});

/** The work between STARTED and DONE. */
export async function handler(event: unknown): Promise<void> {
  const { ms, fails } = taskSchema.parse(event).input;
  await new Promise((resolve) => setTimeout(resolve, ms));
  if (fails !== undefined) throw new Error(fails);
}
