/** A lock that one process holds at a time, as a file that names its holder. A holder that has ended holds nothing. */
import { link, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errorCode } from "../../functions/shared/errors";
import { identifyProcess, isRunning, processIdentitySchema, type ProcessIdentity } from "./processes";

const LOOK_AGAIN_MS = 200;

export interface LockOptions {
  /** Called once, when another process holds the lock, with its number. */
  readonly onWait?: (pid: number) => void;
  readonly signal?: AbortSignal;
}

/** Does the work while holding the lock; waits for it as long as another process holds it. */
export async function withLock<T>(file: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  let told = false;
  for (;;) {
    options.signal?.throwIfAborted();
    if (await create(file)) break;
    const text = await readText(file);
    if (text === undefined) continue;
    const holder = parseHolder(text);
    if (holder === undefined || !isRunning(holder)) {
      await takeAway(file, text);
      continue;
    }
    if (!told) options.onWait?.(holder.pid);
    told = true;
    await sleep(LOOK_AGAIN_MS);
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function create(file: string): Promise<boolean> {
  const self = identifyProcess(process.pid);
  // Written beside and linked into place: the lock is never seen half written.
  const own = `${file}.${process.pid}`;
  const handle = await open(own, "w");
  await handle.writeFile(JSON.stringify(self));
  await handle.close();
  try {
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

function parseHolder(text: string): ProcessIdentity | undefined {
  try {
    return processIdentitySchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Removes the lock of a process that has ended; one that somebody else has taken meanwhile is put back. */
async function takeAway(file: string, ended: string): Promise<void> {
  const aside = `${file}.${process.pid}.ended`;
  try {
    await rename(file, aside);
  } catch {
    return; // Somebody else took it away.
  }
  if ((await readText(aside)) !== ended) await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
}
