/** What the configuration of a function of the user's own has in common, whichever feature runs it. */
import * as z from "zod";

/** Set by Lambda, which refuses a function that sets one: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html */
const OF_LAMBDA = /^(AWS|LAMBDA)_|^_(HANDLER|X_AMZN_TRACE_ID)$/;

/** Lambda's names have two characters at least. */
const VARIABLE = /^[A-Z][A-Z0-9_]+$/;

/** Variables by name. @param isOurs whether Almanac sets it */
export function variablesSchema(isOurs: (name: string) => boolean) {
  const name = z
    .string()
    .regex(VARIABLE, "is not a valid variable name")
    .refine((each) => !OF_LAMBDA.test(each) && !isOurs(each), "is reserved by Lambda or Almanac");
  return z.record(name, z.string()).default({});
}

/**
 * Of a policy's resource: IAM refuses other texts, a wildcard in the partition or service, an account of other than twelve digits, and a region of
 * what has none: its own resources, and buckets.
 */
const ARN =
  /^arn:aws[a-z-]*:(?!iam:[^:]|s3:[^:]+::)[a-z0-9-]+:[a-z0-9*?-]*:(?!\d{1,11}:|\d{13,}:)[\w*?-]*:[^\p{Cc}]+$/u;

/** What a function may do. */
export const permissionSchema = z.strictObject({
  /** IAM actions: `dynamodb:PutItem`. */
  actions: z.array(z.string().regex(/^[a-z0-9-]+:[A-Za-z]+$/, 'is not an action such as "dynamodb:PutItem"')).min(1),
  /** ARNs. */
  resources: z.array(z.string().regex(ARN, 'is not an ARN such as "arn:aws:s3:::invoices/*"')).min(1),
});
