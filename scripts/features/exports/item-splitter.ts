/** Takes items apart that come as bytes, however they are cut: lines, or the list of a JSON document. */

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING: ReadonlySet<number> = new Set([0x7b, 0x5b]);
const CLOSING: ReadonlySet<number> = new Set([0x7d, 0x5d]);

/** In a document an item is in a list in an object. */
const ITEM_DEPTH = 3;

export interface Splitter {
  /** @returns the items that are whole by now, as JSON */
  feed(bytes: Buffer): readonly string[];
  /** Nothing more comes. True: nothing was cut off. */
  end(): boolean;
}

/** The lines of NDJSON. */
export function lineSplitter(): Splitter {
  let rest: Buffer = Buffer.alloc(0);
  return {
    feed: (bytes) => {
      const end = bytes.lastIndexOf(NEWLINE);
      if (end < 0) {
        rest = Buffer.concat([rest, bytes]);
        return [];
      }
      const whole = Buffer.concat([rest, bytes.subarray(0, end)]).toString();
      rest = Buffer.from(bytes.subarray(end + 1));
      return whole.split("\n").filter((line) => line !== "");
    },
    end: () => rest.length === 0,
  };
}

/** The items of `{"user_metrics": [...]}`. */
export function documentSplitter(): Splitter {
  let item: Buffer[] = [];
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
            items.push(Buffer.concat([...item, bytes.subarray(start, index + 1)]).toString());
            item = [];
          }
          depth -= 1;
          whole = depth === 0;
        }
      }
      if (depth >= ITEM_DEPTH) item.push(Buffer.from(bytes.subarray(start)));
      return items;
    },
    end: () => whole,
  };
}
