/** Types of Parquet columns, and how values of plain JSON become theirs. */
import type { SchemaElement } from "hyparquet";

import { DAY_MS } from "../../shared/time";
import { parseParquetType } from "../contract";

/** A value of a column that is not text: a decimal without its point; a date's days since 1970; a timestamp's milliseconds. */
export type Cell = number | bigint | boolean;

export interface ColumnType {
  readonly element: Omit<SchemaElement, "name">;
  /**
   * @param content has a value of plain JSON at [from, to), which is not null
   * @returns undefined if the type cannot hold it
   */
  readonly cellOf: (content: Buffer, from: number, to: number) => Cell | undefined;
}

const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const SMALL_F = 0x66;
const SMALL_T = 0x74;

/** Of this many digits each integer is a safe one, and each decimal number a double of its own. */
const EXACT_DIGITS = 15;

const PLAIN_NOTATION: Intl.NumberFormatOptions = { useGrouping: false, maximumSignificantDigits: EXACT_DIGITS };

/** Holds any value: its cells are {@link Texts}. */
export const TEXT: ColumnType = {
  element: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  cellOf: () => undefined,
};

const BOOLEAN: ColumnType = {
  element: { type: "BOOLEAN" },
  cellOf: (content, from) => (content[from] === SMALL_T ? true : content[from] === SMALL_F ? false : undefined),
};

const INT: ColumnType = {
  element: { type: "INT32" },
  cellOf: (content, from, to) => {
    const value = smallInteger(content, from, to) ?? Number(unscaled(content, from, to, 0) ?? NaN);
    return (value | 0) === value ? value : undefined;
  },
};

const BIGINT: ColumnType = {
  element: { type: "INT64" },
  cellOf: (content, from, to) => {
    const small = smallInteger(content, from, to);
    if (small !== undefined) return BigInt(small);
    const value = unscaled(content, from, to, 0);
    return value !== undefined && BigInt.asIntN(64, value) === value ? value : undefined;
  },
};

/** Rounds, as doubles do. */
const DOUBLE: ColumnType = {
  element: { type: "DOUBLE" },
  cellOf: (content, from, to) => (isNumber(content[from]) ? Number(content.toString("latin1", from, to)) : undefined),
};

const EXACT_DOUBLE: ColumnType = {
  ...DOUBLE,
  cellOf: (content, from, to) => {
    if (!isNumber(content[from])) return undefined;
    const text = content.toString("latin1", from, to);
    return text.length <= EXACT_DIGITS || significantDigits(text) <= EXACT_DIGITS ? Number(text) : undefined;
  },
};

const DATE: ColumnType = {
  element: { type: "INT32", converted_type: "DATE" },
  cellOf: (content, from, to) => {
    const [, day] = /^"(\d{4}-\d\d-\d\d)"$/.exec(content.toString("latin1", from, to)) ?? [];
    const midnight = day === undefined ? undefined : dayOf(day);
    return midnight === undefined ? undefined : midnight / DAY_MS;
  },
};

const ISO_8601 = /^"((\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:\d\d))"$/;

const TIMESTAMP: ColumnType = {
  element: { type: "INT64", converted_type: "TIMESTAMP_MILLIS" },
  cellOf: (content, from, to) => {
    const [, text = "", day = ""] = ISO_8601.exec(content.toString("latin1", from, to)) ?? [];
    const time = dayOf(day) === undefined ? NaN : Date.parse(text);
    return Number.isNaN(time) ? undefined : BigInt(time);
  },
};

/** Digits of the decimals that an INT64 holds. */
const LONG_DIGITS = 18;

function decimal(precision: number, scale: number): ColumnType {
  const limit = 10n ** BigInt(precision);
  const physical =
    precision <= LONG_DIGITS
      ? ({ type: "INT64" } as const)
      : ({ type: "FIXED_LEN_BYTE_ARRAY", type_length: 16 } as const);
  return {
    element: { ...physical, converted_type: "DECIMAL", precision, scale },
    cellOf: (content, from, to) => {
      const value = unscaled(content, from, to, scale);
      return value !== undefined && value < limit && value > -limit ? value : undefined;
    },
  };
}

/** @param type as Athena names it: `decimal(20,2)` */
export function columnType(type: string): ColumnType {
  const parsed = parseParquetType(type);
  switch (parsed?.name) {
    case "string":
      return TEXT;
    case "boolean":
      return BOOLEAN;
    case "int":
      return INT;
    case "bigint":
      return BIGINT;
    case "double":
      return DOUBLE;
    case "date":
      return DATE;
    case "timestamp":
      return TIMESTAMP;
    case "decimal":
      return decimal(parsed.precision, parsed.scale);
    case undefined:
      throw new TypeError(`${type} is not the type of a Parquet column`);
  }
}

/** The narrowest type that holds a value exactly. */
export function inferredType(content: Buffer, from: number, to: number): ColumnType {
  return [BOOLEAN, BIGINT, EXACT_DOUBLE].find(({ cellOf }) => cellOf(content, from, to) !== undefined) ?? TEXT;
}

/**
 * The narrowest type that holds exactly what a column holds already, and a value that it cannot hold.
 *
 * @param other inferred from the value
 */
export function widenedType(type: ColumnType, cells: readonly (Cell | null)[], other: ColumnType): ColumnType {
  const areExact = (): boolean =>
    cells.every((cell) => cell === null || significantDigits(String(cell)) <= EXACT_DIGITS);
  return type === BIGINT && other === EXACT_DOUBLE && areExact() ? EXACT_DOUBLE : TEXT;
}

/** A cell of a column that is text now. Without an exponent, as DynamoDB writes numbers. */
export function textOf(cell: Cell): string {
  return typeof cell === "number" ? cell.toLocaleString("en-US", PLAIN_NOTATION) : String(cell);
}

function isNumber(byte = 0): boolean {
  return byte === MINUS || (byte >= ZERO && byte <= NINE);
}

/** Undefined: not an integer, or one of more digits. */
function smallInteger(content: Buffer, from: number, to: number): number | undefined {
  const start = content[from] === MINUS ? from + 1 : from;
  if (to - start > EXACT_DIGITS) return undefined;
  let value = 0;
  for (let at = start; at < to; at++) {
    const byte = content[at] ?? 0;
    if (byte < ZERO || byte > NINE) return undefined;
    value = value * 10 + byte - ZERO;
  }
  return start === from ? value : -value;
}

function significantDigits(number: string): number {
  return number
    .replace(/e.*$/i, "")
    .replace(/^-?[0.]*/, "")
    .replace(".", "")
    .replace(/0+$/, "").length;
}

/** Epoch milliseconds of midnight, UTC. Undefined: no such day. */
function dayOf(day: string): number | undefined {
  const time = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day) ? time : undefined;
}

/** More zeros than a number of DynamoDB has. */
const MOST_ZEROS = 200;

/** A number times a power of ten. Undefined: not a number, or not an integer then. */
function unscaled(content: Buffer, from: number, to: number, scale: number): bigint | undefined {
  if (!isNumber(content[from])) return undefined;
  const [, sign, whole = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(content.toString("latin1", from, to)) ?? [];
  if (sign === undefined) return undefined;
  const zeros = scale + Number(exponent) - fraction.length;
  if (zeros > MOST_ZEROS) return undefined;
  const digits = whole + fraction;
  if (zeros >= 0) return BigInt(`${sign}${digits}${"0".repeat(zeros)}`);
  if (/[1-9]/.test(digits.slice(zeros))) return undefined;
  return BigInt(`${sign}${digits.slice(0, zeros) || "0"}`);
}
