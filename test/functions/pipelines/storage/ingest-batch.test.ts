import fc from "fast-check";
import { channelSchema } from "../../../../functions/pipelines/contract";
import { ingestBatch, type Queued } from "../../../../functions/pipelines/storage/ingest-batch";
import type { Message } from "../../../../functions/pipelines/message/message";

const channel = channelSchema.parse({ key: "/id", version: "/v" });
const queued = (id: string, text: string, archived = false): Queued => ({ id, text, receivedAt: 0, archived });

/** A table in memory, which fails for the keys that it is told to. */
function world(failing: readonly string[] = []) {
  const rows = new Map<string, Message>();
  const stored: string[] = [];
  const archived: string[] = [];
  return {
    rows,
    stored,
    archived,
    ports: {
      name: "jobOrder",
      channel,
      archive: ({ text }: { readonly text: string }) => {
        archived.push(...text.trimEnd().split("\n"));
        return Promise.resolve();
      },
      store: async (message: Message) => {
        await new Promise(setImmediate);
        if (failing.includes(message.key)) throw new Error("throttled");
        const known = rows.get(message.key);
        if (known !== undefined && BigInt(known.version) >= BigInt(message.version)) return false;
        rows.set(message.key, message);
        stored.push(`${message.key}@${message.version}`);
        return true;
      },
    },
  };
}

describe("a batch", () => {
  it("stores what is new, archives all, and knows what comes again", async () => {
    const { ports, rows, archived } = world();
    const batch = [queued("1", '{"id":"a","v":1}'), queued("2", '{"id":"a","v":1}'), queued("3", '{"id":"b","v":1}')];
    expect(await ingestBatch(batch, ports)).toEqual({ stored: 2, known: 1, failures: [] });
    expect(await ingestBatch(batch, ports)).toEqual({ stored: 0, known: 3, failures: [] });
    expect([...rows.keys()]).toEqual(["a", "b"]);
    expect(archived).toHaveLength(6);
  });

  it("stores the versions of a key one after the other, the oldest first, and never an older one over a newer", async () => {
    const { ports, stored, rows } = world();
    await ingestBatch([queued("1", '{"id":"a","v":10}'), queued("2", '{"id":"a","v":9}')], ports);
    await ingestBatch([queued("3", '{"id":"a","v":8}')], ports);
    expect(stored).toEqual(["a@9", "a@10"]);
    expect(rows.get("a")?.version).toBe("10");
  });

  it("fails for the poison in the middle of it, and for nothing else", async () => {
    const { ports, rows } = world(["c"]);
    const batch = [
      queued("1", '{"id":"a","v":1}'),
      queued("2", "poison"),
      queued("3", '{"id":"c","v":1}'),
      queued("4", '{"id":"d","v":1}'),
    ];
    const { failures, stored } = await ingestBatch(batch, ports);
    expect(failures.map(({ id }) => id)).toEqual(["2", "3"]);
    expect(stored).toBe(2);
    expect([...rows.keys()]).toEqual(["a", "d"]);
  });

  it("fails for what is not in the archive, though it is stored", async () => {
    const { ports } = world();
    const archive = () => Promise.reject(new Error("away"));
    const batch = [queued("1", '{"id":"a","v":1}'), queued("2", '{"id":"b","v":1}', true)];
    const { failures, stored } = await ingestBatch(batch, { ...ports, archive });
    expect(failures.map(({ id }) => id)).toEqual(["1"]);
    expect(stored).toBe(2);
  });

  it("ends with the newest version of each key, however messages come: late, twice, in whatever batches", async () => {
    const message = fc.record({ id: fc.constantFrom("a", "b", "c"), v: fc.integer({ min: 0, max: 20 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(message, { maxLength: 8 }), { maxLength: 6 }), async (batches) => {
        const { ports, rows } = world();
        for (const [number, batch] of batches.entries())
          await ingestBatch(
            batch.map((each, index) => queued(`${number}.${index}`, JSON.stringify(each))),
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
