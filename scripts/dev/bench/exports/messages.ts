import { z } from "zod";

/** The two sizes of items that tables are made of. */
export const ITEM_SIZES = ["300b", "4kb"] as const;
export type ItemSize = (typeof ITEM_SIZES)[number];

export const TABLE = "almanac-bench-exports";
export const BUCKET = "almanac-bench-exports";

/** What the stub's process tells once it listens. */
export const stubReadySchema = z.strictObject({ awsEndpoint: z.url() });

/** Where the stub tells what it was asked for since it was last asked this. */
export const COUNTED_PATH = "/counted";

export const countedSchema = z.strictObject({
  /** Answers to Scan. */
  pages: z.number(),
  /** Bytes of their bodies. */
  scanned: z.number(),
  items: z.number(),
  /** Requests to S3, and bytes of what was put there. */
  puts: z.number(),
  stored: z.number(),
});
export type Counted = z.infer<typeof countedSchema>;

/** What a process tells at its end. */
export const measuredSchema = z.strictObject({
  seconds: z.number(),
  /** Of all its threads. */
  cpuSeconds: z.number(),
  /** Items that it says it has exported. */
  exported: z.number(),
  peakResidentBytes: z.number(),
});
export type Measured = z.infer<typeof measuredSchema>;

/** What a process is to do, in its environment as `BENCH`. */
export const taskSchema = z.strictObject({
  itemSize: z.enum(ITEM_SIZES),
  pages: z.number(),
  compressed: z.boolean(),
});
export type Task = z.infer<typeof taskSchema>;

/** A key tells the stub what table it is of, and where in it. */
export function keyOf({ itemSize, pages }: Pick<Task, "itemSize" | "pages">, page: number): string {
  return `${itemSize} ${pages} ${page}`;
}
