/** Whether a run reads one table: another one may have its name since. */
import type { Run } from "../contract";

/** The table was deleted and created again while the run read it: its files would be of two tables. The next run starts over. */
export class TableRecreatedError extends Error {
  override readonly name = "TableRecreatedError";
}

/** Whether two ids of tables with one name are of different tables. */
export function isRecreated(before: string | undefined, now: string | undefined): boolean {
  return before !== undefined && now !== undefined && before !== now;
}

/**
 * @param now id of the table that has the name after what was read
 * @throws {@link TableRecreatedError}
 */
export function assertSameTable({ tableId, config }: Pick<Run, "tableId" | "config">, now: string | undefined): void {
  if (isRecreated(tableId, now))
    throw new TableRecreatedError(
      `the table ${config.table} was deleted and created again during the run. Nothing of it is published; the next run reads the new table`,
    );
}
