import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";

import { fileWriter } from "../../../../functions/exports/format/file-writer";
import { ParquetSchema } from "../../../../functions/exports/format/parquet-schema";
import { parquetWriter } from "../../../../functions/exports/format/parquet-writer";
import { rateLimiter } from "../../../../functions/exports/scan/rate-limiter";
import {
  DocumentTooLargeError,
  exportSegment,
  RepeatedKeyError,
  type SegmentPorts,
} from "../../../../functions/exports/scan/segment";
import {
  SegmentTakenOverError,
  type SegmentCheckpoint,
  type UploadedPart,
} from "../../../../functions/exports/storage/segment-table";
import { memoryObjects, type MemoryObjects } from "../../../support/memory-objects";
import { virtualClock } from "../../../support/virtual-clock";
import { sized } from "../../../support/sized";
import fc from "../../../support/fast-check";

const MEGABYTE = 1_048_576;

/** Items are per page, bytes per item. The key after page 3 is `{"page":{"N":"3"}}`. */
interface Table {
  readonly pages: number;
  readonly items: number;
  readonly bytes: number;
}

const idOf = (page: number, item: number): string => `${page}-${item}`;

/** Later pages have other attributes, and one that is another type: columns of Parquet files widen. */
function pageOf({ pages, items, bytes }: Table, page: number): Buffer {
  const text = "x".repeat(bytes);
  const Items = Array.from({ length: items }, (_, item) => ({
    id: { S: idOf(page, item) },
    text: { S: text },
    ...(page >= 5 && { n: { N: page === 8 ? "0.5" : "1" } }),
  }));
  return Buffer.from(
    JSON.stringify({
      Items,
      ...(page + 1 < pages && { LastEvaluatedKey: { page: { N: String(page + 1) } } }),
      ConsumedCapacity: { CapacityUnits: 128 },
    }),
  );
}

/** The stored state of a segment. */
class Stored {
  progress: SegmentCheckpoint = { lastKey: undefined, nextPart: 0, done: false, read: { items: 0, bytes: 0 } };
  worker = "";
  readonly parts: UploadedPart[] = [];
  readonly pagesRead: number[] = [];
}

class Killed extends Error {}

interface Worker {
  readonly name: string;
  /** Called before each port; may throw to kill the worker. */
  readonly before?: (port: string) => void;
  readonly format?: "json" | "ndjson" | "parquet";
  readonly rowGroupBytes?: number;
  readonly compressed?: boolean;
  readonly writeEmptyFile?: boolean;
  readonly unitsPerSecond?: number;
  readonly partBytes?: number;
}

function ports(table: Table, stored: Stored, store: MemoryObjects, worker: Worker): SegmentPorts {
  const { name, before = () => undefined, format = "ndjson", compressed = false } = worker;
  const clock = virtualClock();
  const schema = new ParquetSchema(undefined);
  return {
    format,
    writeEmptyFile: worker.writeEmptyFile ?? false,
    clock,
    partBytes: worker.partBytes ?? 128 * 1_048_576,
    rateLimiter: rateLimiter(worker.unitsPerSecond, clock),
    partKey: (part) => `part-${part}`,
    scan: async (after) => {
      await Promise.resolve();
      before("scan");
      const page = after === undefined ? 0 : Number(/"N":"(\d+)"/.exec(after)?.[1]);
      stored.pagesRead.push(page);
      return pageOf(table, page);
    },
    assertSameTable: async () => {
      await Promise.resolve();
      before("describe");
    },
    openFile: (key) => {
      const guarded: MemoryObjects = {
        ...store,
        createUpload: (of) => {
          before("begin");
          return store.createUpload(of);
        },
        uploadChunk: (...chunk) => {
          before("send");
          return store.uploadChunk(...chunk);
        },
      };
      if (format !== "parquet") return fileWriter({ key, format, compressed }, guarded);
      return parquetWriter({ key, schema, compressed, rowGroupBytes: worker.rowGroupBytes ?? 1_000 }, guarded);
    },
    saveCheckpoint: async (progress, part) => {
      await Promise.resolve();
      before("save");
      if (stored.worker !== name) throw new Error("taken");
      stored.progress = progress;
      if (part) stored.parts.push(part);
      before("saved");
    },
    onPage: () => undefined,
  };
}

/** Completes saved parts, as publishing does. */
async function completeAll(stored: Stored, store: MemoryObjects): Promise<void> {
  for (const { key, upload } of stored.parts) await store.completeUpload(key, upload);
}

function idsIn(store: MemoryObjects, compressed = false): string[] {
  const inOrder = [...store.objects].sort(([a], [b]) => Number(a.slice(5)) - Number(b.slice(5)));
  return inOrder.flatMap(([, object]) => {
    const text = (compressed ? gunzipSync(object) : object).toString();
    return [...text.matchAll(/"id":"([^"]+)"/g)].map(([, id = ""]) => id);
  });
}

function idsOf({ pages, items }: Table): string[] {
  return Array.from({ length: pages }, (_, page) =>
    Array.from({ length: items }, (_, item) => idOf(page, item)),
  ).flat();
}

async function work(table: Table, worker: Worker, stored = new Stored(), store = memoryObjects(), deadline = Infinity) {
  stored.worker = worker.name;
  const done = await exportSegment(stored.progress, ports(table, stored, store, worker), deadline);
  await completeAll(stored, store);
  return { done, stored, store };
}

const small: Table = { pages: 3, items: 2, bytes: 10 };

describe("a segment", () => {
  it("becomes a part, with its items, bytes and checksum", async () => {
    const { done, stored, store } = await work(small, { name: "a" });
    expect(done).toBe(true);
    const object = store.objects.get("part-0") ?? Buffer.alloc(0);
    expect(object.toString().split("\n")).toHaveLength(7);
    expect(stored.parts).toMatchObject([
      { number: 0, items: 6, bytes: object.length, sha256: createHash("sha256").update(object).digest("hex") },
    ]);
    expect(idsIn(store)).toEqual(idsOf(small));
  });

  it("becomes a compressed part with the same content", async () => {
    const table = { pages: 20, items: 10, bytes: 50_000 };
    const packed = await work(table, { name: "a", compressed: true });
    const plain = await work(table, { name: "a" });
    expect(idsIn(packed.store, true)).toEqual(idsIn(plain.store));
    const object = packed.store.objects.get("part-0") ?? Buffer.alloc(0);
    expect(gunzipSync(object).equals(plain.store.objects.get("part-0") ?? Buffer.alloc(0))).toBe(true);
    expect(packed.stored.parts[0]?.sha256).toBe(createHash("sha256").update(object).digest("hex"));
  });

  it("becomes several parts where it is large, and a document never", async () => {
    const table = { pages: 10, items: 1, bytes: 1_000 };
    const partBytes = 4_000;
    const { stored, store } = await work(table, { name: "a", partBytes });
    expect(stored.parts.map(({ items }) => items)).toEqual([4, 4, 2]);
    expect(idsIn(store)).toEqual(idsOf(table));
    const document = await work(table, { name: "a", format: "json", partBytes });
    expect(document.stored.parts.map(({ items }) => items)).toEqual([10]);
  });

  it("ends a Parquet file where its columns would change, and reads no page twice for it", async () => {
    const table = { pages: 12, items: 2, bytes: 1_000 };
    const { stored, store } = await work(table, { name: "a", format: "parquet" });
    expect(stored.parts.map(({ items }) => items)).toEqual([10, 6, 8]);
    expect(idsIn(store)).toEqual(idsOf(table));
    expect(stored.pagesRead).toEqual(Array.from({ length: 12 }, (_, page) => page));
    expect(stored.progress).toMatchObject({ done: true, read: { items: 24 } });
  });

  it("is a document that JSON.parse reads, whatever its pages are", async () => {
    const { store } = await work(small, { name: "a", format: "json" });
    const text = store.objects.get("part-0")?.toString() ?? "";
    expect(text).toMatch(/^\{"user_metrics": \[\{"id":"0-0"/);
    expect(JSON.parse(text)).toEqual({ user_metrics: idsOf(small).map((id) => ({ id, text: "x".repeat(10) })) });
  });

  it("without items is no part, and an empty document only where configured", async () => {
    const nothing = { pages: 4, items: 0, bytes: 0 };
    const lines = await work(nothing, { name: "a" });
    expect([lines.stored.progress.done, lines.stored.parts, lines.store.incompleteUploads()]).toEqual([true, [], 0]);
    const document = await work(nothing, { name: "a", format: "json", writeEmptyFile: true });
    expect(document.store.objects.get("part-0")?.toString()).toBe('{"user_metrics": []}');
    const none = await work(nothing, { name: "a", format: "json" });
    expect(none.store.objects.size).toBe(0);
  });

  it("stops at the deadline with a checkpoint, and resumes from there", async () => {
    const table = { pages: 10, items: 1, bytes: 10 };
    const slow: Worker = { name: "a", unitsPerSecond: 128 };
    const first = await work(table, slow, undefined, undefined, 4_500);
    expect(first.done).toBe(false);
    expect(first.stored.progress).toMatchObject({ lastKey: '{"page":{"N":"5"}}', nextPart: 1, done: false });
    const second = await work(table, { ...slow, name: "b" }, first.stored, first.store);
    expect(second.done).toBe(true);
    expect(idsIn(second.store)).toEqual(idsOf(table));
    expect(second.stored.pagesRead).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it("that is a document fails at the deadline, and leaves no upload", async () => {
    const stored = new Stored();
    const store = memoryObjects();
    const slow: Worker = { name: "a", unitsPerSecond: 128, format: "json" };
    const table = { pages: 10, items: 2, bytes: MEGABYTE };
    await expect(work(table, slow, stored, store, 4_500)).rejects.toThrow(DocumentTooLargeError);
    expect([stored.parts, store.objects.size, store.incompleteUploads()]).toEqual([[], 0, 0]);
  });

  it("keeps to its limit of read units a second", async () => {
    const stored = new Stored();
    const store = memoryObjects();
    stored.worker = "a";
    const slow = ports({ pages: 11, items: 1, bytes: 10 }, stored, store, { name: "a", unitsPerSecond: 64 });
    await exportSegment(stored.progress, slow, Infinity);
    // Ten pages are paid for before the last one is read, 128 units each.
    expect(slow.clock.elapsed()).toBeCloseTo(20_000, -1);
  });

  it("throws errors of its ports, and leaves no upload", async () => {
    const store = memoryObjects();
    const before = (port: string): void => {
      if (port === "scan" && store.incompleteUploads() > 0) throw new Killed();
    };
    const table = { pages: 12, items: 1, bytes: MEGABYTE };
    await expect(work(table, { name: "a", before }, new Stored(), store)).rejects.toThrow(Killed);
    expect([store.incompleteUploads(), store.objects.size]).toEqual([0, 0]);
  });

  it.each(["ndjson", "parquet"] as const)(
    "saves what was read before the table throttles, so that a throttled one is exported in the end: %s",
    async (format) => {
      const table = { pages: 6, items: 1, bytes: 10 };
      const stored = new Stored();
      const store = memoryObjects();
      for (let worker = 0; worker < 3; worker++) {
        let scans = 0;
        const before = (port: string): void => {
          if (port === "scan" && ++scans > 2)
            throw Object.assign(new Error("throttled"), { name: "ProvisionedThroughputExceededException" });
        };
        const working = work(table, { name: `worker-${worker}`, format, before }, stored, store);
        if (worker < 2) await expect(working).rejects.toThrow("throttled");
        else expect((await working).done).toBe(true);
      }
      expect(stored.pagesRead).toEqual([0, 1, 2, 3, 4, 5]);
      await completeAll(stored, store);
      expect(idsIn(store)).toEqual(idsOf(table));
      expect(store.incompleteUploads()).toBe(0);
    },
  );

  it("saves nothing where the table throttles the first page, and nothing of a document", async () => {
    const stored = new Stored();
    const store = memoryObjects();
    let scans = 0;
    const before = (port: string): void => {
      if (port === "scan" && ++scans !== 2)
        throw Object.assign(new Error("throttled"), { name: "ThrottlingException" });
    };
    await expect(work(small, { name: "a", before }, stored, store)).rejects.toThrow("throttled");
    await expect(work(small, { name: "b", format: "json", before }, stored, store)).rejects.toThrow("throttled");
    expect([stored.progress.nextPart, stored.progress.lastKey, store.incompleteUploads()]).toEqual([0, undefined, 0]);
  });

  it("fails where a page continues with its own key, which would never end", async () => {
    const stored = new Stored();
    const store = memoryObjects();
    stored.worker = "a";
    const endless: SegmentPorts = {
      ...ports(small, stored, store, { name: "a" }),
      scan: () =>
        Promise.resolve(Buffer.from('{"Items":[{"id":{"S":"1"}}],"Count":1,"LastEvaluatedKey":{"id":{"S":"1"}}}')),
    };
    await expect(exportSegment(stored.progress, endless, Infinity)).rejects.toThrow(RepeatedKeyError);
    expect(stored.parts).toEqual([]);
  });

  it("aborts the upload of a part that another worker's claim refuses, and of no part that may have been saved", async () => {
    const store = memoryObjects();
    const refused = async (error: Error): Promise<number> => {
      const stored = new Stored();
      stored.worker = "a";
      const taken: SegmentPorts = {
        ...ports(small, stored, store, { name: "a" }),
        saveCheckpoint: () => Promise.reject(error),
      };
      await expect(exportSegment(stored.progress, taken, Infinity)).rejects.toBe(error);
      return store.incompleteUploads();
    };
    expect(await refused(new SegmentTakenOverError(0))).toBe(0);
    expect(await refused(new Error("the response was lost"))).toBe(1);
  });

  it("has every item once, wherever workers die or are presumed dead", async () => {
    const table = { pages: 12, items: 2, bytes: 1_000 };
    const partBytes = 4_500; // three pages
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(40), { maxLength: 4 }),
        fc.boolean(),
        fc.boolean(),
        fc.constantFrom("ndjson", "parquet"),
        async (deaths, isCompressed, zombie, format) => {
          // Items of an uncompressed Parquet file are legible.
          const compressed = isCompressed && format === "ndjson";
          const stored = new Stored();
          const store = memoryObjects();
          const lives: Promise<unknown>[] = [];
          for (const [index, calls] of deaths.entries()) {
            const name = `worker-${index}`;
            let remaining = calls;
            const before = (): void => {
              if (remaining-- <= 0) throw new Killed();
            };
            stored.worker = name;
            const life = exportSegment(
              stored.progress,
              ports(table, stored, store, { name, before, format, compressed, partBytes }),
              Infinity,
            ).catch(() => undefined);
            // A zombie works on while the next one begins.
            if (!zombie) await life;
            lives.push(life);
          }
          await work(table, { name: "last", format, compressed, partBytes }, stored, store);
          await Promise.all(lives);
          await completeAll(stored, store);
          expect(idsIn(store, compressed)).toEqual(idsOf(table));
          expect(stored.parts.reduce((sum, { items }) => sum + items, 0)).toBe(24);
        },
      ),
      { numRuns: sized(30, 200) },
    );
  });
});
