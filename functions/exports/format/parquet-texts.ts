/** Texts of a row group: where each begins and ends, because an object for each would take more memory than they. */
import { parseJson } from "../../shared/input";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Of the length before each value. */
const LENGTH_BYTES = 4;

/** Positions from here on are in the column's own bytes: longer than any page. */
const OWN = 2 ** 40;

/** Values of a column of text, most of them parts of the row group's items. */
export class Texts {
  /** Two for each value: where it begins and ends. NULL ends before it begins. Never shortened, because it would be allocated anew. */
  private readonly spans: number[] = [];
  private rows = 0;
  /** Values that differ from their JSON. */
  private own = Buffer.allocUnsafe(0);
  private ownLength = 0;

  get length(): number {
    return this.rows;
  }

  /** Adds NULLs up to a number of values. */
  fill(rows: number): void {
    while (this.rows < rows) this.addSpan(0, -1);
  }

  /** Adds a part of the row group's items. */
  addSpan(from: number, to: number): void {
    const at = 2 * this.rows++;
    this.spans[at] = from;
    this.spans[at + 1] = to;
  }

  /** Adds a value of plain JSON: a string's text, the JSON of others. */
  addJson(content: Buffer, from: number, to: number): void {
    if (content[from] !== QUOTE) {
      this.addSpan(from, to);
      return;
    }
    for (let at = from + 1; at < to; at++)
      if (content[at] === BACKSLASH) {
        this.addText(String(parseJson(content.toString("utf8", from, to))));
        return;
      }
    this.addSpan(from + 1, to - 1);
  }

  addText(text: string): void {
    const from = this.ownLength;
    this.ownLength += Buffer.byteLength(text);
    if (this.ownLength > this.own.length) {
      const larger = Buffer.allocUnsafe(2 * this.ownLength);
      this.own.copy(larger, 0, 0, from);
      this.own = larger;
    }
    this.own.write(text, from);
    this.addSpan(OWN + from, OWN + this.ownLength);
  }

  /** Removes the values of later rows. */
  truncate(rows: number): void {
    this.rows = Math.min(this.rows, rows);
    if (rows === 0) this.ownLength = 0;
  }

  /** @returns 1 for each value, 0 for NULL */
  definitionLevels(): Uint8Array {
    const levels = new Uint8Array(this.rows);
    for (let row = 0; row < this.rows; row++) levels[row] = this.isNull(row) ? 0 : 1;
    return levels;
  }

  /** @param content the row group's items */
  values(content: Buffer): (Uint8Array | null)[] {
    return Array.from({ length: this.rows }, (_, row) => {
      const [from, to] = [this.fromOf(row), this.toOf(row)];
      if (this.isNull(row)) return null;
      return from < OWN ? content.subarray(from, to) : this.own.subarray(from - OWN, to - OWN);
    });
  }

  /** Bytes that a page has of them. */
  get pageBytes(): number {
    let bytes = 0;
    for (let row = 0; row < this.rows; row++)
      if (!this.isNull(row)) bytes += LENGTH_BYTES + this.toOf(row) - this.fromOf(row);
    return bytes;
  }

  /** Writes them as a page has them: each after its length, without NULL. */
  writePage(page: Buffer, content: Buffer): void {
    let at = 0;
    for (let row = 0; row < this.rows; row++) {
      if (this.isNull(row)) continue;
      const from = this.fromOf(row);
      const to = this.toOf(row);
      at = page.writeUInt32LE(to - from, at);
      at += from < OWN ? content.copy(page, at, from, to) : this.own.copy(page, at, from - OWN, to - OWN);
    }
  }

  private isNull(row: number): boolean {
    return this.toOf(row) < this.fromOf(row);
  }

  private fromOf(row: number): number {
    return this.spans[2 * row] ?? 0;
  }

  private toOf(row: number): number {
    return this.spans[2 * row + 1] ?? 0;
  }
}
