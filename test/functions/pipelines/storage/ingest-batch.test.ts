import { pipelineSchema } from "../../../../functions/pipelines/contract";
import { ingestBatch, type ReceivedMessage } from "../../../../functions/pipelines/storage/ingest-batch";
import { compareVersions, readMessage, type Message } from "../../../../functions/pipelines/message/message";
import fc from "../../../support/fast-check";

const pipeline = pipelineSchema.parse({ key: "/id", version: "/v" });
const received = (id: string, text: string, archived = false): ReceivedMessage => ({
  id,
  text,
  receivedAt: 0,
  archived,
  quiet: false,
});

/** An in-memory table. Writes of the `failing` keys throw. */
function setup(failing: readonly string[] = []) {
  const rows = new Map<string, Message>();
  const stored: string[] = [];
  const archived: string[] = [];
  return {
    rows,
    stored,
    archived,
    ports: {
      name: "jobOrder",
      pipeline,
      archive: ({ text }: { readonly text: string }) => {
        archived.push(...text.trimEnd().split("\n"));
        return Promise.resolve();
      },
      write: async (message: Message) => {
        await new Promise(setImmediate);
        if (failing.includes(message.key)) throw new Error("throttled");
        const existing = rows.get(message.key);
        if (existing !== undefined && compareVersions(message, existing) <= 0) return false;
        rows.set(message.key, message);
        stored.push(`${message.key}@${message.version}`);
        return true;
      },
    },
  };
}

describe("a batch", () => {
  it("stores what is new, archives all, and knows what comes again", async () => {
    const { ports, rows, archived } = setup();
    const batch = [
      received("1", '{"id":"a","v":1}'),
      received("2", '{"id":"a","v":1}'),
      received("3", '{"id":"b","v":1}'),
    ];
    expect(await ingestBatch(batch, ports)).toEqual({ stored: 2, unchanged: 1, failures: [] });
    expect(await ingestBatch(batch, ports)).toEqual({ stored: 0, unchanged: 3, failures: [] });
    expect([...rows.keys()]).toEqual(["a", "b"]);
    expect(archived).toHaveLength(6);
  });

  it("stores the versions of a key one after the other, the oldest first, and never an older one over a newer", async () => {
    const { ports, stored, rows } = setup();
    await ingestBatch([received("1", '{"id":"a","v":10}'), received("2", '{"id":"a","v":9}')], ports);
    await ingestBatch([received("3", '{"id":"a","v":8}')], ports);
    expect(stored).toEqual(["a@9", "a@10"]);
    expect(rows.get("a")?.version).toBe("10");
  });

  it("stores what a later configuration accepted last, though versions of two sources do not compare", async () => {
    const { ports, stored } = setup();
    const before = { key: "/id", version: "/old", since: "2026-11-20T00:00:00Z" };
    const after = { key: "/id", version: "/v", since: "2026-11-21T00:00:00Z" };
    const batch = [
      { ...received("1", '{"id":"a","v":1}'), pointers: after },
      { ...received("2", '{"id":"a","old":999}'), pointers: before },
    ];
    await ingestBatch(batch, ports);
    expect(stored).toEqual(["a@999", "a@1"]);
  });

  it("ends the same whatever the order of messages with the same version, and of different ones within a microsecond", async () => {
    const texts = [
      ...['{"id":"a","v":1}', '{"id":"a","v":1.0,"other":true}', '{"id":"b","v":"2026-11-21T07:00:00.1230001Z"}'],
      ...['{"id":"b","v":"2026-11-21T07:00:00.1239999Z"}', '{"id":"b","v":"2026-11-21T07:00:00.123Z"}'],
    ];
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(texts, { minLength: texts.length }), async (order) => {
        const { ports, rows } = setup();
        for (const [index, text] of order.entries()) await ingestBatch([received(String(index), text)], ports);
        const [one, other] = texts.map((text) => readMessage(text, pipeline, 0));
        if (one === undefined || other === undefined) throw new Error("no messages");
        expect(rows.get("a")?.digest).toBe([one.digest, other.digest].sort().at(-1));
        expect(rows.get("b")?.version).toBe("2026-11-21T07:00:00.1239999Z");
      }),
    );
  });

  it("fails for the poison in the middle of it, and for nothing else", async () => {
    const { ports, rows } = setup(["c"]);
    const batch = [
      received("1", '{"id":"a","v":1}'),
      received("2", "poison"),
      received("3", '{"id":"c","v":1}'),
      received("4", '{"id":"d","v":1}'),
    ];
    const { failures, stored } = await ingestBatch(batch, ports);
    expect(failures.map(({ id }) => id)).toEqual(["2", "3"]);
    expect(stored).toBe(2);
    expect([...rows.keys()]).toEqual(["a", "d"]);
  });

  it("fails for what is not in the archive, though it is stored", async () => {
    const { ports } = setup();
    const archive = () => Promise.reject(new Error("away"));
    const batch = [received("1", '{"id":"a","v":1}'), received("2", '{"id":"b","v":1}', true)];
    const { failures, stored } = await ingestBatch(batch, { ...ports, archive });
    expect(failures.map(({ id }) => id)).toEqual(["1"]);
    expect(stored).toBe(2);
  });

  it("ends with the newest version of each key, however messages come: late, twice, in whatever batches", async () => {
    const message = fc.record({ id: fc.constantFrom("a", "b", "c"), v: fc.integer({ min: 0, max: 20 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(message, { maxLength: 8 }), { maxLength: 6 }), async (batches) => {
        const { ports, rows } = setup();
        for (const [number, batch] of batches.entries())
          await ingestBatch(
            batch.map((each, index) => received(`${number}.${index}`, JSON.stringify(each))),
            ports,
          );
        for (const id of ["a", "b", "c"]) {
          const versions = batches
            .flat()
            .filter((each) => each.id === id)
            .map(({ v }) => v);
          expect(rows.get(id)?.version).toBe(versions.length === 0 ? undefined : String(Math.max(...versions)));
        }
      }),
    );
  });
});
