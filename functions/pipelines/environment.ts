import type * as z from "zod";

import { environmentParser, text } from "../shared/environment";
import {
  channelVariableSchema,
  type DoorEnvironment,
  type DrainEnvironment,
  type IngestEnvironment,
  type NotifyEnvironment,
} from "./contract";

/** What the module gives a channel's door, parsed. */
export const parseDoorEnvironment = environmentParser({
  CHANNEL_NAME: text,
  CHANNEL: channelVariableSchema,
  QUEUE_URL: text,
  SCHEMA_BUCKET: text.optional(),
} satisfies Record<keyof DoorEnvironment, z.ZodType>);

/** What the module gives a channel's ingest function, parsed. */
export const parseIngestEnvironment = environmentParser({
  CHANNEL_NAME: text,
  CHANNEL: channelVariableSchema,
  CHANNEL_TABLE: text,
  ARCHIVE_BUCKET: text,
} satisfies Record<keyof IngestEnvironment, z.ZodType>);

/** What the module gives the reader of a channel's stream, parsed. */
export const parseNotifyEnvironment = environmentParser({
  CHANNEL_NAME: text,
  CHANNEL: channelVariableSchema,
  NOTICES_TABLE: text,
  DRAIN_FUNCTION: text,
} satisfies Record<keyof NotifyEnvironment, z.ZodType>);

/** What the module gives the drain, parsed. */
export const parseDrainEnvironment = environmentParser({
  NOTICES_TABLE: text,
  SLACK_PARAMETERS: text.transform((names) => names.split(",")),
} satisfies Record<keyof DrainEnvironment, z.ZodType>);
