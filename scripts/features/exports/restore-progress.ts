/** How far a restore is, in a file, so that one that was interrupted resumes. */
import { createHash } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { TableDescription } from "@aws-sdk/client-dynamodb";
import * as z from "zod";
import { parseJson } from "../../shared/fields";
import { makeFolder } from "../../shared/folder";
import { RestoreError } from "./manifest";
import type { Restored } from "./restore";

const restoredSchema = z.strictObject({ file: z.int().nonnegative(), items: z.int().nonnegative() });

export interface RestoreProgress {
  /** @throws {@link RestoreError} when the file is damaged */
  readonly read: () => Promise<Restored | undefined>;
  readonly save: (restored: Restored) => Promise<void>;
  readonly remove: () => Promise<void>;
}

/** What is restored, and into which table: one that was deleted and created again is another, and has none of the items. */
export interface RestoreOf {
  readonly environment: string;
  readonly uri: string;
  readonly run: string;
  readonly table: Pick<TableDescription, "TableName" | "TableArn" | "TableId" | "CreationDateTime">;
}

/** @param home the folder of such files */
export function restoreProgress(home: string, { environment, uri, run, table }: RestoreOf): RestoreProgress {
  const { TableArn, TableName, TableId, CreationDateTime } = table;
  const identity = [environment, uri, run, TableArn ?? TableName, TableId ?? CreationDateTime];
  const id = createHash("sha256").update(JSON.stringify(identity)).digest("hex");
  const file = join(home, "restore", `${id.slice(0, 16)}.json`);
  return {
    read: async () => {
      const text = await readFile(file, "utf8").catch(() => undefined);
      if (text === undefined) return undefined;
      const restored = restoredSchema.safeParse(parseJson(text)).data;
      if (restored !== undefined) return restored;
      throw new RestoreError(`${file} does not say how far the restore is. Pass --from-start to load everything.`);
    },
    save: async (restored) => {
      await makeFolder(dirname(file));
      await writeFile(`${file}.new`, JSON.stringify(restored));
      await rename(`${file}.new`, file);
    },
    remove: () => rm(file, { force: true }),
  };
}
