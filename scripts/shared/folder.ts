/** Makes a folder that a person may have named. */
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { errorCode } from "../../functions/shared/errors";

const made = new Set<string>();

/** What this process has made, or found: a disk there may be full. */
export function madeFolders(): readonly string[] {
  return [...made];
}

/**
 * Makes a folder with its parents, unless it exists. Not with Node's `recursive`: that one tries for ever where the parent exists and has no
 * place for the folder, as in `/proc`.
 */
export async function makeFolder(folder: string): Promise<void> {
  made.add(folder);
  try {
    await mkdir(folder);
  } catch (error) {
    if (await isFolder(folder)) return;
    if (errorCode(error) === "EEXIST")
      throw Object.assign(new Error("not a folder", { cause: error }), { code: "ENOTDIR", path: folder });
    if (errorCode(error) !== "ENOENT" || (await isFolder(dirname(folder)))) throw error;
    await makeFolder(dirname(folder));
    await makeFolder(folder);
  }
}

async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() ?? false;
}
