/** Columns of Parquet files: configured, or inferred from the items. */
import type { SchemaElement } from "hyparquet";

import { parseJson } from "../../shared/input";
import { RESERVED_COLUMNS } from "../contract";
import { Texts } from "./parquet-texts";
import { columnType, inferredType, TEXT, textOf, widenedType, type Cell, type ColumnType } from "./parquet-types";
import type { ConvertedItem } from "./scan-page";

/** Inferred columns of a file. The whole item has all attributes. */
const MOST_COLUMNS = 100;

const SMALL_N = 0x6e;

/** Types of the columns of a segment's files. What is inferred for one file is known for the next. */
export class ParquetSchema {
  readonly isInferred: boolean;
  /** By attribute. */
  private readonly known: Map<string, ColumnType>;
  private readonly names = new Set(RESERVED_COLUMNS);

  /** @param columns attributes and types; undefined: inferred */
  constructor(columns: Readonly<Record<string, string>> | undefined) {
    this.isInferred = columns === undefined;
    this.known = new Map(Object.entries(columns ?? {}).map(([attribute, type]) => [attribute, columnType(type)]));
  }

  get types(): ReadonlyMap<string, ColumnType> {
    return this.known;
  }

  /** Whether an attribute may have an inferred column: Athena's names have no case. */
  canInfer(attribute: string): boolean {
    return (
      this.isInferred &&
      this.known.size < MOST_COLUMNS &&
      /^[A-Za-z_]\w{0,254}$/.test(attribute) &&
      !this.names.has(attribute.toLowerCase())
    );
  }

  infer(attribute: string, type: ColumnType): void {
    this.known.set(attribute, type);
    this.names.add(attribute.toLowerCase());
  }
}

interface Column {
  readonly attribute: string;
  /** As items have it, with quotes. */
  readonly key: Buffer;
  type: ColumnType;
  /** Shorter than the row group if its last ones are NULL. Unused in a column of text. */
  cells: (Cell | null)[];
  readonly texts: Texts;
}

/** A column's values in the row group. */
export type ColumnValues = { readonly name: string } & (
  | { readonly texts: Texts }
  | { readonly cells: (Cell | null)[] }
);

/**
 * Rows of a file's current row group. A file has one schema, so inferred types widen only until its first row group is taken; rows that need
 * wider ones are refused, and belong into the next file.
 */
export class RowGroup {
  rows = 0;
  /** Values of the file that the types of their columns cannot hold. */
  unfitValues = 0;
  private readonly columns: Map<string, Column>;
  /** Columns by the position that their attribute had in the item before: most items have the same order. */
  private readonly order: (Column | undefined)[] = [];
  private isFrozen = false;
  private refusedCells = 0;

  constructor(private readonly schema: ParquetSchema) {
    this.columns = new Map([...schema.types].map(([attribute, type]) => [attribute, newColumn(attribute, type)]));
  }

  /** Without the whole item's. */
  get elements(): readonly SchemaElement[] {
    return [...this.columns.values()].map(({ attribute, type }) => ({
      ...type.element,
      name: attribute.toLowerCase(),
      repetition_type: "OPTIONAL",
    }));
  }

  /**
   * Adds the rows that `add` adds, or none.
   *
   * @returns the result of `add`; undefined if the file cannot have a column for them
   */
  addAll<T>(add: () => T): T | undefined {
    const { rows, refusedCells } = this;
    const added = add();
    if (this.refusedCells === refusedCells) return added;
    this.rows = rows;
    for (const { cells, texts } of this.columns.values()) {
      cells.length = Math.min(cells.length, rows);
      texts.truncate(rows);
    }
    return undefined;
  }

  /** @param content has the item, and keeps it until the row group is taken */
  addRow(content: Buffer, { attributes, offsets }: ConvertedItem): void {
    for (let index = 0; index < offsets; index += 3) {
      const [from = 0, colon = 0, to = 0] = [attributes[index], attributes[index + 1], attributes[index + 2]];
      if (content[colon + 1] === SMALL_N) continue;
      const column = this.columnAt(index / 3, content, from, colon) ?? this.inferColumn(content, from, colon, to);
      if (column !== undefined) this.addCell(column, content, colon + 1, to);
    }
    this.rows++;
  }

  /** The values of all rows, in the order of the elements. */
  values(): readonly ColumnValues[] {
    return [...this.columns.values()].map(({ attribute, type, cells, texts }) => {
      const name = attribute.toLowerCase();
      if (type === TEXT) {
        texts.fill(this.rows);
        return { name, texts };
      }
      while (cells.length < this.rows) cells.push(null);
      return { name, cells };
    });
  }

  /** Empties it. The columns stay as they are. */
  clear(): void {
    for (const column of this.columns.values()) {
      column.cells = [];
      column.texts.truncate(0);
    }
    this.rows = 0;
    this.isFrozen = true;
  }

  private columnAt(position: number, content: Buffer, from: number, to: number): Column | undefined {
    const expected = this.order[position];
    if (expected !== undefined && isAt(expected.key, content, from, to)) return expected;
    const found = this.columns.get(attributeAt(content, from, to));
    this.order[position] = found;
    return found;
  }

  private inferColumn(content: Buffer, from: number, colon: number, to: number): Column | undefined {
    const attribute = attributeAt(content, from, colon);
    if (!this.schema.canInfer(attribute)) return undefined;
    if (this.isFrozen) {
      this.refusedCells++;
      return undefined;
    }
    const column = newColumn(attribute, inferredType(content, colon + 1, to));
    this.columns.set(attribute, column);
    this.schema.infer(attribute, column.type);
    return column;
  }

  private addCell(column: Column, content: Buffer, from: number, to: number): void {
    if (column.type === TEXT) {
      addText(column, this.rows, content, from, to);
      return;
    }
    let cell = column.type.cellOf(content, from, to);
    if (cell === undefined && this.schema.isInferred) {
      if (this.isFrozen) {
        this.refusedCells++;
        return;
      }
      this.widen(column, inferredType(content, from, to));
      if (column.type === TEXT) {
        addText(column, this.rows, content, from, to);
        return;
      }
      cell = column.type.cellOf(content, from, to);
    }
    if (cell === undefined) {
      this.unfitValues++;
      return;
    }
    while (column.cells.length < this.rows) column.cells.push(null);
    column.cells.push(cell);
  }

  private widen(column: Column, other: ColumnType): void {
    const type = widenedType(column.type, column.cells, other);
    const { cells, texts } = column;
    column.type = type;
    if (type === TEXT)
      for (const [row, cell] of cells.entries())
        if (cell === null) texts.fill(row + 1);
        else texts.addText(textOf(cell));
    // Of an integer, which is a double now.
    column.cells = type === TEXT ? [] : cells.map((cell) => (cell === null ? null : Number(cell)));
    this.schema.infer(column.attribute, type);
  }
}

function newColumn(attribute: string, type: ColumnType): Column {
  return { attribute, key: Buffer.from(JSON.stringify(attribute)), type, cells: [], texts: new Texts() };
}

function addText({ texts }: Column, row: number, content: Buffer, from: number, to: number): void {
  texts.fill(row);
  texts.addJson(content, from, to);
}

function attributeAt(content: Buffer, from: number, to: number): string {
  const name = content.toString("utf8", from + 1, to - 1);
  return name.includes("\\") ? String(parseJson(`"${name}"`)) : name;
}

function isAt(key: Buffer, content: Buffer, from: number, to: number): boolean {
  const { length } = key;
  if (to - from !== length) return false;
  for (let index = 1; index < length - 1; index++) if (key[index] !== content[from + index]) return false;
  return true;
}
