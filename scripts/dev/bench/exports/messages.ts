/** Messages between the processes of the exports' benchmark. */
import * as z from "zod";

/** Item sizes of the benchmark tables. */
export const ITEM_SIZES = ["300b", "4kb"] as const;
export const itemSizeSchema = z.enum(ITEM_SIZES);
export type ItemSize = z.infer<typeof itemSizeSchema>;

export const TABLE = "almanac-bench-exports";
export const BUCKET = "almanac-bench-exports";

/** Sent by the stub when it listens. */
export const stubReadySchema = z.strictObject({ awsEndpoint: z.url(), tlsEndpoint: z.url() });

/** The stub's environment variables: of its TLS endpoint, PEM. */
export const TLS_VARIABLES = { certificate: "TLS_CERTIFICATE", key: "TLS_KEY" } as const;

/** Path of the stub's request counts since the last read. */
export const COUNTED_PATH = "/counted";

export const countedSchema = z.strictObject({
  /** Scan responses. */
  pages: z.number(),
  /** Bytes of their bodies. */
  scanned: z.number(),
  /** Bytes of their items, by DynamoDB's own rules. */
  tableBytes: z.number(),
  items: z.number(),
  /** Requests to S3. */
  puts: z.number(),
  /** Bytes uploaded to S3. */
  stored: z.number(),
});
export type Counted = z.infer<typeof countedSchema>;

/** Sent by a measured process when it ends. */
export const measuredSchema = z.strictObject({
  seconds: z.number(),
  /** Of all threads. */
  cpuSeconds: z.number(),
  /** Items. */
  exported: z.number(),
  /** Of processes that read pages in memory, not of the stub. */
  scanned: z.number().optional(),
  peakResidentBytes: z.number(),
});
export type Measured = z.infer<typeof measuredSchema>;

/** The task of a measured process, in its environment variable `BENCH`. */
export const taskSchema = z.strictObject({
  itemSize: itemSizeSchema,
  pages: z.number(),
  compressed: z.boolean(),
  /** @default "ndjson" */
  format: z.enum(["ndjson", "parquet"]).optional(),
});
export type Task = z.infer<typeof taskSchema>;

/** For JSON.stringify: JSON has no sets. */
export function jsonOfSets(_key: string, value: unknown): unknown {
  return value instanceof Set ? [...(value as Set<unknown>)] : value;
}

/** A LastEvaluatedKey from which the stub knows the table and the page. */
export function keyOf({ itemSize, pages }: Pick<Task, "itemSize" | "pages">, page: number): string {
  return `${itemSize} ${pages} ${page}`;
}
