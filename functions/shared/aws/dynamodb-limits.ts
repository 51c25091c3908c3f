/**
 * What DynamoDB accepts as keys. Whatever a caller chooses (ids, page tokens) is checked against it: DynamoDB's ValidationException would be
 * our fault, a 500. Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
 */
import * as z from "zod";

/** UTF-8 bytes. */
const MAX_KEY_BYTES = { partition: 2_048, sort: 1_024 } as const;

/** A string as a key of a table or index. */
export const keyTextSchema = (kind: keyof typeof MAX_KEY_BYTES) =>
  z
    .string()
    .min(1, "is empty")
    .refine((text) => Buffer.byteLength(text) <= MAX_KEY_BYTES[kind], `is longer than ${MAX_KEY_BYTES[kind]} bytes`);
