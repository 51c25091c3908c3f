/** Which changes of an attribute are for the worse, and what each then means: the table of the review. */
import { API_GATEWAY_RULES } from "./api-gateway";
import { CLOUDFRONT_RULES } from "./cloudfront";
import { CLOUDWATCH_RULES } from "./cloudwatch";
import { DYNAMODB_RULES } from "./dynamodb";
import { EVENTBRIDGE_RULES } from "./eventbridge";
import { GLUE_RULES } from "./glue";
import { KMS_RULES } from "./kms";
import { LAMBDA_RULES } from "./lambda";
import { S3_RULES } from "./s3";
import { SNS_RULES } from "./sns";
import { SQS_RULES } from "./sqs";
import { STEP_FUNCTIONS_RULES } from "./step-functions";
import type { Rule } from "./rule";

/** When a change of an attribute is one for the worse. Attributes that no rule names are reported at any change. */
export const RULES: readonly Rule[] = [
  ...S3_RULES,
  ...DYNAMODB_RULES,
  ...KMS_RULES,
  ...CLOUDWATCH_RULES,
  ...SQS_RULES,
  ...SNS_RULES,
  ...EVENTBRIDGE_RULES,
  ...LAMBDA_RULES,
  ...API_GATEWAY_RULES,
  ...GLUE_RULES,
  ...STEP_FUNCTIONS_RULES,
  ...CLOUDFRONT_RULES,
];
