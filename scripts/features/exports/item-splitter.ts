/** Splits a stream of bytes into items: NDJSON lines, or the elements of a JSON document's list. */
import { isUtf8 } from "node:buffer";

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING: ReadonlySet<number> = new Set([0x7b, 0x5b]);
const CLOSING: ReadonlySet<number> = new Set([0x7d, 0x5d]);

/** An item of a document is in a list in an object. */
const ITEM_DEPTH = 3;

/** An item of DynamoDB has 400 KB; its JSON, with types, escapes, and an image of before, is some times as long. */
const LONGEST_ITEM_BYTES = 32 * 1_048_576;

/** What cannot be an item is neither kept in memory nor changed. */
export class NoItemError extends Error {
  override readonly name = "NoItemError";
}

/** The bytes of an item that are known so far. */
class Rest {
  private pieces: Buffer[] = [];
  bytes = 0;

  constructor(private readonly longest: number) {}

  add(piece: Buffer): void {
    this.pieces.push(Buffer.from(piece));
    this.bytes += piece.length;
    if (this.bytes > this.longest) throw new NoItemError("an item is longer than those of DynamoDB");
  }

  endWith(piece: Buffer): string {
    const bytes = Buffer.concat([...this.pieces, piece]);
    if (!isUtf8(bytes)) throw new NoItemError("an item is not UTF-8");
    this.pieces = [];
    this.bytes = 0;
    return bytes.toString();
  }
}

export interface Splitter {
  /**
   * @returns the items that are complete, as JSON
   * @throws {@link NoItemError}
   */
  feed(bytes: Buffer): readonly string[];
  /** Ends the input. @returns false when the last item is incomplete */
  end(): boolean;
}

/** The lines of NDJSON. */
export function lineSplitter(longestItemBytes = LONGEST_ITEM_BYTES): Splitter {
  const rest = new Rest(longestItemBytes);
  return {
    feed: (bytes) => {
      const end = bytes.lastIndexOf(NEWLINE);
      const whole = end < 0 ? "" : rest.endWith(bytes.subarray(0, end));
      rest.add(bytes.subarray(end + 1));
      return whole.split("\n").filter((line) => line !== "");
    },
    end: () => rest.bytes === 0,
  };
}

/** The items of `{"user_metrics": [...]}`. */
export function documentSplitter(longestItemBytes = LONGEST_ITEM_BYTES): Splitter {
  const item = new Rest(longestItemBytes);
  let depth = 0;
  let inString = false;
  let escaped = false;
  let whole = false;
  return {
    feed: (bytes) => {
      const items: string[] = [];
      let start = 0;
      for (const [index, byte] of bytes.entries()) {
        if (inString) {
          if (escaped) escaped = false;
          else if (byte === BACKSLASH) escaped = true;
          else if (byte === QUOTE) inString = false;
        } else if (byte === QUOTE) inString = true;
        else if (OPENING.has(byte)) {
          depth += 1;
          if (depth === ITEM_DEPTH) start = index;
        } else if (CLOSING.has(byte)) {
          if (depth === ITEM_DEPTH) {
            items.push(item.endWith(bytes.subarray(start, index + 1)));
          }
          depth -= 1;
          whole = depth === 0;
        }
      }
      if (depth >= ITEM_DEPTH) item.add(bytes.subarray(start));
      return items;
    },
    end: () => whole,
  };
}
