/**
 * Converts a Scan response to plain JSON, byte by byte: `JSON.parse` and `unmarshall` would take most of an export's time, and round
 * long numbers. The encoding is described in docs/decisions/0011.
 */
import { isUtf8 } from "node:buffer";

import { parseJson } from "../../shared/input";

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const B = 0x42;
const L = 0x4c;
const M = 0x4d;
const N = 0x4e;
const O = 0x4f;
const S = 0x53;
const U = 0x55;

const SMALL_U = 0x75;

/** An array, because `for ... of` over a Buffer is several times slower. */
const bytesOf = (text: string): readonly number[] => [...Buffer.from(text)];

/** After a backslash, except `u`. */
const ESCAPES = bytesOf('"\\/bfnrt');

const TRUE = bytesOf("true");
const FALSE = bytesOf("false");
const NULL = bytesOf("null");
const REST_OF_BOOL = bytesOf('OL"');
const REST_OF_NULL = bytesOf('LL"');
const BINARY_TAG = bytesOf('{"B":');
const STRING_SET_TAG = bytesOf('{"SS":[');
const NUMBER_SET_TAG = bytesOf('{"NS":[');
const BINARY_SET_TAG = bytesOf('{"BS":[');

/** Four bytes as one integer. */
const QUOTES = 0x22222222;
const BACKSLASHES = 0x5c5c5c5c;

/** For longer strings, Node's native search and copy are faster than a loop. */
const LONG_STRING_BYTES = 48;

/** Tags a map that would otherwise read as a typed value. */
const MAP_TAG = Buffer.from('{"M":');

/** Not a Scan response. The message has the position, never the content. */
export class MalformedPageError extends Error {
  override readonly name = "MalformedPageError";
}

/** Follows each item: a newline in NDJSON, a comma in a JSON document. */
export type Separator = "\n" | ",";

/** Drops items by one of their attributes. */
export interface Selection {
  /** A top-level attribute. */
  readonly attribute: string;
  readonly type: "N" | "S";
  /** @param value undefined when the item has no attribute of this type */
  readonly isUsable: (value: string | undefined) => boolean;
}

/** A converted item, by offsets of the target. */
export interface ConvertedItem {
  readonly from: number;
  /** Without the separator. */
  readonly to: number;
  /** Three offsets for each top-level attribute: its name with quotes begins and ends, and after a colon its value ends. Reused. */
  readonly attributes: readonly number[];
  /** How many of them are this item's: the array is never shortened, because it would be allocated anew for each item. */
  readonly offsets: number;
}

export interface Conversion {
  readonly separator: Separator;
  /** @default all items */
  readonly selection?: Selection | undefined;
  /** Called for each item that is written. */
  readonly onItem?: ((item: ConvertedItem) => void) | undefined;
}

export interface ConvertedPage {
  readonly items: number;
  /** Items that the selection dropped. @default 0 */
  readonly unusable?: number;
  /** Items read, before the filter. */
  readonly scanned: number;
  /** Bytes written. */
  readonly bytes: number;
  /** LastEvaluatedKey in DynamoDB JSON. Undefined on the last page. */
  readonly lastKey: string | undefined;
  /** 0 unless the Scan requests consumed capacity. */
  readonly capacityUnits: number;
}

/**
 * Writes the items of a page as plain JSON, each followed by the separator. Plain JSON is never longer than DynamoDB JSON, so `target`
 * needs as much room as `page` is long.
 *
 * @param page body of a Scan response
 * @throws {@link MalformedPageError}, and RangeError without that room
 */
export function convertScanPage(page: Buffer, target: Buffer, offset: number, conversion: Conversion): ConvertedPage {
  if (target.length - offset < page.length) throw new RangeError("the target is too small for the page");
  // Readers would replace what is none, or reject the file.
  if (!isUtf8(page)) throw new MalformedPageError("malformed Scan response: expected UTF-8");
  return new PageConverter(page, target, offset, conversion).convert();
}

class PageConverter {
  private at = 0;
  private readonly pageView: DataView;
  private readonly targetView: DataView;
  /** With its quotes. */
  private readonly selectedKey: Buffer;
  private selected: string | undefined;
  private unusable = 0;
  private readonly separator: number;
  private readonly selection: Selection | undefined;
  private readonly onItem: Conversion["onItem"];
  private readonly attributes: number[] = [];
  private offsets = 0;

  constructor(
    private readonly page: Buffer,
    private readonly target: Buffer,
    private to: number,
    { separator, selection, onItem }: Conversion,
  ) {
    this.separator = separator.charCodeAt(0);
    this.selection = selection;
    this.onItem = onItem;
    this.selectedKey = Buffer.from(JSON.stringify(selection?.attribute ?? ""));
    this.pageView = new DataView(page.buffer, page.byteOffset, page.byteLength);
    this.targetView = new DataView(target.buffer, target.byteOffset, target.byteLength);
  }

  convert(): ConvertedPage {
    const from = this.to;
    let items: number | undefined;
    let count: number | undefined;
    let scanned: number | undefined;
    let lastKey: string | undefined;
    let capacityUnits = 0;
    const names = new Set<string>();
    this.expect(OPEN_BRACE);
    if (this.peek() === CLOSE_BRACE) this.at++;
    else
      do {
        const name = this.readKey();
        // A second key of the next page would end the segment, or start it over.
        if (names.has(name)) this.fail("each field once");
        names.add(name);
        if (name === "Items") items = this.items();
        else {
          const start = this.at;
          this.skipValue();
          const value = (): string => this.page.toString("utf8", start, this.at);
          if (name === "LastEvaluatedKey") lastKey = value();
          else if (name === "Count") count = this.countOf(value());
          else if (name === "ScannedCount") scanned = this.countOf(value());
          else if (name === "ConsumedCapacity") capacityUnits = capacityUnitsOf(value());
        }
      } while (this.hasMore(CLOSE_BRACE));
    if (this.peek() !== -1) this.fail("the end of the response");
    // A response without items is not the last page: a proxy may have answered.
    if (items === undefined) this.fail("a list of items");
    if (count !== undefined && count !== items + this.unusable) this.fail("as many items as the response counts");
    return {
      items,
      ...(this.unusable > 0 && { unusable: this.unusable }),
      scanned: scanned ?? items + this.unusable,
      bytes: this.to - from,
      lastKey: lastKey === "null" ? undefined : lastKey,
      capacityUnits,
    };
  }

  private countOf(text: string): number {
    return /^\d{1,15}$/.test(text) ? Number(text) : this.fail("a count");
  }

  private items(): number {
    let items = 0;
    this.expect(OPEN_BRACKET);
    if (this.peek() === CLOSE_BRACKET) {
      this.at++;
      return 0;
    }
    const { selection, onItem, attributes } = this;
    const isObserved = selection !== undefined || onItem !== undefined;
    do {
      const start = this.to;
      this.selected = undefined;
      this.offsets = 0;
      this.map(isObserved);
      if (selection !== undefined && !selection.isUsable(this.selected)) {
        this.to = start;
        this.unusable++;
        continue;
      }
      onItem?.({ from: start, to: this.to, attributes, offsets: this.offsets });
      this.target[this.to++] = this.separator;
      items++;
    } while (this.hasMore(CLOSE_BRACKET));
    return items;
  }

  /** Copies a map of typed values. @returns whether its only key is a type tag, so that it would read as a typed value */
  private map(isObserved = false): boolean {
    const { target } = this;
    this.expect(OPEN_BRACE);
    target[this.to++] = OPEN_BRACE;
    if (this.peek() === CLOSE_BRACE) {
      this.at++;
      target[this.to++] = CLOSE_BRACE;
      return false;
    }
    let keys = 0;
    let tag: boolean;
    do {
      if (keys > 0) target[this.to++] = COMMA;
      const start = this.to;
      this.expect(QUOTE);
      this.string();
      tag = keys === 0 && isTag(target, start, this.to);
      const keyEnd = this.to;
      this.expect(COLON);
      target[this.to++] = COLON;
      const valueStart = this.at;
      this.value();
      if (isObserved) this.observe(start, keyEnd, valueStart);
      keys++;
    } while (this.hasMore(CLOSE_BRACE));
    target[this.to++] = CLOSE_BRACE;
    return tag && keys === 1;
  }

  /** An item's attribute, whose value has been converted. */
  private observe(start: number, keyEnd: number, valueStart: number): void {
    const { selection, onItem } = this;
    if (selection !== undefined && this.isSelectedKey(start, keyEnd))
      this.selected = typedValue(this.page.toString("utf8", valueStart, this.at), selection.type);
    if (onItem === undefined) return;
    this.attributes[this.offsets++] = start;
    this.attributes[this.offsets++] = keyEnd;
    this.attributes[this.offsets++] = this.to;
  }

  private isSelectedKey(from: number, to: number): boolean {
    const { target, selectedKey } = this;
    if (to - from === selectedKey.length && selectedKey.compare(target, from, to) === 0) return true;
    const escaped = target.subarray(from, to).includes(BACKSLASH);
    return escaped && parseJson(target.toString("utf8", from, to)) === this.selection?.attribute;
  }

  /** Converts a typed value: `{"N":"1"}` to `1`. */
  private value(): void {
    const { page } = this;
    this.expect(OPEN_BRACE);
    this.expect(QUOTE);
    const type = page[this.at++] ?? 0;
    const next = page[this.at++] ?? 0;
    if (next === QUOTE) {
      this.expect(COLON);
      switch (type) {
        case S:
          this.expect(QUOTE);
          this.string();
          break;
        case N:
          this.number();
          break;
        case M:
          this.mapValue();
          break;
        case L:
          this.list();
          break;
        case B:
          this.put(BINARY_TAG);
          this.expect(QUOTE);
          this.string();
          this.target[this.to++] = CLOSE_BRACE;
          break;
        default:
          this.fail("a DynamoDB type");
      }
    } else if (next === S && page[this.at] === QUOTE && (type === S || type === N || type === B)) {
      this.at++;
      this.expect(COLON);
      this.set(type);
    } else this.literalValue(type, next);
    this.expect(CLOSE_BRACE);
  }

  /** `{"BOOL":true}` and `{"NULL":true}`, from the third letter of the type. */
  private literalValue(first: number, second: number): void {
    const isBoolean = first === B && second === O && this.skipIf(REST_OF_BOOL);
    if (!isBoolean && !(first === N && second === U && this.skipIf(REST_OF_NULL))) this.fail("a DynamoDB type");
    this.expect(COLON);
    this.peek();
    if (this.skipIf(TRUE)) this.put(isBoolean ? TRUE : NULL);
    else if (isBoolean && this.skipIf(FALSE)) this.put(FALSE);
    else this.fail("true or false");
  }

  private mapValue(): void {
    const start = this.to;
    if (!this.map()) return;
    this.target.copyWithin(start + MAP_TAG.length, start, this.to);
    MAP_TAG.copy(this.target, start);
    this.to += MAP_TAG.length;
    this.target[this.to++] = CLOSE_BRACE;
  }

  private list(): void {
    const { target } = this;
    this.expect(OPEN_BRACKET);
    target[this.to++] = OPEN_BRACKET;
    if (this.peek() === CLOSE_BRACKET) this.at++;
    else
      for (;;) {
        this.value();
        if (!this.hasMore(CLOSE_BRACKET)) break;
        target[this.to++] = COMMA;
      }
    target[this.to++] = CLOSE_BRACKET;
  }

  private set(type: number): void {
    const { target } = this;
    this.put(type === S ? STRING_SET_TAG : type === N ? NUMBER_SET_TAG : BINARY_SET_TAG);
    this.expect(OPEN_BRACKET);
    if (this.peek() === CLOSE_BRACKET) this.at++;
    else
      for (;;) {
        if (type === N) this.number();
        else {
          this.expect(QUOTE);
          this.string();
        }
        if (!this.hasMore(CLOSE_BRACKET)) break;
        target[this.to++] = COMMA;
      }
    target[this.to++] = CLOSE_BRACKET;
    target[this.to++] = CLOSE_BRACE;
  }

  /** Copies a string with its quotes and escapes, after its opening quote. */
  private string(): void {
    const { page, target } = this;
    let at = this.at;
    let to = this.to;
    target[to++] = QUOTE;
    // Four bytes at a time, unless one of them is a quote or a backslash.
    const { pageView, targetView } = this;
    const short = Math.min(at + LONG_STRING_BYTES, page.length - 3);
    while (at < short) {
      const word = pageView.getInt32(at, true);
      if (!hasZeroByte(word ^ QUOTES) && !hasZeroByte(word ^ BACKSLASHES) && !hasControlByte(word)) {
        targetView.setInt32(to, word, true);
        at += 4;
        to += 4;
        continue;
      }
      for (let index = 0; index < 4; index++) {
        const byte = page[at++] ?? 0;
        target[to++] = byte;
        if (byte === QUOTE) {
          this.at = at;
          this.to = to;
          return;
        }
        if (byte === BACKSLASH) {
          this.checkEscape(at);
          target[to++] = page[at++] ?? 0;
          break;
        }
        if (byte < SPACE) this.failAt(at - 1, "an escaped control character");
      }
    }
    const end = endOfString(page, at);
    if (end < 0) this.fail("the end of a string");
    this.checkText(at, end);
    page.copy(target, to, at, end + 1);
    this.at = end + 1;
    this.to = to + end + 1 - at;
  }

  /** Rejects control characters and unknown escapes, which JSON forbids: a reader would reject the file, or read one line as two. */
  private checkText(from: number, to: number): void {
    const { page, pageView } = this;
    for (let at = from; at < to;) {
      if (at + 4 <= to) {
        const word = pageView.getInt32(at, true);
        if (!hasControlByte(word) && !hasZeroByte(word ^ BACKSLASHES)) {
          at += 4;
          continue;
        }
      }
      const byte = page[at++] ?? 0;
      if (byte < SPACE) this.failAt(at - 1, "an escaped control character");
      if (byte === BACKSLASH) this.checkEscape(at++);
    }
  }

  /** After a backslash. */
  private checkEscape(at: number): void {
    const { page } = this;
    const byte = page[at] ?? 0;
    if (ESCAPES.includes(byte)) return;
    if (byte !== SMALL_U || !/^[\da-fA-F]{4}$/.test(page.toString("latin1", at + 1, at + 5)))
      this.failAt(at, "a JSON escape");
  }

  /** Copies a number, which DynamoDB sends as a string, with all its digits. */
  private number(): void {
    const { page, target } = this;
    this.expect(QUOTE);
    const start = this.at;
    const begin = this.to;
    let at = start;
    let to = begin;
    let points = 0;
    let byte = page[at] ?? 0;
    if (byte === MINUS) {
      target[to++] = byte;
      byte = page[++at] ?? 0;
    }
    const digits = at;
    const leadingZero = byte === ZERO;
    for (; (byte >= ZERO && byte <= NINE) || byte === POINT; byte = page[++at] ?? 0) {
      if (byte === POINT) points += at === digits ? 2 : 1;
      target[to++] = byte;
    }
    const plain =
      byte === QUOTE &&
      points <= 1 &&
      at > digits &&
      page[at - 1] !== POINT &&
      !(leadingZero && at > digits + 1 && page[digits + 1] !== POINT);
    if (plain) {
      this.at = at + 1;
      this.to = to;
      return;
    }
    const end = page.indexOf(QUOTE, at);
    if (end < 0) this.fail("the end of a number");
    const number = jsonNumber(page.toString("latin1", start, end));
    if (number === undefined) this.fail("a number");
    this.to = begin;
    this.put(bytesOf(number));
    this.at = end + 1;
  }

  private readKey(): string {
    this.expect(QUOTE);
    const end = endOfString(this.page, this.at);
    if (end < 0) this.fail("the end of a string");
    const key = this.page.toString("utf8", this.at, end);
    this.at = end + 1;
    this.expect(COLON);
    this.peek();
    return key;
  }

  private skipValue(): void {
    const byte = this.peek();
    if (byte !== OPEN_BRACE && byte !== OPEN_BRACKET) {
      this.skipScalar();
      return;
    }
    let depth = 0;
    do {
      const inside = this.peek();
      if (inside === QUOTE) {
        this.skipScalar();
        continue;
      }
      if (inside === -1) this.fail("the end of a value");
      if (inside === OPEN_BRACE || inside === OPEN_BRACKET) depth++;
      if (inside === CLOSE_BRACE || inside === CLOSE_BRACKET) depth--;
      this.at++;
    } while (depth > 0);
  }

  /** A string, a number or a literal. */
  private skipScalar(): void {
    const { page } = this;
    if (page[this.at] === QUOTE) {
      const end = endOfString(page, this.at + 1);
      if (end < 0) this.fail("the end of a string");
      this.at = end + 1;
      return;
    }
    const start = this.at;
    for (let byte = page[this.at]; byte !== undefined && isScalarByte(byte); byte = page[this.at]) this.at++;
    if (this.at === start) this.fail("a value");
  }

  /** After an element: true at a comma, false at the closing bracket. */
  private hasMore(end: number): boolean {
    const byte = this.peek();
    this.at++;
    if (byte === COMMA) return true;
    if (byte !== end) this.fail(`"," or "${String.fromCharCode(end)}"`);
    return false;
  }

  /** Skips white space. @returns the next byte, -1 at the end */
  private peek(): number {
    const { page } = this;
    let byte = page[this.at];
    while (byte !== undefined && byte <= SPACE) byte = page[++this.at];
    return byte ?? -1;
  }

  private expect(byte: number): void {
    if (this.page[this.at] !== byte && this.peek() !== byte) this.fail(`"${String.fromCharCode(byte)}"`);
    this.at++;
  }

  /** Skips these bytes if they come next. @returns whether they did */
  private skipIf(bytes: readonly number[]): boolean {
    for (let index = 0; index < bytes.length; index++) if (this.page[this.at + index] !== bytes[index]) return false;
    this.at += bytes.length;
    return true;
  }

  private put(bytes: readonly number[]): void {
    for (const byte of bytes) this.target[this.to++] = byte;
  }

  private fail(expected: string): never {
    this.failAt(this.at, expected);
  }

  private failAt(at: number, expected: string): never {
    throw new MalformedPageError(`malformed Scan response: expected ${expected} at byte ${at} of ${this.page.length}`);
  }
}

/** The content of `{"N":"1"}`. Undefined for another type. */
function typedValue(json: string, type: "N" | "S"): string | undefined {
  const value: unknown = parseJson(json);
  const content: unknown = typeof value === "object" && value !== null ? Reflect.get(value, type) : undefined;
  return typeof content === "string" ? content : undefined;
}

/** Whether one of the four bytes is less than 0x20. */
function hasControlByte(word: number): boolean {
  return ((word - 0x20202020) & ~word & 0x80808080) !== 0;
}

/** Whether one of the four bytes is zero. Source: https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord */
function hasZeroByte(word: number): boolean {
  return ((word - 0x01010101) & ~word & 0x80808080) !== 0;
}

/** Index of the closing quote, or -1. `from` is inside the string and not escaped. */
function endOfString(page: Buffer, from: number): number {
  for (let end = page.indexOf(QUOTE, from); end >= 0; end = page.indexOf(QUOTE, end + 1)) {
    let backslashes = 0;
    while (end - 1 - backslashes >= from && page[end - 1 - backslashes] === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return -1;
}

/** Whether a key, with its quotes, is a type tag: B, BS, M, NS or SS. */
function isTag(bytes: Buffer, from: number, to: number): boolean {
  const length = to - from - 2;
  if (length === 1) return bytes[from + 1] === B || bytes[from + 1] === M;
  if (length === 2) return bytes[from + 2] === S && isSetType(bytes[from + 1]);
  if (bytes[from + 1] !== BACKSLASH && bytes[from + 2] !== BACKSLASH) return false;
  const key: unknown = parseJson(bytes.toString("utf8", from, to));
  return typeof key === "string" && TAGS.has(key);
}

const TAGS: ReadonlySet<string> = new Set(["B", "BS", "M", "NS", "SS"]);

function isSetType(byte: number | undefined): boolean {
  return byte === S || byte === N || byte === B;
}

function isScalarByte(byte: number): boolean {
  return byte > SPACE && byte !== COMMA && byte !== CLOSE_BRACE && byte !== CLOSE_BRACKET && byte !== QUOTE;
}

/**
 * Normalizes a number for JSON: `.5` to `0.5`, `+1` to `1`, `007` to `7`. DynamoDB does so itself; its emulators do not.
 * Undefined for anything else.
 */
export function jsonNumber(text: string): string | undefined {
  const [, sign, whole = "", point, fraction = "", exponent] =
    /^([+-]?)(\d*)(\.?)(\d*)(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  if (sign === undefined || whole.length + fraction.length === 0) return undefined;
  const digits = whole.replace(/^0+(?=\d)/, "") || "0";
  return (
    (sign === "-" ? "-" : "") +
    digits +
    (point === "" || fraction === "" ? "" : `.${fraction}`) +
    (exponent === undefined ? "" : `e${exponent}`)
  );
}

function capacityUnitsOf(text: string): number {
  const capacity: unknown = parseJson(text);
  if (typeof capacity !== "object" || capacity === null || !("CapacityUnits" in capacity)) return 0;
  const { CapacityUnits: units } = capacity;
  return typeof units === "number" && units > 0 && units < Infinity ? units : 0;
}
