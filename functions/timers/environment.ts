import type * as z from "zod";

import { environmentParser, positiveInteger, text } from "../shared/environment";
import type { ApiEnvironment, CallbackEnvironment, DispatchEnvironment, RecordFireEnvironment } from "./contract";

/** What the module gives the dispatcher, parsed. */
export const parseDispatchEnvironment = environmentParser({
  TIMERS_TABLE: text,
  FIRES_QUEUE: text,
  SHARDS: positiveInteger,
} satisfies Record<keyof DispatchEnvironment, z.ZodType>);

/** What the module gives the REST API's function, parsed. */
export const parseApiEnvironment = environmentParser({
  TIMERS_TABLE: text,
  FIRES_QUEUE: text,
  SHARDS: positiveInteger,
} satisfies Record<keyof ApiEnvironment, z.ZodType>);

/** What the module gives every callback, parsed. */
export const parseCallbackEnvironment = environmentParser({
  TIMERS_TABLE: text,
  FIRES_QUEUE: text,
} satisfies Record<keyof CallbackEnvironment, z.ZodType>);

/** What the module gives the shipped callback, parsed. */
export const parseRecordFireEnvironment = environmentParser({
  TIMERS_TABLE: text,
  FIRES_QUEUE: text,
  RECORDED_FIRES_TABLE: text,
} satisfies Record<keyof RecordFireEnvironment, z.ZodType>);
