import {
  documentSplitter,
  NoItemError,
  lineSplitter,
  type Splitter,
} from "../../../../scripts/features/exports/item-splitter";
import fc from "../../../support/fast-check";

/** Feeds a text in pieces that end after so many bytes. */
function split(splitter: Splitter, text: string, cuts: readonly number[]): readonly string[] {
  const bytes = Buffer.from(text);
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  // Each piece is overwritten once it was fed, as streams do.
  return ends.flatMap((end, index) => {
    const piece = Buffer.from(bytes.subarray(ends[index - 1] ?? 0, end));
    const items = splitter.feed(piece);
    piece.fill(0);
    return items;
  });
}

const item = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }));
const cuts = fc.array(fc.nat(10_000), { maxLength: 8 });

describe("the items of a document", () => {
  it("are found however its bytes are cut", () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 6 }), cuts, (items, at) => {
        const splitter = documentSplitter();
        const texts = items.map((each) => JSON.stringify(each));
        expect(split(splitter, `{"user_metrics": [${texts.join(",")}]}`, at)).toEqual(texts);
        expect(splitter.end()).toBe(true);
      }),
    );
  });

  it("are not confused by what strings hold", () => {
    const texts = ['{"a":"}]}"}', '{"a":"\\\\"}', '{"a":"\\"}{["}', '{"größe":{"[":[{}]}}'];
    const splitter = documentSplitter();
    expect(split(splitter, `{"user_metrics": [${texts.join(",")}]}`, [20, 21, 22, 30, 40])).toEqual(texts);
  });

  it("are not all there when it was cut off", () => {
    const text = '{"user_metrics": [{"a":1},{"b":2}]}';
    for (let length = 0; length < text.length; length++) {
      const splitter = documentSplitter();
      splitter.feed(Buffer.from(text.slice(0, length)));
      expect(splitter.end()).toBe(false);
    }
  });
});

describe.each([
  ["a line", lineSplitter, ""],
  ["an item of a document", documentSplitter, '{"user_metrics": [{"a":"'],
])("what is longer than any item, in %s", (_, splitter, begin) => {
  it("is refused before it is in memory", () => {
    const longest = splitter(1_000);
    longest.feed(Buffer.from(begin));
    const fed = () => Array.from({ length: 11 }, () => longest.feed(Buffer.alloc(100, "x")));
    expect(fed).toThrow(NoItemError);
  });
});

describe("the items of lines", () => {
  it("are found however the bytes are cut", () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 6 }), cuts, (items, at) => {
        const splitter = lineSplitter();
        const texts = items.map((each) => JSON.stringify(each));
        expect(split(splitter, texts.map((text) => `${text}\n`).join(""), at)).toEqual(texts);
        expect(splitter.end()).toBe(true);
      }),
    );
  });

  it("are refused when they are not UTF-8: they would be changed", () => {
    const line = Buffer.from('{"id":"é"}\n');
    const half = Buffer.concat([line.subarray(0, 8), line.subarray(9)]);
    for (const splitter of [lineSplitter(), documentSplitter()]) {
      const [before, after] = splitter.end() ? ["", ""] : ['{"user_metrics": [', "]}"];
      const fed = () => splitter.feed(Buffer.concat([Buffer.from(before), half, Buffer.from(after)]));
      expect(fed).toThrow("an item is not UTF-8");
    }
  });

  it("are not all there when the last one has no end", () => {
    const splitter = lineSplitter();
    expect(splitter.feed(Buffer.from('{"a":1}\n{"b"'))).toEqual(['{"a":1}']);
    expect(splitter.end()).toBe(false);
  });
});
