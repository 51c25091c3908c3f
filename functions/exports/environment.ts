import type * as z from "zod";

import { environmentParser, text } from "../shared/environment";
import type {
  ClaimEnvironment,
  FailEnvironment,
  FinishEnvironment,
  ReadEnvironment,
  RunEnvironment,
  StartEnvironment,
} from "./contract";

/** What the module gives the door for jobs, parsed. */
export const parseStartEnvironment = environmentParser({
  CONFIGURATION_BUCKET: text,
  MACHINE: text,
} satisfies Record<keyof StartEnvironment, z.ZodType>);

/** What the module gives what schedules and people call, parsed. */
export const parseRunEnvironment = environmentParser({
  CONFIGURATION_BUCKET: text,
  MACHINE: text,
  EXECUTIONS: text,
} satisfies Record<keyof RunEnvironment, z.ZodType>);

/** What the module gives the claimer, parsed. */
export const parseClaimEnvironment = environmentParser({
  STATE_TABLE: text,
  TABLES: text,
  CONFIGURATION_BUCKET: text,
  EXPORTS_BUCKET: text,
  EXECUTIONS: text,
} satisfies Record<keyof ClaimEnvironment, z.ZodType>);

/** What the module gives the workers, parsed. */
export const parseReadEnvironment = environmentParser({
  STATE_TABLE: text,
  BUCKETS: text,
  TABLES: text,
  JOB_ROLES: text.optional(),
  KEYS: text.optional(),
} satisfies Record<keyof ReadEnvironment, z.ZodType>);

/** What the module gives the finisher, parsed. */
export const parseFinishEnvironment = environmentParser({
  STATE_TABLE: text,
  BUCKETS: text,
  KEYS: text.optional(),
} satisfies Record<keyof FinishEnvironment, z.ZodType>);

/** What the module gives the recorder of failures, parsed. */
export const parseFailEnvironment = environmentParser({
  STATE_TABLE: text,
} satisfies Record<keyof FailEnvironment, z.ZodType>);
