/** Rules of the review: SQS. */
import type { Fields } from "../../shared/fields";
import { another, gone, isSet, lower, loweredOr, type Rule } from "./rule";

/** More receives than a transient error takes. */
const MOST_RECEIVES = 100;

/** How often a message is received at most, until it is deleted. */
const receivesOf = (queue: Fields) =>
  Number(queue["message_retention_seconds"] ?? 345_600) /
  Math.max(1, Number(queue["visibility_timeout_seconds"] ?? 30));

export const SQS_RULES: readonly Rule[] = [
  {
    type: "aws_sqs_queue",
    path: /^message_retention_seconds$/,
    verdict: "data",
    what: "deletes its messages earlier",
    if: (before, after, created) => !created && lower(before, after),
  },
  {
    type: "aws_sqs_queue",
    path: /^redrive_policy\.(deadLetterTargetArn|maxReceiveCount)$/,
    verdict: "data",
    what: "deletes messages that cannot be processed: it has no dead-letter queue",
    if: gone,
  },
  {
    type: "aws_sqs_queue",
    path: /^redrive_policy\.maxReceiveCount$/,
    verdict: "data",
    severity: "warn",
    what: "gives up on messages earlier",
    if: (before, after, created) => !created && lower(before, after),
  },
  {
    type: "aws_sqs_queue",
    path: /^redrive_policy\.maxReceiveCount$/,
    verdict: "data",
    what: "retries messages that cannot be processed for so long that none reaches its dead-letter queue in time",
    if: (_, after, created, queue) => !created && Number(after) > Math.min(MOST_RECEIVES, receivesOf(queue)),
  },
  {
    type: "aws_sqs_queue",
    path: /^redrive_policy\.maxReceiveCount$/,
    verdict: "data",
    severity: "warn",
    what: "gives up on messages later: its dead-letter queue alarms later",
    if: (before, after, created) => !created && isSet(before) && lower(after, before),
  },
  {
    type: "aws_sqs_queue",
    path: /^delay_seconds$/,
    verdict: "data",
    severity: "warn",
    what: "delivers its messages later",
    if: (before, after, created) => !created && lower(after, before),
  },
  {
    type: "aws_sqs_queue",
    path: /^redrive_policy\.deadLetterTargetArn$/,
    verdict: "data",
    severity: "warn",
    what: "sends what fails to another queue",
    if: another,
  },
  {
    type: "aws_sqs_queue",
    path: /^max_message_size$/,
    verdict: "data",
    severity: "warn",
    what: "refuses messages that it has accepted",
    if: (before, after, created) => !created && lower(before, after),
  },
  {
    type: "aws_sqs_queue",
    path: /^sqs_managed_sse_enabled$/,
    verdict: "exposure",
    what: "is not encrypted",
    if: (_, after, __, { kms_master_key_id: key }) => after === false && !isSet(key ?? undefined),
  },
  {
    type: "aws_sqs_queue",
    path: /^kms_master_key_id$/,
    verdict: "exposure",
    what: "is encrypted with another key",
    if: (before, _, created) => !created && before !== undefined && before !== "",
  },
  {
    type: "aws_sqs_queue",
    path: /^visibility_timeout_seconds$/,
    verdict: "data",
    severity: "warn",
    what: "delivers a message again while it is still being processed, if that takes longer",
    if: loweredOr(30),
  },
];
