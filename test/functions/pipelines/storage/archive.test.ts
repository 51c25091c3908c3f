import {
  archiveObjects,
  readArchiveObject,
  UnreadableArchiveError,
} from "../../../../functions/pipelines/storage/archive";
import fc from "../../../support/fast-check";

const NOON = Date.parse("2026-11-21T12:00:00.000Z");

describe("the archive", () => {
  it("keeps messages by pipeline, day and hour in which they were received", () => {
    const objects = archiveObjects("jobOrder", [
      { id: "a", receivedAt: NOON - 1, data: '{"n":1}' },
      { id: "b", receivedAt: NOON, data: '{"n":12345678901234567890123456789012345678901234567890}' },
    ]);
    expect(objects.map(({ object }) => object)).toEqual([
      {
        key: expect.stringMatching(/^jobOrder\/dt=2026-11-21\/hour=11\/5959999-[0-9a-f]{16}\.ndjson\.gz$/) as unknown,
        text: '{"id":"a","receivedAt":"2026-11-21T11:59:59.999Z","data":{"n":1}}\n',
      },
      {
        key: expect.stringMatching(/^jobOrder\/dt=2026-11-21\/hour=12\/0000000-[0-9a-f]{16}\.ndjson\.gz$/) as unknown,
        text: '{"id":"b","receivedAt":"2026-11-21T12:00:00.000Z","data":{"n":12345678901234567890123456789012345678901234567890}}\n',
      },
    ]);
  });

  it("gives back what was put into it, character by character", () => {
    const message = fc.record({
      id: fc.string(),
      receivedAt: fc.integer({ min: 0, max: 4_102_444_800_000 }),
      data: fc.jsonValue().map((value) => JSON.stringify({ value })),
    });
    fc.assert(
      fc.property(fc.array(message, { minLength: 1 }), (messages) => {
        const read = archiveObjects("c", messages).flatMap(({ object }) => readArchiveObject(object));
        const sorted = (all: readonly object[]) => all.map((each) => JSON.stringify(each)).sort();
        expect(sorted(read)).toEqual(sorted(messages));
      }),
    );
  });

  it("puts a batch that comes again where it is already, in whatever order it comes", () => {
    const batch = ["a", "b", "c"].map((id) => ({ id, receivedAt: NOON, data: "{}" }));
    const keys = (messages: typeof batch) => archiveObjects("c", messages).map(({ object }) => object.key);
    expect(keys([...batch].reverse())).toEqual(keys(batch));
    expect(keys(batch.slice(1))).not.toEqual(keys(batch));
  });

  it("names an object after its first message and all of its ids, so that no two batches have one name", () => {
    const key = (...messages: readonly (readonly [id: string, receivedAt: number])[]) =>
      archiveObjects(
        "c",
        messages.map(([id, receivedAt]) => ({ id, receivedAt, data: "{}" })),
      )[0]?.object.key ?? "";
    expect(key(["b", NOON + 61_002], ["a", NOON + 61_001])).toContain("/0101001-");
    expect(key(["ab", NOON], ["c", NOON])).not.toBe(key(["a", NOON], ["bc", NOON]));
    expect(key(["a", NOON], ["b", NOON])).not.toBe(key(["a", NOON]));
  });

  it("tells which messages are in which object", () => {
    const objects = archiveObjects("c", [
      { id: "a", receivedAt: NOON - 1, data: "{}" },
      { id: "b", receivedAt: NOON, data: "{}" },
      { id: "c", receivedAt: NOON - 2, data: "{}" },
    ]);
    expect(objects.map(({ ids }) => ids)).toEqual([["a", "c"], ["b"]]);
  });

  it("has a line that cannot be read among others", () => {
    const text = '{"id":"a","receivedAt":"2026-11-21T12:00:00.000Z","data":{}}\n{"id":"b"}\n';
    expect(() => readArchiveObject({ key: "k", text })).toThrow("k, line 2:");
  });

  it("says which line it cannot read", () => {
    expect(() => readArchiveObject({ key: "k", text: '{"id":"a","receivedAt":"x","data":{}}\n' })).toThrow(
      UnreadableArchiveError,
    );
    expect(() => readArchiveObject({ key: "k", text: "what?\n" })).toThrow("k, line 1: is not an archived message");
  });
});
