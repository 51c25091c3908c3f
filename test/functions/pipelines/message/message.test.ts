import { ingressEnvironment, pipelineSchema } from "../../../../functions/pipelines/contract";
import { parseJson, textOf } from "../../../../functions/pipelines/message/json";
import { MalformedMessageError, readMessage } from "../../../../functions/pipelines/message/message";
import { resolvePointer, redact } from "../../../../functions/pipelines/message/json-pointer";
import { rowOf } from "../../../../functions/pipelines/storage/row";
import fc from "../../../support/fast-check";

const AT = Date.parse("2026-11-21T07:31:22.123Z");
const LONG = "1234567890123456789012345678901234567890";
const pipeline = (input: object = {}) => pipelineSchema.parse({ key: "/jobOrderId", version: "/revision", ...input });

/** What the sender is told. */
function thrown(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof MalformedMessageError) return error.message;
    throw error;
  }
  return "nothing";
}

describe("a message", () => {
  it("is read with every digit that it has, and stored as it was sent", () => {
    const text = `{"jobOrderId": ${LONG},\n "revision": 1.0e0, "nested": {"π": [${LONG}.50, {"deep": null}]}}`;
    const message = readMessage(text.replace("1.0e0", "7"), pipeline({ summary: { Nested: "/nested" } }), AT);
    expect(message).toMatchObject({
      key: LONG,
      version: "7",
      summary: { Nested: `{"π":[${LONG}.50,{"deep":null}]}` },
      data: text.replace("1.0e0", "7").replace("\n", " "),
    });
    expect(rowOf(message)).toMatchObject({
      key: { S: LONG },
      version: { S: "7" },
      day: { S: "2026-11-21" },
      receivedAt: { S: "2026-11-21T07:31:22.123Z" },
      data: { S: message.data },
    });
  });

  it("keeps every value, whatever it holds, and on whatever lines", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2, "\r\n"), (value, space) => {
        const text = JSON.stringify({ jobOrderId: "17", revision: 1, value }, undefined, space);
        const { data } = readMessage(text, pipeline(), AT);
        expect(JSON.parse(data)).toEqual(JSON.parse(text));
        expect(data).not.toMatch(/[\r\n\ufffe\uffff]/);
      }),
    );
  });

  it("has a summary of what is there: without what is missing or null, and with the first kilobyte of what is long", () => {
    const summarised = pipeline({ summary: { Missing: "/missing", Nothing: "/nothing", No: "/no", Long: "/long" } });
    const text = JSON.stringify({ jobOrderId: "17", revision: 1, nothing: null, no: false, long: "é".repeat(1_000) });
    const { summary } = readMessage(text, summarised, AT);
    expect(summary).toEqual({ No: "false", Long: `${"é".repeat(510)}…` });
  });

  it("has a group, unless there is none, or it is null, empty, or too long for an index", () => {
    const grouped = pipeline({ groupBy: "/customer" });
    const groupOf = (customer: unknown) =>
      readMessage(JSON.stringify({ jobOrderId: "17", revision: 1, customer }), grouped, AT).group;
    expect(["C-1", "null", 7, false, ["a"]].map(groupOf)).toEqual(["C-1", "null", "7", "false", '["a"]']);
    expect([undefined, null, "", "é".repeat(513)].map(groupOf)).toEqual([undefined, undefined, undefined, undefined]);
  });

  it("has its time for a version where its pipeline has none", () => {
    const { version } = readMessage('{"jobOrderId":"17"}', pipelineSchema.parse({ key: "/jobOrderId" }), AT);
    expect(version).toBe(String(AT));
  });

  it.each([
    ["7", "7"],
    ['"0042"', "0042"],
    ['"2026-11-21T08:31:22.123+01:00"', "2026-11-21T08:31:22.123+01:00"],
    ["1.0", "1.0"],
    [LONG, LONG],
    ["7".repeat(1_024), "7".repeat(1_024)],
  ])("has the version %.50s", (written, version) => {
    expect(readMessage(`{"jobOrderId":"17","revision":${written}}`, pipeline(), AT).version).toBe(version);
  });

  it.each([
    ["nothing", "", "is not JSON"],
    ["half of it", '{"jobOrderId":', "is not JSON"],
    ["a name twice", '{"jobOrderId":"1","jobOrderId":"2","revision":1}', "stands twice in its object (position 18)"],
    [
      "the same name twice with the same value",
      '{"jobOrderId":"1","revision":1,"a":[{"b":1,"b":1}]}',
      "stands twice in its object (position 43)",
    ],
    ["half of a character", '{"jobOrderId":"1","revision":1,"a":"\\ud83d"}', "is not well-formed UTF-16"],
    [
      "more depth than all can read",
      `{"jobOrderId":"1","revision":1,"a":${"[".repeat(5_000)}${"]".repeat(5_000)}}`,
      "levels deep",
    ],
    ["no object", "[1]", "is not a JSON object"],
    ["depths", `{"jobOrderId":${"[".repeat(100_000)}`, "is not JSON"],
    ["no key", '{"revision":1}', "/jobOrderId: is missing: it is the message's key"],
    [
      "a key that is too long in UTF-8",
      `{"jobOrderId":"${"é".repeat(513)}","revision":1}`,
      "/jobOrderId: is neither text of 1 to 1024 bytes nor a number",
    ],
    ["an empty key", '{"jobOrderId":"","revision":1}', "/jobOrderId: is neither text of 1 to 1024 bytes nor a number"],
    ["a key that is an object", '{"jobOrderId":{},"revision":1}', "/jobOrderId: is neither text"],
    ["no version", '{"jobOrderId":"1"}', "/revision: is missing: it is the message's version"],
    ["a version in words", '{"jobOrderId":"1","revision":"1.2.3"}', "/revision: is neither a number"],
    ["more version than fits", `{"jobOrderId":"1","revision":${"7".repeat(1_025)}}`, "/revision: is neither a number"],
  ])("of %s is refused, with the reason", (_, text, reason) => {
    expect(() => readMessage(text, pipeline(), AT)).toThrow(MalformedMessageError);
    const description = thrown(() => readMessage(text, pipeline(), AT));
    expect(description).toContain(reason);
  });
});

describe("a pointer", () => {
  const document = parseJson('{"a":{"b/c":[10,{"~":true}]},"__proto__":{"x":1},"":5}');

  it.each([
    ["/a/b~1c/0", "10"],
    ["/a/b~1c/1/~0", "true"],
    ["/__proto__/x", "1"],
    ["/a/b~1c/01", undefined],
    ["/a/constructor", undefined],
    ["/a/b~1c/length", undefined],
    ["/", "5"],
  ])("%s leads to %s", (pointer, expected) => {
    const found = resolvePointer(document, pointer);
    expect(found === undefined ? undefined : textOf(found)).toBe(expected);
  });

  it("takes away what it leads to, and nothing else", () => {
    expect(textOf(redact(document, ["/a/b~1c/0", "/nowhere"], "x"))).toBe(
      '{"a":{"b/c":["x",{"~":true}]},"__proto__":{"x":1},"":5}',
    );
  });
});

describe("a pipeline", () => {
  it("is read from its variable as it was configured, but for the schema", () => {
    const { schema: _, ...configured } = pipeline({ schema: { type: "object" }, private: ["/customer"] });
    const PIPELINE_CONFIG = JSON.stringify({ ...configured, schema: {} });
    const environment = ingressEnvironment.parse({ PIPELINE_NAME: "jobOrder", PIPELINE_CONFIG, QUEUE_URL: "queue" });
    expect(environment.PIPELINE_CONFIG).toEqual(configured);
  });
});
