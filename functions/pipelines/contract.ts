/** Names, schemas and limits that the pipelines module and its functions share. */
import * as z from "zod";

import { parameterNameSchema } from "../shared/aws/parameter-name";
import { environmentSchema, text, type EnvironmentVariables } from "../shared/environment";
import { parseJson } from "../shared/input";

/** No message has such a name, and DynamoDB refuses it. */
const HALF_PAIR = "has half of a surrogate pair";

/** A JSON Pointer (RFC 6901) into a message: `/customer/name`. */
const jsonPointerSchema = z
  .string()
  .regex(/^(\/([^~/]|~[01])*)+$/, 'is not a JSON Pointer such as "/jobOrderId" or "/customer/name"')
  .max(200)
  .refine((text) => text.isWellFormed(), HALF_PAIR);

const parameterSchema = parameterNameSchema("/almanac/slack/orders");

/** A header's name. */
const headerSchema = z.string().regex(/^[\w-]{1,60}$/, 'is not the name of a header such as "X-Signature"');

export const verificationSchema = z.union([
  z.enum(["github", "stripe", "slack", "standard-webhooks"]),
  z.strictObject({
    /** The header with the signature, or several with commas between. A prefix such as `sha256=` or `v1=` is ignored. */
    header: headerSchema,
    /** The hash of the HMAC. */
    algorithm: z.enum(["sha1", "sha256", "sha512"]),
    /** How the signature is written. */
    encoding: z.enum(["hex", "base64"]),
    /** What is signed. `{body}` is the body as it was sent, `{header:x-time}` the header `X-Time`. @default "{body}" */
    template: z
      .string()
      .max(200)
      .refine((template) => template.includes("{body}"), "does not sign the body: it has no {body}")
      // They would be signed as they are written: no delivery would have the signature.
      .refine(
        (template) => !/\{(?!body\}|header:[\w-]+\})[\w:.-]+\}/.test(template),
        "has other names in braces than {body} and {header:...}",
      )
      .default("{body}"),
    /** The header with the time of sending, Unix time in seconds. It must be signed, and at most five minutes away. @default none */
    timestampHeader: headerSchema.optional(),
  }),
]);
export type WebhookVerification = z.output<typeof verificationSchema>;

const webhookSchema = z
  .strictObject({
    /** Whose signature requests have: a sender's, or any HMAC. */
    verify: verificationSchema,
    /** The SSM parameter (SecureString) with the sender's secret. While it is rotated: both, one a line. */
    secret: parameterSchema,
  })
  .refine(({ verify }) => isTimeSigned(verify), {
    error: "signs no timestamp: its template has no {header:...} of timestampHeader",
    path: ["verify", "template"],
  });

/** Otherwise anybody could give an old request a new time. */
function isTimeSigned(verify: WebhookVerification): boolean {
  if (typeof verify === "string" || verify.timestampHeader === undefined) return true;
  return verify.template.toLowerCase().includes(`{header:${verify.timestampHeader.toLowerCase()}}`);
}

const labelSchema = z
  .string()
  .min(1)
  .max(60)
  // Slack refuses a text without any character that it shows, as of a value that is empty.
  .refine((label) => label.trim() !== "", "is blank")
  .refine((text) => text.isWellFormed(), HALF_PAIR);

/** Their values, of 1,024 bytes each, fit into a row beside the longest message. */
const MAX_SUMMARY_LABELS = 100;

/** Labels with their pointers, in order. Pairs, because Terraform sorts the names of an object. */
type Summary = readonly (readonly [label: string, pointer: string])[];

/** The configuration without its schema is one environment variable. Lambda allows 4 KB for all of them. */
const MAX_PIPELINE_BYTES = 2_500;

/** As Terraform's function writes it: it escapes what a browser could take for markup. */
function jsonencode(value: unknown): string {
  const escape = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, escape);
}

/** How a message is identified. It is sent along with an accepted message, so that a deployment that changes the pipeline reads it as it was accepted. */
export const pointersSchema = z.object({
  key: jsonPointerSchema,
  version: jsonPointerSchema.optional(),
  /** Since when the pipeline has these pointers. Orders versions that do not compare. */
  since: z.iso.datetime({ precision: 0 }),
});
export type Pointers = Readonly<z.output<typeof pointersSchema>>;

/** Of a pipeline whose pointers have not changed. */
export const SINCE_EVER = "1970-01-01T00:00:00Z";

const pipelineFields = z.strictObject({
  /** Points to the message's key: a string or a number. The table has one row per key. */
  key: jsonPointerSchema,
  /** Points to the message's version: a number or a time (RFC 3339). @default the time of receipt */
  version: jsonPointerSchema.optional(),
  /** Points to a value that rows are also indexed by: a customer, a status. @default none */
  groupBy: jsonPointerSchema.optional(),
  /** Values copied into the row and the Slack message, by label and in this order: `{ Customer: "/customer/name" }`. @default {} */
  summary: z
    .record(
      labelSchema.refine(
        (label) => !/^(0|[1-9]\d*)$/.test(label),
        "is a whole number, which JavaScript puts before the others",
      ),
      jsonPointerSchema,
    )
    .refine(
      (summary) => Object.keys(summary).length <= MAX_SUMMARY_LABELS,
      `has more than ${MAX_SUMMARY_LABELS} labels`,
    )
    .transform((summary): Summary => Object.entries(summary))
    .prefault({}),
  /** Values redacted in Slack. The table and the archive contain them. @default [] */
  private: z.array(jsonPointerSchema).default([]),
  /** The SSM parameter (SecureString) with the URL of a Slack webhook. @default no Slack messages */
  slack: parameterSchema.optional(),
  /** A second endpoint, for senders that sign with a secret of their own instead of AWS credentials. @default none */
  webhook: webhookSchema.optional(),
  /** A JSON Schema (2020-12). The API rejects messages that violate it. @default any object with a key */
  schema: z.record(z.string(), z.unknown()).optional(),
});
type PipelineFields = z.output<typeof pipelineFields>;

/** A pipeline's configuration without its schema, which can be long and which only the ingress function needs. */
export type Pipeline = Omit<PipelineFields, "schema">;

export const pipelineSchema = pipelineFields.refine(
  (pipeline) =>
    Buffer.byteLength(jsonencode(pipeline.schema === undefined ? pipeline : { ...pipeline, schema: undefined })) <=
    MAX_PIPELINE_BYTES,
  {
    error: `is longer than ${MAX_PIPELINE_BYTES} bytes without its schema: it must fit into Lambda's environment variables`,
    when: ({ issues }) => issues.length === 0,
  },
);

/** A caller's Terraform may pass an object, whose names it has sorted. */
const summaryVariableSchema = z
  .union([
    z.array(z.tuple([labelSchema, jsonPointerSchema])).readonly(),
    z.record(labelSchema, jsonPointerSchema).transform((summary): Summary => Object.entries(summary)),
  ])
  .default([]);

/** A pipeline in the module's variable. */
export const pipelineVariableSchema = pipelineFields.extend({ summary: summaryVariableSchema });

/** The variable PIPELINE_CONFIG. A schema in it is ignored. */
const pipelineConfigSchema = z
  .string()
  .transform((text): unknown => parseJson(text))
  .pipe(pipelineVariableSchema.omit({ schema: true }).strip());

/** Physical names contain it and are limited to 64 characters. */
const MAX_NAME_CHARACTERS = 20;

/** A pipeline's name and the last segment of its path: `jobOrder`. */
export const pipelineNameSchema = z
  .string()
  .regex(/^[a-z][A-Za-z0-9]*$/, "is not letters and digits, a lower case letter first")
  .refine(
    (name) => kebabCase(name).length <= MAX_NAME_CHARACTERS,
    `is longer than ${MAX_NAME_CHARACTERS} characters, a hyphen before each capital included`,
  );

/** `job-order`: for physical names. */
export function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `Job order`: for people. */
export function displayName(name: string): string {
  const words = kebabCase(name).replaceAll("-", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** UTF-8 bytes. SQS accepts 256 KB in all regions, DynamoDB items of 400 KB; the summary adds up to 100 KB to the item. */
export const MAX_MESSAGE_BYTES = 200 * 1024;

/** Key attributes of a pipeline's table and its indexes. */
export const ROW_KEYS = { partition: "key", day: "day", group: "group", receivedAt: "receivedAt" } as const;

/** Rows by day of receipt (UTC) and by group, each sorted by time of receipt. */
export const INDEXES = { byDay: "byDay", byGroup: "byGroup" } as const;

/** Projected into the indexes beside the keys. */
export const INDEXED_ATTRIBUTES = ["version", "summary"] as const;

/** Keys of the table of notifications that wait for Slack. A queue is a pipeline's, so that it does not matter to what webhook it is sent. */
export const NOTIFICATION_KEYS = { partition: "queue", sort: "position" } as const;

/** The key of the table of accepted webhook deliveries, and the attribute with its time to live. */
export const DELIVERY_KEYS = { partition: "delivery", expiresAt: "expiresAt" } as const;

/** The key of a pipeline's schema in the configuration bucket. */
export function schemaKey(name: string): string {
  return `schemas/${name}.json`;
}

/** SQS message attributes: numbers, but for `pointers`. Without `receivedAt`, SQS's SentTimestamp counts as the time of receipt. */
export const MESSAGE_ATTRIBUTES = {
  /** First receipt by the API, epoch milliseconds. */
  receivedAt: "receivedAt",
  /** 1: replayed from this environment's own archive, so it is not archived again. */
  archived: "archived",
  /** 1: replayed without notifications. */
  quiet: "quiet",
  /** {@link pointersSchema} as JSON. Without it, the message is read by the pipeline's current pointers. */
  pointers: "pointers",
} as const;

/** ajv's options, the same at synth and in the ingress function: unknown keywords are errors, formats are annotations. */
export const SCHEMA_OPTIONS = {
  strict: true,
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  validateFormats: false,
  logger: false,
} as const;

/** The answer to an accepted message. */
export const acceptedSchema = z.strictObject({
  /** Of SQS. */
  messageId: z.string().optional(),
  key: z.string(),
  version: z.string(),
});
export type AcceptedMessage = Readonly<z.output<typeof acceptedSchema>>;

/** The answer to a webhook delivery that was accepted before. */
export const repeatedSchema = z.strictObject({ repeated: z.literal(true) });

/** The answer to Slack's verification of a webhook's URL. */
export const challengeAnswerSchema = z.strictObject({ challenge: z.string() });

/** Invokes the send function for one webhook. Without `webhook`, as from its schedule: for all of them. */
export const sendRequestSchema = z.object({ webhook: z.string().optional() });

/** When the pipeline's pointers were last changed. */
const pointersSince = pointersSchema.shape.since.default(SINCE_EVER);

/** A pipeline's API endpoint. */
export const ingressEnvironment = environmentSchema({
  PIPELINE_NAME: text,
  PIPELINE_CONFIG: pipelineConfigSchema,
  QUEUE_URL: text,
  POINTERS_SINCE: pointersSince,
  /** The bucket with the schema. */
  SCHEMA_BUCKET: text.optional(),
});
export type IngressEnvironment = EnvironmentVariables<typeof ingressEnvironment>;

/** A pipeline's webhook endpoint. */
export const webhookEnvironment = environmentSchema({
  ...ingressEnvironment.variables,
  /** The name of an SSM parameter. */
  WEBHOOK_SECRET: text,
  DELIVERIES_TABLE: text,
});
export type WebhookEnvironment = EnvironmentVariables<typeof webhookEnvironment>;

/** Stores and archives a pipeline's messages. */
export const ingestEnvironment = environmentSchema({
  PIPELINE_NAME: text,
  PIPELINE_CONFIG: pipelineConfigSchema,
  POINTERS_SINCE: pointersSince,
  PIPELINE_TABLE: text,
  ARCHIVE_BUCKET: text,
});
export type IngestEnvironment = EnvironmentVariables<typeof ingestEnvironment>;

/** Queues a notification for each change in the table's stream. */
export const notifyEnvironment = environmentSchema({
  PIPELINE_NAME: text,
  PIPELINE_CONFIG: pipelineConfigSchema,
  NOTIFICATIONS_TABLE: text,
  SEND_FUNCTION: text,
  /** ISO 8601: changes before it are not notified. @default notify all that the stream has */
  NOTIFY_FROM: z.iso.datetime().optional(),
});
export type NotifyEnvironment = EnvironmentVariables<typeof notifyEnvironment>;

/** Sends queued notifications to Slack. */
export const sendEnvironment = environmentSchema({
  NOTIFICATIONS_TABLE: text,
  /** The SSM parameter of each pipeline, or nothing for a pipeline without Slack: `jobOrder=/almanac/slack/orders,invoice=`. */
  SLACK_PARAMETERS: text.transform((pairs) =>
    pairs.split(",").map((pair) => {
      const [pipeline = "", webhook = ""] = pair.split("=");
      return { pipeline, webhook };
    }),
  ),
});
export type SendEnvironment = EnvironmentVariables<typeof sendEnvironment>;
