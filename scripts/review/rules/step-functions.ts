/** Rules of the review: Step Functions. */
import { another, turnedOn, type Rule } from "./rule";

export const STEP_FUNCTIONS_RULES: readonly Rule[] = [
  {
    type: "aws_sfn_state_machine",
    path: /^role_arn$/,
    verdict: "exposure",
    severity: "warn",
    what: "has the permissions of another role",
    if: another,
  },
  {
    type: "aws_sfn_state_machine",
    path: /^logging_configuration\.\d+\.include_execution_data$/,
    verdict: "exposure",
    what: "logs the data of its executions",
    if: turnedOn,
  },
  {
    type: "aws_sfn_state_machine",
    path: /^logging_configuration\./,
    verdict: "exposure",
    severity: "warn",
    what: "logs in another way, or not at all",
    if: (before, _, created) => !created && before !== undefined,
  },
];
