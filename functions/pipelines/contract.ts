/** What the pipelines' module and its functions share. */
import * as z from "zod";

import { environmentSchema, text, type EnvironmentVariables } from "../shared/environment";

/** A JSON Pointer (RFC 6901) to something inside a message: `/customer/name`. */
const pointerSchema = z
  .string()
  .regex(/^(\/([^~/]|~[01])*)+$/, 'is not a JSON Pointer such as "/jobOrderId" or "/customer/name"')
  .max(200);

/** The name of an SSM parameter, with its leading slash. */
const parameterSchema = z
  .string()
  .regex(/^(\/[\w.-]+)+$/, 'is not the name of a parameter such as "/almanac/slack/orders"');

/** All but the schema stands in one environment variable, and Lambda takes 4 KB of them. */
const LONGEST_CHANNEL = 2_500;

const channelFields = z.strictObject({
  /** Where a message says what it is about: a string or a number. One row for each. */
  key: pointerSchema,
  /** Where it says which version this is: a whole number, or a time. @default when the door received it */
  version: pointerSchema.optional(),
  /** What rows can also be found by: a customer, a state. @default nothing */
  groupBy: pointerSchema.optional(),
  /** What is lifted out of a message into its row and its Slack message, by label: `{ Customer: "/customer/name" }`. @default nothing */
  summary: z.record(z.string().min(1).max(60), pointerSchema).default({}),
  /** What Slack must not see; the table and the archive keep it. @default nothing */
  private: z.array(pointerSchema).default([]),
  /** The SSM parameter (a SecureString) that holds the URL of a Slack webhook. @default nobody is told */
  slack: parameterSchema.optional(),
  /** A JSON Schema (2020-12): the door refuses what violates it. @default any object with its key */
  schema: z.record(z.string(), z.unknown()).optional(),
});
type ChannelFields = z.output<typeof channelFields>;

/** A channel's configuration but for its schema, which may be long and is the door's business alone. */
export type Channel = Omit<ChannelFields, "schema">;

export const channelSchema = channelFields.refine(
  (channel) =>
    JSON.stringify(channel.schema === undefined ? channel : { ...channel, schema: undefined }).length <=
    LONGEST_CHANNEL,
  {
    error: `is longer than ${LONGEST_CHANNEL} characters without its schema: it has to fit into Lambda's environment variables`,
    when: ({ issues }) => issues.length === 0,
  },
);

/** What a function finds in its variable CHANNEL. The schema may be there too, and is not looked at. */
export const channelVariableSchema = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(channelFields.omit({ schema: true }).strip());

/** Names of resources have to hold it, with the longest role, in 64 characters. */
const LONGEST_NAME = 20;

/** A channel's name, as its endpoint ends: `jobOrder`. */
export const channelNameSchema = z
  .string()
  .regex(/^[a-z][A-Za-z0-9]*$/, "is not letters and digits, a lower case letter first")
  .refine(
    (name) => kebab(name).length <= LONGEST_NAME,
    `is longer than ${LONGEST_NAME} characters, a hyphen before each capital included`,
  );

/** `job-order`: as names of resources have it. */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `Job order`: as people read it. */
export function titleOf(name: string): string {
  const words = kebab(name).replaceAll("-", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/**
 * The longest message, in bytes of UTF-8. SQS takes 256 KB in all regions, and DynamoDB rows of 400 KB; what is lifted out of the
 * message stands in its row a second time.
 */
export const MAX_MESSAGE_BYTES = 200 * 1024;

/** The attributes of a channel's table that are keys of it or of its indexes. */
export const ROW_KEYS = { partition: "key", day: "day", group: "group", receivedAt: "receivedAt" } as const;

/** Rows by the day (UTC) that the door received them, and by what `groupBy` points to; each by time. */
export const INDEXES = { byDay: "byDay", byGroup: "byGroup" } as const;

/** What the indexes have beside their keys: enough for a list. */
export const INDEXED_ATTRIBUTES = ["version", "summary"] as const;

/** The table of notices that wait for Slack. */
export const NOTICE_KEYS = { partition: "webhook", sort: "notice" } as const;

/** Where a channel's schema lies in the configuration bucket. */
export function schemaKey(name: string): string {
  return `schemas/${name}.json`;
}

/** Attributes of a message in the queue. Both are numbers; without them a message counts as received when SQS got it. */
export const MESSAGE_ATTRIBUTES = {
  /** When the door received it first, epoch milliseconds. */
  receivedAt: "receivedAt",
  /** 1: it comes from the archive of this very environment, which need not keep it again. */
  archived: "archived",
} as const;

/** How ajv reads a schema, at synth and at the door alike: a keyword that is none is an error, formats are remarks. */
export const SCHEMA_OPTIONS = {
  strict: true,
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  validateFormats: false,
  logger: false,
} as const;

/** What the drain is asked by those who have new notices; a schedule asks for all webhooks. */
export const drainRequestSchema = z.object({ webhook: z.string().optional() });

/** A channel's HTTP endpoint. */
export const doorEnvironment = environmentSchema({
  CHANNEL_NAME: text,
  CHANNEL: channelVariableSchema,
  QUEUE_URL: text,
  /** The bucket that holds the schema. */
  SCHEMA_BUCKET: text.optional(),
});
export type DoorEnvironment = EnvironmentVariables<typeof doorEnvironment>;

/** Stores and archives a channel's messages. */
export const ingestEnvironment = environmentSchema({
  CHANNEL_NAME: text,
  CHANNEL: channelVariableSchema,
  CHANNEL_TABLE: text,
  ARCHIVE_BUCKET: text,
});
export type IngestEnvironment = EnvironmentVariables<typeof ingestEnvironment>;

/** Reads the table's stream. */
export const notifyEnvironment = environmentSchema({
  CHANNEL_NAME: text,
  CHANNEL: channelVariableSchema,
  NOTICES_TABLE: text,
  DRAIN_FUNCTION: text,
});
export type NotifyEnvironment = EnvironmentVariables<typeof notifyEnvironment>;

/** Sends to Slack. */
export const drainEnvironment = environmentSchema({
  NOTICES_TABLE: text,
  /** Names of SSM parameters, separated by commas. */
  SLACK_PARAMETERS: text.transform((names) => names.split(",")),
});
export type DrainEnvironment = EnvironmentVariables<typeof drainEnvironment>;
