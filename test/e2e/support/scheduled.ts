/** The function of a schedule of the tests. */
import * as z from "zod";
import { onSchedule } from "../../../functions/schedules/on-schedule";

/** `ms`: duration, whatever the signal says; `fails`: error message. */
const inputSchema = z.object({ ms: z.number().default(0), fails: z.string().optional() }).prefault({});

export const handler = onSchedule(async ({ input, attempt }, { secret }) => {
  const { ms, fails } = inputSchema.parse(input);
  await new Promise((resolve) => setTimeout(resolve, ms));
  if (fails !== undefined) throw new Error(fails);
  return { attempt, secretCharacters: (await secret("KEY")).length };
});
