/** An example of a schedule's function: logs one line each minute. */
import { onSchedule } from "../schedules/on-schedule";

/** The minute of each hour in which it fails on purpose, so that a failed run can be seen. */
const FAILING_MINUTE = 30;

/** An example of a schedule's function: counts the minutes of the day. */
export const handler = onSchedule(({ scheduledAt }, { logger }) => {
  const minute = scheduledAt.getUTCHours() * 60 + scheduledAt.getUTCMinutes();
  if (minute % 60 === FAILING_MINUTE) throw new Error(`fails on purpose in minute ${FAILING_MINUTE} of each hour`);
  logger.info("counted", { minute });
  return { minute };
});
