/** Loads a workflow's definition, a TypeScript file of the user's, when the stack is synthesized. */
import { createRequire } from "node:module";
import { resolve } from "node:path";
import * as z from "zod";
import { parseConfig } from "../constructs/config";
import type { WorkflowDefinition } from "./define-workflow";
import { functionSchema } from "./schema";

/** Names in physical names of at most 64 characters. */
const functionNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9]{0,14}$/, "is not 1 to 15 lower case letters and digits, a letter first")
  .refine((name) => !RESERVED_NAMES.includes(name), "is the name of a part of the workflow");

/** Ids of a workflow's own constructs. */
const RESERVED_NAMES = ["api", "ended", "machine", "reconcile", "results", "start", "sweep", "table", "work"];

const definitionSchema = z.strictObject({
  functions: z.record(functionNameSchema, functionSchema).default({}),
  machine: z.custom<WorkflowDefinition["machine"]>((value) => typeof value === "function", "is not a function"),
  permissions: z
    .array(z.strictObject({ actions: z.array(z.string()).min(1), resources: z.array(z.string()).min(1) }))
    .default([]),
});

const fileSchema = z.looseObject({ workflow: definitionSchema });

/** @throws {@link ConfigurationError} when the file does not export a `workflow` */
export function loadDefinition(file: string): z.output<typeof definitionSchema> {
  const loaded: unknown = createRequire(resolve("main.ts"))(resolve(file));
  return parseConfig(fileSchema, loaded, file).workflow;
}
