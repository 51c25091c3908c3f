/** Stops what `npm start` has started. */
import { rm } from "node:fs/promises";
import { removeContainer, temporaryFolder } from "../emulator/run";
import { consoleKeyFile } from "../shared/console-key";
import { removeKeys } from "../shared/emulator-keys";
import { endProcessGroup } from "../shared/processes";
import type { Home } from "../shared/home";
import { readRecord, removeRecord, writeRecord } from "../emulator/run-record";

/** For processes that hang: they normally end at once. */
const GRACE_MS = 5_000;

/** The emulator lets what runs finish, and saves its state. */
const EMULATOR_GRACE_MS = 30_000;

/** @returns undefined when nothing was running */
export async function stopLocal(home: Home): Promise<{ readonly endpoint: string } | undefined> {
  const record = await readRecord(home);
  if (record === undefined) return undefined;
  // The foreground npm start must not report this end as a failure. On a full disk it does, and what runs ends nevertheless.
  await writeRecord(home, { ...record, stopping: true }).catch(() => undefined);
  const { process: identity, container } = record.emulator;
  // First: while its page is open, the emulator is never idle.
  if (record.console !== undefined) await endProcessGroup(record.console.process, GRACE_MS);
  const ran = await endProcessGroup(identity, EMULATOR_GRACE_MS);
  if (container !== undefined) await removeContainer(container);
  if (record.pages !== undefined) await endProcessGroup(record.pages.process, GRACE_MS);
  await rm(consoleKeyFile(home.folder), { force: true });
  await rm(temporaryFolder(home.folder), { recursive: true, force: true });
  await removeKeys(record.endpoint);
  await removeRecord(home);
  return ran ? { endpoint: record.endpoint } : undefined;
}
