/** The handler of the default callback: logs each fire. */
import { onTimer } from "./on-timer";

/** The default callback: logs each fire. The history records it. */
export const handler = onTimer(({ fireId }, { logger }) => {
  logger.info("fired", { fireId });
});
