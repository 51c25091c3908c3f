import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { manifestSchema, type Manifest } from "../../../../functions/exports/contract";
import { ParquetSchema } from "../../../../functions/exports/format/parquet-schema";
import { parquetWriter } from "../../../../functions/exports/format/parquet-writer";
import type { Change } from "../../../../functions/exports/format/plain-json";
import {
  DamagedExportError,
  restore,
  verify,
  type Restored,
  type RestorePorts,
} from "../../../../scripts/features/exports/restore";
import { memoryObjects } from "../../../support/memory-objects";
import { sized } from "../../../support/sized";
import fc from "../../../support/fast-check";

const idsFrom = (from: number, count: number) => Array.from({ length: count }, (_, index) => `item-${from + index}`);

/** A Parquet file as exports write it, of several row groups. */
async function parquetOf(ids: readonly string[]): Promise<Buffer> {
  const store = memoryObjects();
  const schema = new ParquetSchema(undefined);
  const writer = parquetWriter({ key: "file", schema, compressed: true, rowGroupBytes: 2_000 }, store);
  for (const id of ids) {
    writer.addPage(Buffer.from(JSON.stringify({ Items: [{ id: { S: id } }] })));
    await writer.flush();
  }
  await store.completeUpload("file", (await writer.finish()).upload);
  return store.objects.get("file") ?? Buffer.alloc(0);
}

/** An export of such files: their items' ids. */
function exportOf(ids: readonly (readonly string[])[], more: Partial<Manifest> = {}) {
  const objects = new Map<string, Buffer>();
  const files = ids.map((ofFile, number) => {
    const lines = ofFile.map((id) => JSON.stringify({ id }));
    const text =
      more.format === "json" ? `{"user_metrics": [${lines.join(",")}]}` : lines.map((line) => `${line}\n`).join("");
    const content = more.compression === "none" ? Buffer.from(text) : gzipSync(text);
    const key = `part-${number}`;
    objects.set(key, content);
    return {
      key,
      items: ofFile.length,
      bytes: content.length,
      sha256: createHash("sha256").update(content).digest("hex"),
    };
  });
  const manifest = manifestSchema.parse({
    version: 1,
    export: "orders",
    table: "orders",
    region: "eu-central-1",
    run: "2026-11-21T17:00:00.000Z",
    day: "2026-11-21",
    startedAt: "2026-11-21T17:00:00.000Z",
    finishedAt: "2026-11-21T17:01:00.000Z",
    mode: "full",
    format: "ndjson",
    compression: "gzip",
    bucket: "files",
    items: ids.flat().length,
    bytes: 0,
    files,
    ...more,
  });
  return { manifest, objects };
}

/** What is restored, and how far it is known to be. */
class Target {
  restored: Restored = { file: 0, items: 0 };
  readonly written: string[] = [];
  readonly progress: number[] = [];

  /** @param before called before each port; may throw, as if the process was killed there */
  ports(objects: ReadonlyMap<string, Buffer>, before: (port: string) => void = () => undefined): RestorePorts {
    return {
      read: (key) => {
        before("read");
        return Promise.resolve(Readable.from([objects.get(key) ?? Buffer.alloc(0)]));
      },
      write: async (changes) => {
        await Promise.resolve();
        before("write");
        this.written.push(...changes.map(idOf));
        before("written");
      },
      save: (restored) => {
        before("save");
        this.restored = restored;
        return Promise.resolve();
      },
      onProgress: (items) => this.progress.push(items),
    };
  }
}

const idOf = (change: Change): string => ("put" in change ? change.put["id"]?.S : change.remove["id"]?.S) ?? "";

class Killed extends Error {}

describe("a restore", () => {
  it.each([
    ["lines", { format: "ndjson", compression: "gzip" }],
    ["plain lines", { format: "ndjson", compression: "none" }],
    ["a document", { format: "json", compression: "none" }],
  ] as const)("writes every item of %s once, in order, and tells how far it is", async (_, form) => {
    const ids = [idsFrom(0, 450), idsFrom(450, 10)];
    const { manifest, objects } = exportOf(ids, form);
    const target = new Target();
    expect(await restore(manifest, target.restored, target.ports(objects))).toBe(460);
    expect(target.written).toEqual(ids.flat());
    expect(target.progress).toEqual([200, 400, 450, 460]);
    expect(target.restored).toEqual({ file: 2, items: 0 });
  });

  it("writes every item of Parquet once, resumes within a file, and refuses a damaged one before it parses it", async () => {
    const ids = [idsFrom(0, 450), idsFrom(450, 10)];
    const contents = await Promise.all(ids.map(parquetOf));
    const files = contents.map((content, number) => ({
      key: `part-${number}`,
      items: ids[number]?.length ?? 0,
      bytes: content.length,
      sha256: createHash("sha256").update(content).digest("hex"),
    }));
    const { manifest } = exportOf(ids, { format: "parquet", files });
    const objects = new Map(contents.map((content, number) => [`part-${number}`, content]));
    const target = new Target();
    expect(await restore(manifest, { file: 0, items: 200 }, target.ports(objects))).toBe(260);
    expect(target.written).toEqual(ids.flat().slice(200));
    expect(await verify(manifest, 0, target.ports(objects))).toBe(460);
    for (const damaged of [contents[0]?.subarray(0, -9), Buffer.concat([...contents]), Buffer.alloc(0)]) {
      const ports = target.ports(new Map([...objects, ["part-0", damaged ?? Buffer.alloc(0)]]));
      await expect(verify(manifest, 0, ports)).rejects.toThrow(DamagedExportError);
    }
  });

  it("goes on after what it has saved: nothing that is known to be written is written again", async () => {
    const ids = [idsFrom(0, 450), idsFrom(450, 300)];
    const { manifest, objects } = exportOf(ids);
    const target = new Target();
    let saves = 0;
    const killed = target.ports(objects, (port) => {
      if (port === "write" && saves === 2) throw new Killed();
      if (port === "save") saves += 1;
    });
    await expect(restore(manifest, target.restored, killed)).rejects.toThrow(Killed);
    expect(target.restored).toEqual({ file: 0, items: 400 });
    expect(await restore(manifest, target.restored, target.ports(objects))).toBe(350);
    expect(target.written).toEqual(ids.flat());
    expect(target.progress.at(-1)).toBe(750);
  });

  it("loads everything, wherever and however often it is killed, and repeats one batch a kill at most", async () => {
    const ids = [idsFrom(0, 230), [], idsFrom(230, 420)];
    const { manifest, objects } = exportOf(ids);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(20), { maxLength: 6 }), async (deaths) => {
        const target = new Target();
        for (const calls of deaths) {
          let left = calls;
          const ports = target.ports(objects, () => {
            if (left-- <= 0) throw new Killed();
          });
          await restore(manifest, target.restored, ports).catch((error: unknown) => {
            if (!(error instanceof Killed)) throw error;
          });
        }
        await restore(manifest, target.restored, target.ports(objects));
        expect([...new Set(target.written)]).toEqual(ids.flat());
        expect(target.written.length).toBeLessThanOrEqual(650 + 200 * deaths.length);
      }),
      { numRuns: sized(30, 400) },
    );
  });

  it("deletes what DynamoDB's own export says was deleted", async () => {
    const lines = [
      { Keys: { id: { S: "new" } }, NewImage: { id: { S: "new" }, n: { N: "1" } } },
      { Keys: { id: { S: "gone" } } },
    ];
    const content = gzipSync(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    const md5 = createHash("md5").update(content).digest("base64");
    const files = [{ key: "data", items: 2, bytes: content.length, md5 }];
    const { manifest } = exportOf([], { format: "dynamodb-json", mode: "incremental", items: 2, files });
    const changes: Change[] = [];
    const ports = new Target().ports(new Map([["data", content]]));
    await restore(
      manifest,
      { file: 0, items: 0 },
      {
        ...ports,
        write: (batch) => {
          changes.push(...batch);
          return Promise.resolve();
        },
      },
    );
    expect(changes).toEqual([{ put: { id: { S: "new" }, n: { N: "1" } } }, { remove: { id: { S: "gone" } } }]);
  });

  it.each([
    ["cut off", (content: Buffer) => content.subarray(0, -2)],
    ["changed", (content: Buffer) => Buffer.from(content.toString().replace("item-1", "item-x"))],
    ["short of a line", (content: Buffer) => content.subarray(0, content.lastIndexOf("{"))],
  ])("of a file that is %s fails, and says which", async (_, damage) => {
    const { manifest, objects } = exportOf([idsFrom(0, 5)], { compression: "none" });
    const [[key, content] = ["", Buffer.alloc(0)]] = objects;
    const ports = new Target().ports(new Map([[key, damage(content)]]));
    const restored = restore(manifest, { file: 0, items: 0 }, ports);
    await expect(restored).rejects.toThrow(DamagedExportError);
    await expect(restored).rejects.toThrow("part-0 differs from its manifest");
  });

  it.each([
    ["of garbage", {}, () => Buffer.from("no gzip"), "after 0 of 5 items, it cannot be unpacked"],
    ["that is empty", {}, () => Buffer.alloc(0), "after 0 of 5 items, it cannot be unpacked"],
    [
      "cut off",
      {},
      (content: Buffer) => content.subarray(0, -9),
      "items, it cannot be unpacked (unexpected end of file)",
    ],
    [
      "with a line that is no item",
      { compression: "none" },
      (content: Buffer) => Buffer.from(content.toString().replace('{"id":"item-2"}', "its secret")),
      "after 2 of 5 items, the line is not JSON (position 0: line 1, column 1)",
    ],
  ] as const)("of a file %s says which, and where, without its content", async (_, form, damage, message) => {
    const { manifest, objects } = exportOf([idsFrom(0, 5)], form);
    const [[key, content] = ["", Buffer.alloc(0)]] = objects;
    const ports = new Target().ports(new Map([[key, damage(content)]]));
    const verified = verify(manifest, 0, ports);
    await expect(verified).rejects.toThrow(DamagedExportError);
    await expect(verified).rejects.toThrow("part-0 differs from its manifest: after ");
    await expect(verified).rejects.toThrow(message);
    await expect(verified).rejects.not.toThrow("secret");
  });

  it("of a file that has more than the manifest says fails before it is read to its end: a small one may unpack to any length", async () => {
    const { manifest, objects } = exportOf([idsFrom(0, 5)], { compression: "none" });
    const content = objects.get("part-0") ?? Buffer.alloc(0);
    let reads = 0;
    const endless = Readable.from(
      (function* () {
        for (; reads < 1_000; reads++) yield content;
      })(),
    );
    await expect(
      verify(manifest, 0, { ...new Target().ports(objects), read: () => Promise.resolve(endless) }),
    ).rejects.toThrow(/after 5 of 5 items, it (has more|is longer)/);
    expect(reads).toBeLessThan(1_000);

    const packed = gzipSync('{"id":"item-0"}\n'.repeat(100_000));
    const file = { key: "part-0", items: 5, bytes: packed.length, sha256: "0" };
    const target = new Target();
    const ports = target.ports(new Map([["part-0", packed]]));
    const restored = restore(exportOf([], { items: 5, files: [file] }).manifest, target.restored, ports);
    await expect(restored).rejects.toThrow("part-0 differs from its manifest: after 5 of 5 items, it has more");

    const parquet: Partial<Manifest> = { format: "parquet", items: 5, files: [{ ...file, bytes: 1 }] };
    await expect(verify(exportOf([], parquet).manifest, 0, ports)).rejects.toThrow("after 0 of 5 items, it is longer");
  });

  it("of a file that is one line without an end fails, and says which", async () => {
    const content = gzipSync(Buffer.alloc(40 * 1_048_576));
    const files = [{ key: "part-0", items: 1, bytes: content.length, sha256: "0" }];
    const { manifest } = exportOf([], { items: 1, files });
    const ports = new Target().ports(new Map([["part-0", content]]));
    const verified = verify(manifest, 0, ports);
    await expect(verified).rejects.toThrow(DamagedExportError);
    await expect(verified).rejects.toThrow("after 0 of 1 items, an item is longer than those of DynamoDB");
  });

  it("of a file with the manifest's checksum that is not Parquet fails, and says which", async () => {
    const content = Buffer.from("no parquet");
    const sha256 = createHash("sha256").update(content).digest("hex");
    const { manifest } = exportOf([], { format: "parquet", files: [{ key: "part-0", items: 1, bytes: 10, sha256 }] });
    const verified = verify(manifest, 0, new Target().ports(new Map([["part-0", content]])));
    await expect(verified).rejects.toThrow(DamagedExportError);
    await expect(verified).rejects.toThrow("part-0 differs from its manifest: after 0 of 1 items, it is not Parquet");
  });

  it("of a file that cannot be unpacked, or not be read to its end, fails", async () => {
    const { manifest, objects } = exportOf([idsFrom(0, 5)]);
    const broken = new Target().ports(new Map([["part-0", Buffer.from("no gzip")]]));
    await expect(restore(manifest, { file: 0, items: 0 }, broken)).rejects.toThrow(/header/);
    await expect(restore(manifest, { file: 0, items: 0 }, broken)).rejects.toThrow(DamagedExportError);
    const stopping = Readable.from(
      (async function* () {
        await Promise.resolve();
        yield (objects.get("part-0") ?? Buffer.alloc(0)).subarray(0, 10);
        throw new Error("connection reset");
      })(),
    );
    const ports = { ...broken, read: () => Promise.resolve(stopping) };
    await expect(restore(manifest, { file: 0, items: 0 }, ports)).rejects.toThrow("connection reset");
  });

  it("that cannot write reads no further", async () => {
    const { manifest, objects } = exportOf([idsFrom(0, 5)]);
    const stored = Readable.from([objects.get("part-0") ?? Buffer.alloc(0), Buffer.alloc(1)]);
    const target = new Target();
    const ports = target.ports(objects, (port) => {
      if (port === "write") throw new Error("no such table");
    });
    const longer = { ...manifest, files: manifest.files.map((file) => ({ ...file, bytes: file.bytes + 1 })) };
    const restored = restore(longer, target.restored, { ...ports, read: () => Promise.resolve(stored) });
    await expect(restored).rejects.toThrow("no such table");
    await new Promise(setImmediate);
    expect(stored.destroyed).toBe(true);
  });
});
