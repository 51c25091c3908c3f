import { MalformedItemError, parseDynamoLine, parsePlainItem } from "../../../../functions/exports/format/plain-json";
import { convertScanPage, jsonNumber, MalformedPageError } from "../../../../functions/exports/format/scan-page";
import { attributes, numberText, typedItem, type TypedItem } from "../../../support/items";
import { sized } from "../../../support/sized";
import fc from "../../../support/fast-check";

function convert(body: string): { readonly lines: string[]; readonly page: ReturnType<typeof convertScanPage> } {
  const bytes = Buffer.from(body);
  const target = Buffer.alloc(bytes.length);
  const page = convertScanPage(bytes, target, 0, { separator: "\n" });
  const text = target.toString("utf8", 0, page.bytes);
  return { lines: text === "" ? [] : text.slice(0, -1).split("\n"), page };
}

function pageOf(items: readonly TypedItem[], more: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ Count: items.length, Items: items, ...more });
}

const plain = (item: TypedItem): string | undefined => convert(pageOf([item])).lines[0];

describe("a page of a Scan as plain JSON", () => {
  it("writes plain values", () => {
    expect(
      plain({
        id: { S: 'a "quoted" \\ text\n' },
        count: { N: "12" },
        ok: { BOOL: true },
        nothing: { NULL: true },
        list: { L: [{ N: "1.50" }, { S: "" }, { L: [] }] },
        map: { M: { a: { M: {} } } },
      }),
    ).toBe(
      '{"id":"a \\"quoted\\" \\\\ text\\n","count":12,"ok":true,"nothing":null,"list":[1.50,"",[]],"map":{"a":{}}}',
    );
  });

  it("copies strings of any length, with escapes at any place", () => {
    for (let length = 0; length <= 70; length++)
      for (let at = 0; at <= length; at++)
        for (const escaped of ["", '"', "\\", '\\"', "ü"]) {
          const text = "a".repeat(at) + escaped + "b".repeat(length - at);
          expect(plain({ [text]: { S: text } })).toBe(JSON.stringify({ [text]: text }));
        }
  });

  it("tags types that JSON does not have", () => {
    expect(
      plain({ s: { SS: ["a", "b"] }, n: { NS: ["1", "2.5"] }, b: { B: "AAEC" }, bs: { BS: ["AA==", "AQ=="] } }),
    ).toBe('{"s":{"SS":["a","b"]},"n":{"NS":[1,2.5]},"b":{"B":"AAEC"},"bs":{"BS":["AA==","AQ=="]}}');
  });

  it("tags a map that looks tagged", () => {
    expect(plain({ a: { M: { SS: { S: "not a set" } } }, b: { M: { SS: { S: "" }, other: { N: "1" } } } })).toBe(
      '{"a":{"M":{"SS":"not a set"}},"b":{"SS":"","other":1}}',
    );
    expect(parsePlainItem('{"a":{"M":{"\\u0053S":"x"}}}')).toEqual({ a: { M: { SS: { S: "x" } } } });
    expect(convert('{"Items":[{"a":{"M":{"\\u0053S":{"S":"x"}}}}]}').lines[0]).toBe('{"a":{"M":{"\\u0053S":"x"}}}');
  });

  it("keeps every digit of 38", () => {
    const digits = "12345678901234567890123456789012345678";
    expect(plain({ n: { N: digits }, s: { NS: [`-0.${digits}`] } })).toBe(`{"n":${digits},"s":{"NS":[-0.${digits}]}}`);
  });

  it.each([
    [".5", "0.5"],
    ["+1", "1"],
    ["007", "7"],
    ["1.", "1"],
    ["-00.50", "-0.50"],
    ["1E+126", "1e+126"],
    ["-0", "-0"],
  ])("writes the number %s as JSON has it: %s", (text, json) => {
    expect(plain({ n: { N: text } })).toBe(`{"n":${json}}`);
  });

  it("returns the next page's key, and the consumed units", () => {
    const key = { id: { S: "LastEvaluatedKey" } };
    const { page } = convert(
      pageOf([{ LastEvaluatedKey: { S: '"LastEvaluatedKey":{' } }], {
        ConsumedCapacity: { TableName: "t", CapacityUnits: 128.5 },
        LastEvaluatedKey: key,
        ScannedCount: 1,
      }),
    );
    expect(page).toMatchObject({ items: 1, lastKey: JSON.stringify(key), capacityUnits: 128.5 });
  });

  it("recognizes the last page, and a page without items after filtering", () => {
    expect(convert('{"Count":0,"Items":[],"ScannedCount":9}').page).toEqual({
      items: 0,
      scanned: 9,
      bytes: 0,
      lastKey: undefined,
      capacityUnits: 0,
    });
  });

  it.each([
    ["without items, which a proxy may have sent", " {} ", "expected a list of items at byte 4 of 4"],
    ["with two lists of items", '{"Items":[],"Items":[]}', "expected each field once"],
    [
      "that ends twice",
      '{"LastEvaluatedKey":{"id":{"S":"1"}},"Items":[],"LastEvaluatedKey":null}',
      "expected each field once",
    ],
    ["with a count that is text", '{"Items":[],"Count":"0"}', "expected a count at byte 23 of 24"],
    ["with a count that is none", '{"Items":[],"ScannedCount":-1}', "expected a count"],
    [
      "that counts other items",
      '{"Count":2,"Items":[{"id":{"S":"1"}}]}',
      "expected as many items as the response counts",
    ],
  ])("rejects a page %s", (_, body, message) => {
    expect(() => convert(body)).toThrow(MalformedPageError);
    expect(() => convert(body)).toThrow(message);
  });

  it("rejects what is not UTF-8, also in the middle of a character", () => {
    const body = Buffer.from('{"Items":[{"id":{"S":"é"}}]}');
    for (const bytes of [
      Buffer.concat([body.subarray(0, 23), body.subarray(24)]),
      Buffer.from(body.fill(0xff, 22, 23)),
    ])
      expect(() => convertScanPage(bytes, Buffer.alloc(bytes.length), 0, { separator: "\n" })).toThrow(
        new MalformedPageError("malformed Scan response: expected UTF-8"),
      );
  });

  it.each(["-5", "1e999", '"5"', "null", "{}"])("takes no units of %s for consumed", (units) => {
    expect(convert(`{"Items":[],"ConsumedCapacity":{"CapacityUnits":${units}}}`).page.capacityUnits).toBe(0);
  });

  it("rejects control characters and unknown escapes anywhere in a string, and names the position, not the content", () => {
    for (const length of [0, 1, 3, 4, 47, 60, 200])
      for (const wrong of ["\n", "\0", "\x1f", "\\x", "\\u12g4", "\\u"])
        for (const text of [
          wrong + "secret".repeat(length),
          "s".repeat(length) + wrong,
          `${"s".repeat(length)}${wrong} `,
        ]) {
          const body = `{"Items":[{"id":{"S":"${text}"}}]}`;
          const at = body.indexOf(wrong) + (wrong.length > 1 ? 1 : 0);
          expect(() => convert(body)).toThrow(new RegExp(`^malformed Scan response: expected .* at byte ${at} of`));
          expect(() => convert(body)).not.toThrow("secret");
        }
  });

  it("takes time in proportion to a page's length, whatever its strings are", () => {
    const seconds = (text: string): number => {
      const page = Buffer.from(pageOf(Array.from({ length: 40_000 }, () => ({ id: { S: text } }))));
      const target = Buffer.alloc(page.length);
      const { user } = process.cpuUsage();
      convertScanPage(page, target, 0, { separator: "\n" });
      return (process.cpuUsage().user - user) / 1e6;
    };
    seconds("warm".repeat(20));
    expect(seconds("x".repeat(100))).toBeLessThan(2);
    expect(seconds(`${"x".repeat(100)}\\"`)).toBeLessThan(2);
  });

  it("drops items that the selection refuses, and counts them", () => {
    const items = [
      { id: { S: "a" }, at: { N: "5" } },
      { id: { S: "b" } },
      { id: { S: "c" }, at: { S: "5" } },
      { at: { N: "50" }, id: { S: "d" } },
      { id: { S: "e" }, nested: { M: { at: { N: "50" } } }, at: { N: "6" } },
      { id: { S: "f" } },
    ];
    const select = (attribute: string, list: readonly TypedItem[]) => {
      const bytes = Buffer.from(pageOf(list));
      const target = Buffer.alloc(bytes.length);
      const isUsable = (value: string | undefined) => value !== undefined && Number(value) < 10;
      const page = convertScanPage(bytes, target, 0, {
        separator: "\n",
        selection: { attribute, type: "N", isUsable },
      });
      return { page, ids: [...target.toString("utf8", 0, page.bytes).matchAll(/"id":"(\w)"/g)].map(([, id]) => id) };
    };
    expect(select("at", items)).toMatchObject({ page: { items: 2, unusable: 4, scanned: 6 }, ids: ["a", "e"] });
    expect(select('größe "x"', [{ 'größe "x"': { N: "1" }, id: { S: "g" } }]).ids).toEqual(["g"]);
  });

  it("restores any item, with any white space in its JSON", () => {
    fc.assert(
      fc.property(fc.array(typedItem, { maxLength: 3 }), fc.constantFrom(undefined, 1, "\t"), (items, space) => {
        const body = JSON.stringify({ Items: items, Count: items.length }, undefined, space);
        const { lines, page } = convert(body);
        expect(page.items).toBe(items.length);
        expect(lines.map((line) => parsePlainItem(line))).toEqual(items.map(attributes));
        for (const line of lines) expect(JSON.parse(line)).toBeDefined();
      }),
      { numRuns: sized(250, 5_000) },
    );
  });

  it("restores any item of DynamoDB's own export", () => {
    fc.assert(
      fc.property(typedItem, (item) => {
        const plainNumbers = (text: string): string => jsonNumber(text) ?? text;
        const normal = JSON.parse(
          JSON.stringify(item, (key, each: unknown) =>
            key === "N" && typeof each === "string"
              ? plainNumbers(each)
              : key === "NS" && Array.isArray(each)
                ? each.map((text) => plainNumbers(String(text)))
                : each,
          ),
        ) as TypedItem;
        const put = attributes(normal);
        expect(parseDynamoLine(JSON.stringify({ Item: normal }))).toEqual({ put });
        expect(parseDynamoLine(JSON.stringify({ Keys: {}, NewImage: normal }))).toEqual({ put });
        expect(parseDynamoLine(JSON.stringify({ Keys: normal }))).toEqual({ remove: put });
      }),
    );
  });

  it("rejects malformed lines without quoting them", () => {
    for (const line of [
      "secret",
      '["secret"]',
      '{"secret":{"S":"x"}}',
      '{"Item":"secret"}',
      '{"Item":{"a":{"X":"secret"}}}',
    ])
      expect(() => parseDynamoLine(line)).toThrow(MalformedItemError);
    for (const line of ["secret", '"secret"', '{"a":{"SS":"secret"}}', '{"a":{"B":1}}'])
      expect(() => parsePlainItem(line)).toThrow(MalformedItemError);
    for (const parse of [parseDynamoLine, parsePlainItem]) expect(() => parse("secret")).not.toThrow(/secret/);
  });

  it("normalizes numbers without losing digits", () => {
    fc.assert(
      fc.property(numberText, (text) => {
        const json = jsonNumber(text) ?? "";
        expect(JSON.parse(json)).toBeCloseTo(Number(text), 5);
        expect(
          json
            .replace(/[eE].*/, "")
            .replace(/[^\d]/g, "")
            .replace(/^0+/, ""),
        ).toBe(
          text
            .replace(/[eE].*/, "")
            .replace(/[^\d]/g, "")
            .replace(/^0+/, ""),
        );
      }),
    );
  });

  it("rejects responses that are truncated or malformed at any byte", () => {
    const body = pageOf([{ id: { S: "a" }, n: { N: "1.5" }, m: { M: { x: { SS: ["b"] }, y: { BOOL: false } } } }]);
    for (let end = 0; end < body.length; end++) expect(() => convert(body.slice(0, end))).toThrow(MalformedPageError);
    expect(() => convert(`${body}}`)).toThrow(MalformedPageError);
    expect(() => convert('{"Items":[{"a":{"X":"b"}}]}')).toThrow("expected a DynamoDB type at byte 20 of 27");
    expect(() => convert('{"Items":[{"a":{"N":"b"}}]}')).toThrow("expected a number");
    expect(() => convert('{"Items":[{"a":{"BOOL":"true"}}]}')).toThrow(MalformedPageError);
    expect(() => convert('{"Items":{}}')).toThrow(MalformedPageError);
  });
});
