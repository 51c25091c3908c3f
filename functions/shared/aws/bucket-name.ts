/** Names of S3 buckets in a configuration. Pure. https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
import * as z from "zod";

/** Beginnings and ends that S3 keeps for its own names. */
const RESERVED = /^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|--x-s3|--table-s3|\.mrap)$/;

const ADDRESS = /^\d+\.\d+\.\d+\.\d+$/;

export const bucketNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "is not a bucket name")
  .refine((name) => !RESERVED.test(name) && !name.includes("..") && !ADDRESS.test(name), "is a name that S3 refuses");
