import * as z from "zod";

/** `ms`: duration; `fails`: error message. */
const taskSchema = z.object({
  input: z.object({ ms: z.number().default(0), fails: z.string().optional() }).prefault({}),
});

export async function handler(event: unknown): Promise<void> {
  const { ms, fails } = taskSchema.parse(event).input;
  await new Promise((resolve) => setTimeout(resolve, ms));
  if (fails !== undefined) throw new Error(fails);
}
