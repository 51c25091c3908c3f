/** What `npm start` has started, written down for `npm run status`, `npm run stop` and the next `npm start`. */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { z } from "zod";
import { isRunning, processIdentitySchema } from "../shared/processes";
import type { Home } from "./home";

/** Each feature's outputs by name, as the stack gives them. */
export const featuresSchema = z.record(z.string(), z.record(z.string(), z.unknown()));
export type Features = z.output<typeof featuresSchema>;

const runRecordSchema = z.object({
  endpoint: z.url(),
  port: z.int().positive(),
  emulator: z.object({
    description: z.string(),
    process: processIdentitySchema,
    container: z.string().optional(),
    log: z.string(),
  }),
  /** The Slack stand-in, where there are channels that tell Slack. */
  slack: z.object({ url: z.url(), process: processIdentitySchema }).optional(),
  /** ISO 8601, UTC. */
  since: z.iso.datetime(),
  /** True: it is being stopped, so its end is no accident. */
  stopping: z.boolean().default(false),
  /** The last deployment that came to its end. */
  deployment: z.object({ at: z.iso.datetime(), features: featuresSchema }).optional(),
});

export type RunRecord = z.output<typeof runRecordSchema>;

/** The record as it was written, whether that still runs or not; undefined: there is none, or none that can be read. */
export async function readRecord({ record }: Home): Promise<RunRecord | undefined> {
  const text = await readFile(record, "utf8").catch(() => undefined);
  return text === undefined ? undefined : parseRecord(text);
}

export function parseRecord(text: string): RunRecord | undefined {
  try {
    return runRecordSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The record of what runs; undefined: nothing does. */
export async function readRunning(home: Home): Promise<RunRecord | undefined> {
  const record = await readRecord(home);
  return record !== undefined && isRunning(record.emulator.process) ? record : undefined;
}

export async function writeRecord(home: Home, record: RunRecord): Promise<void> {
  await mkdir(home.folder, { recursive: true });
  const unfinished = `${home.record}.${process.pid}`;
  await writeFile(unfinished, `${JSON.stringify(record, null, 2)}\n`);
  await rename(unfinished, home.record);
}

export async function removeRecord({ record }: Home): Promise<void> {
  await rm(record, { force: true });
}
