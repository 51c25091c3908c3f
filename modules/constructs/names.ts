/** The parts of physical names that a configuration chooses. */
import * as z from "zod";

/** Short, so that bucket names (63 characters) have room for feature, suffix and account id. */
export const appSchema = z
  .string()
  .regex(/^[a-z]([a-z0-9-]{0,10}[a-z0-9])?$/, "is not 1 to 12 lower case letters, digits and hyphens, a letter first")
  .refine((app) => !/^(xn--|sthree-)/.test(app), "begins the names of buckets, which S3 refuses")
  .default("almanac");
export const environmentNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9]{0,11}$/, "is not 1 to 12 lower case letters and digits, a letter first");
