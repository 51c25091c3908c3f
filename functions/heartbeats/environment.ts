import type * as z from "zod";

import { environmentParser, positiveInteger, text } from "../shared/environment";
import type { CheckEnvironment } from "./contract";

/** What the module gives the checker, parsed. */
export const parseCheckEnvironment = environmentParser({
  HEARTBEATS_TABLE: text,
  TARGETS_BUCKET: text,
  TELEMETRY_DAYS: positiveInteger,
} satisfies Record<keyof CheckEnvironment, z.ZodType>);
