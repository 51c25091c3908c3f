import type * as z from "zod";

import { environmentParser, positiveInteger, text } from "../shared/environment";
import type { CheckEnvironment, PublishEnvironment, HeartbeatApiEnvironment } from "./contract";

/** What the module gives the checker, parsed. */
export const parseCheckEnvironment = environmentParser({
  HEARTBEATS_TABLE: text,
  STATE_TABLE: text,
  TARGETS_BUCKET: text,
  TELEMETRY_DAYS: positiveInteger,
  INTERVAL_MINUTES: positiveInteger,
  PUBLISH_FUNCTION: text,
  NOTIFICATION_TOPIC: text,
  SLACK_WEBHOOK_PARAMETER: text.optional(),
  SECRETS_KEPT_SECONDS: positiveInteger.optional(),
} satisfies Record<keyof CheckEnvironment, z.ZodType>);

/** What the module gives the door for push heartbeats, parsed. */
export const parseReportInEnvironment = environmentParser({
  STATE_TABLE: text,
  WATCH_BUCKET: text,
} satisfies Record<keyof HeartbeatApiEnvironment, z.ZodType>);

/** What the module gives the publisher, parsed. */
export const parsePublishEnvironment = environmentParser({
  STATE_TABLE: text,
  TARGETS_BUCKET: text,
  STATUS_BUCKET: text,
  INTERVAL_MINUTES: positiveInteger,
} satisfies Record<keyof PublishEnvironment, z.ZodType>);
