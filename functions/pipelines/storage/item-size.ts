/** The size of an item as DynamoDB counts it: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html */
import type { Attribute, Row } from "./row";

/** DynamoDB's limit. */
export const MAX_ITEM_BYTES = 400 * 1024;

const MAP_BYTES = 3;
const MAP_ENTRY_BYTES = 1;

export function itemBytes(row: Row): number {
  return sizeOf(row, 0);
}

function sizeOf(attributes: Readonly<Record<string, Attribute>>, entryBytes: number): number {
  return Object.entries(attributes).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + valueBytes(value) + entryBytes,
    0,
  );
}

function valueBytes(value: Attribute): number {
  if ("BOOL" in value) return 1;
  return "S" in value ? Buffer.byteLength(value.S) : MAP_BYTES + sizeOf(value.M, MAP_ENTRY_BYTES);
}
