/** Rules of the review: SNS. */
import type { Rule } from "./rule";

const isOf = (value: unknown) => (_: unknown, after: unknown) => after === value;

export const SNS_RULES: readonly Rule[] = [
  {
    type: "aws_sns_topic",
    path: /^kms_master_key_id$/,
    verdict: "exposure",
    what: "is no longer encrypted with the same key",
    if: (before, after, created) =>
      (!created && before !== undefined && before !== "") || (created && after === undefined),
  },
  {
    type: "aws_sns_topic_subscription",
    path: /^protocol$/,
    verdict: "exposure",
    what: "sends notifications over plain HTTP",
    if: isOf("http"),
  },
  {
    type: "aws_sns_topic_subscription",
    path: /^raw_message_delivery$/,
    verdict: "identity",
    severity: "warn",
    what: "receives messages in another form",
    if: (before, after, created) => !created && before !== after,
  },
];
