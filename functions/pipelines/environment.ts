import type * as z from "zod";

import { environmentParser, text } from "../shared/environment";
import {
  pipelineVariableSchema,
  type DoorEnvironment,
  type DrainEnvironment,
  type IngestEnvironment,
  type NotifyEnvironment,
} from "./contract";

/** What the module gives a pipeline's door, parsed. */
export const parseDoorEnvironment = environmentParser({
  PIPELINE_NAME: text,
  PIPELINE: pipelineVariableSchema,
  QUEUE_URL: text,
  SCHEMA_BUCKET: text.optional(),
} satisfies Record<keyof DoorEnvironment, z.ZodType>);

/** What the module gives a pipeline's ingest function, parsed. */
export const parseIngestEnvironment = environmentParser({
  PIPELINE_NAME: text,
  PIPELINE: pipelineVariableSchema,
  PIPELINE_TABLE: text,
  ARCHIVE_BUCKET: text,
} satisfies Record<keyof IngestEnvironment, z.ZodType>);

/** What the module gives the reader of a pipeline's stream, parsed. */
export const parseNotifyEnvironment = environmentParser({
  PIPELINE_NAME: text,
  PIPELINE: pipelineVariableSchema,
  NOTICES_TABLE: text,
  DRAIN_FUNCTION: text,
} satisfies Record<keyof NotifyEnvironment, z.ZodType>);

/** What the module gives the drain, parsed. */
export const parseDrainEnvironment = environmentParser({
  NOTICES_TABLE: text,
  SLACK_PARAMETERS: text.transform((names) => names.split(",")),
} satisfies Record<keyof DrainEnvironment, z.ZodType>);
