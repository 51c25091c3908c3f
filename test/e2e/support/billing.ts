/** The callback "billing" of the tests' timers, which does what the data of a timer says. */
import * as z from "zod";
import { onTimer } from "../../../functions/timers/on-timer";

/** `bank`: a server of the test, which answers when the callback shall end: 200, or a failure. @default none: succeeds at once */
const dataSchema = z.object({ bank: z.string().optional() }).prefault({});

export const handler = onTimer(async ({ data }) => {
  const { bank } = dataSchema.parse(data);
  if (bank !== undefined && !(await fetch(bank)).ok) throw new Error("the bank is closed");
});
