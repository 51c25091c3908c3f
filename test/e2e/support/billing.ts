/** The callback "billing" of the tests' timers, which does what the data of a timer says. */
import * as z from "zod";
import { onTimer } from "../../../functions/timers/on-timer";

/** `ms`: duration; `failsUntil`: epoch milliseconds. */
const dataSchema = z.object({ ms: z.number().default(0), failsUntil: z.number().default(0) });

export const handler = onTimer(async ({ data }) => {
  const { ms, failsUntil } = dataSchema.parse(data);
  await new Promise((resolve) => setTimeout(resolve, ms));
  if (Date.now() < failsUntil) throw new Error("the bank is closed");
});
