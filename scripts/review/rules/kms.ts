/** Rules of the review: KMS. */
import { lower, loweredOr, turnedOff, turnedOn, type Rule } from "./rule";

export const KMS_RULES: readonly Rule[] = [
  {
    type: "aws_kms_key",
    path: /^is_enabled$/,
    verdict: "data",
    what: "is disabled: nothing encrypted with it can be read",
    if: (before, after) => before !== false && after === false,
  },
  {
    type: "aws_kms_key",
    path: /^enable_key_rotation$/,
    verdict: "exposure",
    what: "is no longer rotated",
    if: turnedOff,
  },
  {
    type: "aws_kms_key",
    path: /^rotation_period_in_days$/,
    verdict: "exposure",
    severity: "warn",
    what: "is rotated less often",
    if: (before, after) => before !== undefined && after !== undefined && lower(after, before),
  },
  {
    type: "aws_kms_key",
    path: /^deletion_window_in_days$/,
    verdict: "data",
    severity: "warn",
    what: "can be restored for fewer days after a deletion",
    if: loweredOr(30),
  },
  {
    type: "aws_kms_key",
    path: /^bypass_policy_lockout_safety_check$/,
    verdict: "exposure",
    what: "may lock out its administrators",
    if: turnedOn,
  },
];
