/** Names of SSM parameters in a configuration. Pure. */
import * as z from "zod";

/** SSM's limits. */
const MAX_CHARACTERS = 1_011;
const MAX_LEVELS = 15;

/** @param example for the message of an invalid name: `/almanac/slack/orders` */
export function parameterNameSchema(example: string): z.ZodString {
  return (
    z
      .string()
      .regex(new RegExp(`^(/[\\w.-]+){1,${MAX_LEVELS}}$`), `is not an SSM parameter name such as "${example}"`)
      // Without regard to case: parameters of AWS itself.
      .refine((name) => !/^\/(aws|ssm)/i.test(name), "begins with a word that SSM keeps for AWS's own parameters")
      .max(MAX_CHARACTERS, `is longer than the ${MAX_CHARACTERS} characters that SSM allows`)
  );
}
