/** Stops what `npm start` has started, and nothing else. */
import { rm } from "node:fs/promises";
import { removeContainer, temporaryFolder } from "../emulator/run";
import { endProcessGroup } from "../shared/processes";
import type { Home } from "../shared/home";
import { readRecord, removeRecord, writeRecord } from "../emulator/run-record";

/** It ends at once when asked; this is for one that hangs. */
const GRACE_MS = 5_000;

/** @returns what was running and is stopped now; undefined when nothing ran */
export async function stopLocal(home: Home): Promise<{ readonly endpoint: string } | undefined> {
  const record = await readRecord(home);
  if (record === undefined) return undefined;
  // Whoever watches it must know that this end is no accident.
  await writeRecord(home, { ...record, stopping: true });
  const { process: identity, container } = record.emulator;
  const ran = await endProcessGroup(identity, GRACE_MS);
  if (container !== undefined) await removeContainer(container);
  if (record.pages !== undefined) await endProcessGroup(record.pages.process, GRACE_MS);
  await rm(temporaryFolder(home.folder), { recursive: true, force: true });
  await removeRecord(home);
  return ran ? { endpoint: record.endpoint } : undefined;
}
