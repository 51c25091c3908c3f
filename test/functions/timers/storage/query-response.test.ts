import fc from "fast-check";

import { JsonSyntaxError } from "../../../../functions/shared/input";
import { readQueryResponse } from "../../../../functions/timers/storage/query-response";
import { attributesOf, timerRow, type Row } from "../../../../functions/timers/storage/timer-row";
import { storedTimer } from "../../../support/timers";

const LAST = { timer: { S: 'periodic#"Items":[' }, slot: { S: "shard0#once" }, dueMs: { N: "5" } };

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: "grapheme" }),
  fc.constantFrom('"', "\\", '\\"', '{"order":"\\\\"}', '"}}],"Items":[{"', "a\nb", "\u2028"),
);
const value: fc.Arbitrary<object> = fc.letrec<{ value: object }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.record({ S: text }),
    fc.integer().map((number) => ({ N: String(number) })),
    fc.record({ BOOL: fc.boolean() }),
    fc.constant({ NULL: true }),
    fc.record({ M: fc.dictionary(text, tie("value")) }),
    fc.record({ L: fc.array(tie("value")) }),
    fc.record({ SS: fc.array(text) }),
  ),
})).value;
const name = fc.oneof(
  fc.constantFrom("timer", "shard", "version", "data", "cron", "at", "periodMs", "putAt", "endAt", "options"),
  text,
);

describe("the rows of a Query's response", () => {
  it("are those that JSON.parse reads, in compact JSON and in any other", () => {
    fc.assert(
      fc.property(
        fc.array(fc.dictionary(name, value) as fc.Arbitrary<Row>),
        fc.boolean(),
        fc.constantFrom(undefined, 1),
        (rows, isLast, space) => {
          const next = isLast ? undefined : LAST;
          const json = JSON.stringify({ Count: rows.length, LastEvaluatedKey: next, Items: rows }, undefined, space);
          const { Items } = JSON.parse(json) as { Items: Row[] };
          expect(readQueryResponse(json)).toEqual({ rows: Items.map(attributesOf), next });
        },
      ),
    );
  });

  const rows = [timerRow(storedTimer({ data: '{"a":"\\\\"}', options: { maxAttempts: 3 } }), undefined)];
  const json = JSON.stringify({ LastEvaluatedKey: LAST, Items: rows });

  it("are rejected when the response is cut off anywhere", () => {
    for (let length = 0; length < json.length; length++)
      expect(() => readQueryResponse(json.slice(0, length))).toThrow(JsonSyntaxError);
  });

  it.each(["{}", '{"Count":0}', "[]", "null", '{"Items":7}', '{"Items":[7]}'])(
    "are rejected when it is no response: %s",
    (response) => {
      expect(() => readQueryResponse(response)).toThrow();
    },
  );
});
