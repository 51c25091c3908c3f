/** Rules of the review: EventBridge. */
import { fieldsOf, type Fields } from "../../shared/fields";
import { another, gone, isSet, lowered, type Rule } from "./rule";

export const EVENTBRIDGE_RULES: readonly Rule[] = [
  {
    type: "aws_cloudwatch_event_rule",
    path: /^(is_enabled|state)$/,
    verdict: "data",
    what: "no longer starts anything",
    if: (_, after) => after === false || after === "DISABLED",
  },
  {
    type: "aws_cloudwatch_event_rule",
    path: /^(schedule_expression|event_pattern)/,
    verdict: "data",
    severity: "warn",
    what: "starts at other times, or for other events",
    if: (_, __, created) => !created,
  },
  {
    type: "aws_cloudwatch_event_target",
    path: /^dead_letter_config\.\d+\.arn$/,
    verdict: "data",
    what: "loses events that cannot be delivered",
    if: gone,
  },
  {
    type: "aws_cloudwatch_event_target",
    path: /^dead_letter_config\.\d+\.arn$/,
    verdict: "data",
    severity: "warn",
    what: "sends what fails to another queue",
    if: another,
  },
  {
    type: "aws_cloudwatch_event_target",
    path: /^retry_policy\.\d+\./,
    verdict: "data",
    severity: "warn",
    what: "is retried less",
    // The provider sends 0 for the other number of a block that stays.
    if: (before, after, created, { retry_policy: block }) =>
      lowered(before, after, created) ||
      (!created && isSet(before) && after === undefined && [block ?? []].flat().length > 0),
  },
  {
    type: "aws_cloudwatch_event_target",
    path: /^(input|input_path|input_transformer)(\.|$)/,
    verdict: "data",
    severity: "warn",
    what: "receives EventBridge's own event: its input is gone",
    if: (_, __, created, resource, former) => {
      const hasInput = (target: Fields) =>
        ["input", "input_path"].some((name) => isSet(target[name] ?? undefined)) ||
        [target["input_transformer"] ?? []].flat().some((each) => isSet(fieldsOf(each)["input_template"] ?? undefined));
      return !created && hasInput(former) && !hasInput(resource);
    },
  },
  {
    type: "aws_cloudwatch_event_target",
    path: /^input(\.|$)/,
    verdict: "data",
    severity: "warn",
    what: "receives another input",
    if: (_, __, created) => !created,
  },
];
