/** The record of what `npm start` has started, for `almanac status`, `almanac stop` and the next start. */
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { featuresSchema } from "../shared/feature-outputs";
import { makeFolder } from "../shared/folder";
import type { Home } from "../shared/home";
import { lockOwner } from "../shared/lock-file";
import { isRunning, processIdentitySchema } from "../shared/processes";
import { isHealthy } from "./health";

const runRecordSchema = z.object({
  endpoint: z.url(),
  port: z.int().positive(),
  emulator: z.object({
    description: z.string(),
    process: processIdentitySchema,
    container: z.string().optional(),
    log: z.string(),
  }),
  /** The server of the status page and of the Slack stand-in. */
  pages: z.object({ url: z.url(), process: processIdentitySchema, statusPageBucket: z.string().optional() }).optional(),
  /** The server of the console. */
  console: z.object({ url: z.url(), process: processIdentitySchema }).optional(),
  /** ISO 8601, UTC. */
  since: z.iso.datetime(),
  /** True: a command is stopping it, so its end is no failure. */
  stopping: z.boolean().default(false),
  /** The last successful deployment. */
  deployment: z
    .object({
      at: z.iso.datetime(),
      /** When the sources were begun to be read, in epoch milliseconds. */
      readMs: z.number().optional(),
      features: featuresSchema,
    })
    .optional(),
});

export type RunRecord = z.output<typeof runRecordSchema>;

/** The record as it was written, whether its processes still run or not; undefined: none, or not readable. */
export async function readRecord({ record }: Home): Promise<RunRecord | undefined> {
  try {
    return runRecordSchema.parse(JSON.parse(await readFile(record, "utf8")));
  } catch {
    return undefined;
  }
}

/** The record of what runs; undefined: nothing runs. */
export async function readRunning(home: Home): Promise<RunRecord | undefined> {
  const record = await readRecord(home);
  return record !== undefined && isRunning(record.emulator.process) ? record : undefined;
}

const ENDING_MS = 5_000;

/**
 * The record of what runs and responds, or has not responded for a while. A process that was killed has closed its port, and is there until
 * its memory is freed.
 */
export async function readResponding(home: Home, withinMs = ENDING_MS): Promise<RunRecord | undefined> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const running = await readRunning(home);
    if (running === undefined || Date.now() > deadline || (await isHealthy(running.endpoint))) return running;
    await sleep(100);
  }
}

/** Nothing runs in this home. The message says what to do. */
export class NotRunningError extends Error {
  override readonly name = "NotRunningError";
}

/** The record of what runs. @throws NotRunningError */
export async function requireRunning(home: Home): Promise<RunRecord> {
  const record = await readRunning(home);
  if (record === undefined) throw new NotRunningError(describeAbsent(await deployingProcess(home)));
  return record;
}

/** The `npm start` that starts or deploys now; undefined: none. */
export async function deployingProcess({ lock }: Home): Promise<number | undefined> {
  return (await lockOwner(lock))?.pid;
}

/** Why nothing runs, and what to do. @param deploying see {@link deployingProcess} */
export function describeAbsent(deploying: number | undefined): string {
  return deploying === undefined
    ? "Almanac is not running on this machine. Start it: npm start"
    : `Almanac is starting (npm start, process ${deploying}). Wait until it says "ready".`;
}

/** Why what runs has no state yet, and what to do. */
export function describeDeploying(deploying: number): string {
  return `local is being deployed now (npm start, process ${deploying}). Wait until it says "ready".`;
}

export async function writeRecord(home: Home, record: RunRecord): Promise<void> {
  await makeFolder(home.folder);
  const unfinished = `${home.record}.${process.pid}`;
  try {
    await writeFile(unfinished, `${JSON.stringify(record, null, 2)}\n`);
    await rename(unfinished, home.record);
  } finally {
    // There only where the disk is full.
    await rm(unfinished, { force: true });
  }
}

export async function removeRecord({ record }: Home): Promise<void> {
  await rm(record, { force: true });
}
