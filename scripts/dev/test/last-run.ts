/** The last run of `npm test`, with or without --all: how long its steps took. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import * as z from "zod";

const FILE = ".almanac/test/last-run.json";

const lastRunSchema = z.object({
  endedAt: z.string(),
  all: z.boolean(),
  passed: z.number(),
  failed: z.number(),
  seconds: z.number(),
  /** By step. Steps overlap: their sum is more than the whole. */
  steps: z.record(z.string(), z.object({ passed: z.number(), failed: z.number(), seconds: z.number() })),
});
export type LastRun = z.output<typeof lastRunSchema>;

/** There was no such run. The message says what to do. */
export class NoLastRunError extends Error {
  override readonly name = "NoLastRunError";
}

export async function writeLastRun(run: LastRun): Promise<void> {
  await mkdir(dirname(FILE), { recursive: true });
  await writeFile(FILE, `${JSON.stringify(run, undefined, 2)}\n`);
}

/** @throws NoLastRunError */
export async function readLastRun(): Promise<LastRun> {
  const text = await readFile(FILE, "utf8").catch(() => undefined);
  if (text === undefined) throw new NoLastRunError("No test run is recorded. Run npm test first.");
  return lastRunSchema.parse(JSON.parse(text));
}
