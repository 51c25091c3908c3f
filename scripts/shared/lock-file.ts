/** A lock file that names its owner's process. The lock of a process that has ended is free. */
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errorCode } from "../../functions/shared/errors";
import { makeFolder } from "./folder";
import { identifyProcess, isRunning, processIdentitySchema, type ProcessIdentity } from "./processes";

const POLL_MS = 200;

export interface LockOptions {
  /** Called once with the owner's process id when the lock is taken. */
  readonly onWait?: (pid: number) => void;
  readonly signal?: AbortSignal;
}

/** Acquires the lock, waiting for its owner, and releases it after the work. */
export async function withLock<T>(file: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  await makeFolder(dirname(file));
  let reported = false;
  for (;;) {
    options.signal?.throwIfAborted();
    if (await create(file)) break;
    const text = await readText(file);
    if (text === undefined) continue;
    const owner = parseOwner(text);
    if (owner === undefined || !isRunning(owner)) {
      await removeStale(file, text);
      continue;
    }
    if (!reported) options.onWait?.(owner.pid);
    reported = true;
    await sleep(POLL_MS);
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

/** The process that has the lock now; undefined: none. */
export async function lockOwner(file: string): Promise<ProcessIdentity | undefined> {
  const owner = parseOwner((await readText(file)) ?? "");
  return owner !== undefined && isRunning(owner) ? owner : undefined;
}

/** Two of one process may wait for the same lock. */
let attempts = 0;

async function create(file: string): Promise<boolean> {
  const self = identifyProcess(process.pid);
  // Linked into place, so that no process reads a partial file.
  const own = `${file}.${process.pid}.${(attempts += 1)}`;
  try {
    await writeFile(own, JSON.stringify(self));
    await link(own, file);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}

async function readText(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").catch(() => undefined);
}

function parseOwner(text: string): ProcessIdentity | undefined {
  try {
    return processIdentitySchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Removes the lock of a process that has ended; restores it if another process has acquired it meanwhile. */
async function removeStale(file: string, ended: string): Promise<void> {
  const aside = `${file}.${process.pid}.ended`;
  try {
    await rename(file, aside);
  } catch {
    return; // Another process has removed it.
  }
  if ((await readText(aside)) !== ended) await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
}
