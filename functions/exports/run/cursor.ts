/** Where the next window of an incremental export starts, and what it is a position in. */
import type { ExportConfig, Run, WatermarkUnit } from "../contract";
import { isRecreated } from "./table-identity";
import { timeOf, watermarkAt } from "./window";

/** What an incremental export reads, and how it selects new items. */
export interface CursorSource {
  /** `<account>/<region>/<table>` */
  readonly table: string;
  /** Undefined where it is not known. */
  readonly tableId?: string | undefined;
  readonly engine: ExportConfig["engine"];
  /** Undefined for DynamoDB's own exports, which select by the time of the change. */
  readonly attribute?: string | undefined;
  readonly unit: WatermarkUnit;
}

/** End of the last finished run's window, in its unit. */
export interface Cursor {
  readonly value: string;
  /** Undefined for a cursor that was set by hand, in epoch milliseconds: it applies to any source. */
  readonly source: CursorSource | undefined;
  /** Items that the last run could not export, because their watermark was not usable in its unit. */
  readonly unusableItems: number;
}

/** When a cursor is, epoch milliseconds. Undefined: it was changed by hand, and is no time. */
export function timeOfCursor({ value, source }: Pick<Cursor, "value" | "source">): number | undefined {
  const time = value.trim() === "" ? Number.NaN : timeOf(source?.unit ?? "milliseconds", value);
  return Number.isNaN(new Date(time).getTime()) ? undefined : time;
}

/** The cursor is a position in something else, or in nothing. The message says what has changed, and what to do. */
export class CursorMismatchError extends Error {
  override readonly name = "CursorMismatchError";
}

const HOW_TO_SET =
  "Set where it continues: `almanac exports cursor <export> --set <time>`, or `--reset` to export all items again";

export function cursorSource({
  config,
  account,
  region,
  tableId,
}: Pick<Run, "config" | "account" | "region" | "tableId">): CursorSource {
  const { table, engine, watermark } = config;
  const at = { table: `${account}/${region}/${table}`, ...(tableId !== undefined && { tableId }), engine };
  return watermark === undefined || engine === "dynamodb-export"
    ? { ...at, unit: "milliseconds" }
    : { ...at, attribute: watermark.attribute, unit: watermark.unit };
}

/**
 * A stored cursor in the unit of the configuration, rounded down: an item is rather exported twice than never.
 *
 * @throws {@link CursorMismatchError} when it is a position in another table or attribute, or of another engine, or items were left out
 */
export function cursorAt(cursor: Cursor, source: CursorSource): string {
  const { value, source: stored, unusableItems } = cursor;
  const time = timeOfCursor(cursor);
  if (time === undefined)
    throw new CursorMismatchError(`the export's cursor was changed by hand, and is no time. ${HOW_TO_SET}`);
  if (stored === undefined) return watermarkAt(source.unit, time);
  for (const field of ["table", "engine", "attribute"] as const)
    if (stored[field] !== source[field])
      throw new CursorMismatchError(
        `the export's cursor was made with ${field} "${stored[field] ?? ""}", and it now has "${source[field] ?? ""}". ` +
          HOW_TO_SET,
      );
  if (isRecreated(stored.tableId, source.tableId))
    throw new CursorMismatchError(
      `the table ${source.table} was deleted and created again since the last run, and may have other items from before the cursor. ${HOW_TO_SET}`,
    );
  if (stored.unit === source.unit) return value;
  if (unusableItems > 0)
    throw new CursorMismatchError(
      `the watermark's unit was "${stored.unit}" and is now "${source.unit}". The last run left out ${unusableItems} items without a usable ` +
        `watermark: a converted cursor could lose them. ${HOW_TO_SET}`,
    );
  return watermarkAt(source.unit, time);
}
