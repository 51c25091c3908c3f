/** The work of the tests' workflow. */
import * as z from "zod";

/** `ms`: duration; `fails`: error message; `characters`: length of the result. */
const taskSchema = z.object({
  input: z
    .object({ ms: z.number().default(0), fails: z.string().optional(), characters: z.number().default(0) })
    .prefault({}),
});

export async function handler(event: unknown): Promise<string> {
  const { ms, fails, characters } = taskSchema.parse(event).input;
  await new Promise((resolve) => setTimeout(resolve, ms));
  if (fails !== undefined) throw new Error(fails);
  return "x".repeat(characters);
}
