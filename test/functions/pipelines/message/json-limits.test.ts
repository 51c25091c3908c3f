import { limitFault } from "../../../../functions/pipelines/message/json-limits";
import { measured } from "../../../support/measured";
import fc from "../../../support/fast-check";

const nested = (depth: number) => `{"a":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;

describe("a JSON text", () => {
  it("may have what JSON has", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 20 }), fc.constantFrom(undefined, 2), (value, space) => {
        // JSON.stringify writes halves of surrogate pairs as escapes, which are a fault.
        const text = JSON.stringify(value, undefined, space);
        if (/\\ud[89a-f]/.test(text)) return;
        expect(limitFault(text)).toBeUndefined();
      }),
    );
  });

  it.each([
    [nested(100), undefined],
    [nested(101), expect.stringMatching(/^is nested more than 100 levels deep \(position \d+\)$/)],
    [nested(100_000), expect.stringContaining("levels deep")],
    ['{"a":[1,{"b":1,"b":1}]}', "stands twice in its object (position 15)"],
    ['{"a":1,"\\u0061":2}', "stands twice in its object (position 7)"],
    ['{"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":2}]}', undefined],
    ['{"a":"b","b":"a","c":["a","a"]}', undefined],
    ['{"__proto__":1,"constructor":2}', undefined],
    ['{"a":[1,"\\ud83d"]}', "is not well-formed UTF-16: it has half of a surrogate pair (position 8)"],
    ['{"a":[1,"\\ud83d\\ude00"]}', undefined],
    ['{"\\ude00":1}', "is not well-formed UTF-16: it has half of a surrogate pair (position 1)"],
    ['{"a/b":{"~":"\\ud800x"}}', "is not well-formed UTF-16: it has half of a surrogate pair (position 12)"],
    ['{"a":"[[[{{{ , \\" , : \\\\"}', undefined],
  ])("%.60s", (text, fault) => {
    expect(limitFault(text)).toEqual(fault);
  });

  it("of any form is read in a time that grows with its length", () => {
    const parts = ['"\\\\', '\\"', '{"', "[", '","', "\\u0061"].map((part) => JSON.stringify(part.repeat(50_000)));
    const { cpuMs } = measured(() => [...parts, `[${'"",'.repeat(100_000)}1]`].map(limitFault));
    expect(cpuMs).toBeLessThan(2_000);
  });
});
