import type * as z from "zod";

import { environmentParser, positiveInteger, text } from "../shared/environment";
import type { ReconcileEnvironment, StartEnvironment, SweepEnvironment, TasksEnvironment } from "./contract";

const start = { TASK_MACHINE: text, TASK_EXECUTIONS: text };
const rows = { TASKS_TABLE: text, KEEP_DAYS: positiveInteger };
const wholeNumber = text.regex(/^\d{1,9}$/, "is not a whole number").transform(Number);

/** What the module gives the function that starts tasks, parsed. */
export const parseStartEnvironment = environmentParser(start satisfies Record<keyof StartEnvironment, z.ZodType>);

/** What the module gives the API's function, parsed. */
export const parseTasksEnvironment = environmentParser({
  ...start,
  ...rows,
} satisfies Record<keyof TasksEnvironment, z.ZodType>);

/** What the module gives the function that hears of ended executions, parsed. */
export const parseReconcileEnvironment = environmentParser({
  ...rows,
  TASK_EXECUTIONS: text,
} satisfies Record<keyof ReconcileEnvironment, z.ZodType>);

/** What the module gives the sweep, parsed. */
export const parseSweepEnvironment = environmentParser({
  ...start,
  ...rows,
  GRACE_SECONDS: wholeNumber,
  TIME_LIMIT_SECONDS: positiveInteger,
} satisfies Record<keyof SweepEnvironment, z.ZodType>);
