/** Rules of the review: CloudWatch and X-Ray: logs, alarms, traces. */
import type { Fields } from "../../shared/fields";
import { isSet, lower, type Rule } from "./rule";

/** Ten times as much as a threshold, period or count was: no adjustment. */
const isFarAbove = (before: unknown, after: unknown) => Number(after) >= 10 * Math.max(1, Math.abs(Number(before)));

const isFarBelow = (before: unknown, after: unknown) => Number(after) <= Number(before) / 10;

const isUpward = (operator: unknown) => String(operator).startsWith("Greater");

const isOfOneSide = (operator: unknown) => /^(Greater|Less)Than(OrEqualTo)?Threshold$/.test(String(operator));

/** Whether an alarm's threshold is so far away that what alarmed before does not alarm. */
function isOutOfReach(before: unknown, after: unknown, { comparison_operator: operator }: Fields): boolean {
  if (typeof before !== "number" || typeof after !== "number") return false;
  return isUpward(operator) ? after > before && isFarAbove(before, after) : after < before && isFarBelow(before, after);
}

export const CLOUDWATCH_RULES: readonly Rule[] = [
  // Logs
  {
    type: "aws_cloudwatch_log_group",
    path: /^retention_in_days$/,
    verdict: "data",
    what: "deletes its logs earlier",
    if: (before, after, created) =>
      !created && Number(after ?? 0) > 0 && (Number(before ?? 0) === 0 || lower(before, after)),
  },
  { type: "aws_cloudwatch_log_group", path: /^skip_destroy$/, verdict: "data", what: "", if: () => false },
  {
    type: "aws_cloudwatch_log_group",
    path: /^kms_key_id$/,
    verdict: "exposure",
    what: "is encrypted with another key",
    if: (before, _, created) => !created && before !== undefined && before !== "",
  },
  // Alarms
  {
    type: "aws_cloudwatch_metric_alarm",
    path: /^actions_enabled$/,
    verdict: "exposure",
    what: "no longer notifies anybody",
    if: (_, after) => after === false,
  },
  ...["alarm_actions", "ok_actions", "insufficient_data_actions"].map((attribute): Rule => ({
    type: "aws_cloudwatch_metric_alarm",
    path: new RegExp(`^${attribute}\\.\\d+$`),
    verdict: "exposure",
    what: "no longer notifies the same topic",
    // A new one may have moved it to another position.
    if: (before, _, __, resource) => before !== undefined && ![resource[attribute]].flat().includes(before),
  })),
  {
    type: "aws_cloudwatch_metric_alarm",
    path: /^alarm_name$/,
    verdict: "exposure",
    what: "notifies no topic",
    if: (_, __, created, { alarm_actions: topics }) => created && ![topics ?? []].flat().some(isSet),
  },
  {
    type: "aws_cloudwatch_metric_alarm",
    path: /^threshold$/,
    verdict: "exposure",
    what: "no longer alarms at what it alarmed at",
    if: (before, after, created, alarm) => !created && isOutOfReach(before, after, alarm),
  },
  {
    type: "aws_cloudwatch_metric_alarm",
    path: /^comparison_operator$/,
    verdict: "exposure",
    what: "no longer alarms at what it alarmed at",
    if: (before, after, created) =>
      !created && isOfOneSide(before) && isOfOneSide(after) && isUpward(before) !== isUpward(after),
  },
  {
    type: "aws_cloudwatch_metric_alarm",
    path: /^(evaluation_periods|datapoints_to_alarm|period|metric_query\.\d+\.metric\.\d+\.period)$/,
    verdict: "exposure",
    what: "alarms after ten times as long, or longer",
    if: (before, after, created) => !created && isSet(before) && isFarAbove(before, after),
  },
  {
    type: "aws_cloudwatch_metric_alarm",
    path: /^treat_missing_data$/,
    verdict: "exposure",
    what: "no longer alarms when its metric stops",
    if: (before, after, created) => !created && before === "breaching" && after !== before,
  },
  {
    type: "aws_cloudwatch_metric_alarm",
    path: /^(?!alarm_(description|name)|tags)\w+(\.|$)/,
    verdict: "exposure",
    severity: "warn",
    what: "alarms in other cases",
    if: (_, __, created) => !created,
  },
  // Tracing
  ...["aws_lambda_function", "aws_sfn_state_machine", "aws_api_gateway_stage"].map((type): Rule => ({
    type,
    path: /^(tracing_config\.\d+\.mode|tracing_configuration\.\d+\.enabled|xray_tracing_enabled)$/,
    verdict: "exposure",
    severity: "warn",
    what: "is no longer traced",
    if: (before, after) => (before === "Active" || before === true) && after !== before,
  })),
];
