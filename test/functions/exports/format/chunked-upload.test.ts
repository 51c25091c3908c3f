import { createHash, randomBytes } from "node:crypto";

import { ChunkedUpload } from "../../../../functions/exports/format/chunked-upload";
import type { ObjectStore } from "../../../../functions/exports/storage/object-store";

const CHUNK_BYTES = 8 * 1_048_576;

/** A store whose chunks take a while, and what it received. */
function setUp(respond: (number: number) => Promise<void> = () => Promise.resolve()) {
  const received = new Map<number, Buffer>();
  const seen = { uploads: 0, aborted: [] as string[], inFlight: 0, most: 0 };
  const store: ObjectStore = {
    createUpload: () => Promise.resolve(`upload${++seen.uploads}`),
    uploadChunk: async (_, __, number, chunk) => {
      seen.most = Math.max(seen.most, ++seen.inFlight);
      await new Promise(setImmediate);
      await respond(number).finally(() => (seen.inFlight -= 1));
      // Read at the end: the buffer must not have been reused meanwhile.
      received.set(number, Buffer.from(chunk));
      return `etag${number}`;
    },
    completeUpload: () => Promise.resolve(),
    abortUpload: (_, id) => {
      seen.aborted.push(id);
      return Promise.resolve();
    },
    listUploads: () => Promise.resolve([]),
  };
  return { upload: new ChunkedUpload("key", store), received, seen };
}

describe("an upload in chunks", () => {
  it("uploads at most two chunks at a time, whole, in order, whatever the pieces", async () => {
    const { upload, received, seen } = setUp();
    const content = randomBytes(5 * CHUNK_BYTES + 12_345);
    for (let from = 0; from < content.length; from += 3_000_001)
      await upload.write(content.subarray(from, from + 3_000_001));
    const file = await upload.finish();
    expect(seen.most).toBe(2);
    expect([...received.values()].map(({ length }) => length)).toEqual([...Array<number>(5).fill(CHUNK_BYTES), 12_345]);
    expect(
      Buffer.concat([...received.entries()].sort(([a], [b]) => a - b).map(([, chunk]) => chunk)).equals(content),
    ).toBe(true);
    expect(file).toEqual({
      upload: { id: "upload1", etags: [1, 2, 3, 4, 5, 6].map((number) => `etag${number}`) },
      bytes: content.length,
      sha256: createHash("sha256").update(content).digest("hex"),
    });
  });

  it("of nothing is one empty chunk", async () => {
    const { upload, received } = setUp();
    expect(await upload.finish()).toMatchObject({ bytes: 0, upload: { etags: ["etag1"] } });
    expect(received.get(1)).toHaveLength(0);
  });

  it("fails with the chunk that S3 refuses in its middle, and aborts once, without chunks in flight", async () => {
    const { upload, seen } = setUp((number) =>
      number === 2 ? Promise.reject(new Error("AccessDenied")) : Promise.resolve(),
    );
    const write = async () => {
      for (let chunk = 0; chunk < 5; chunk++) await upload.write(Buffer.alloc(CHUNK_BYTES));
      await upload.finish();
    };
    await expect(write()).rejects.toThrow("AccessDenied");
    await upload.abort();
    expect([seen.aborted, seen.inFlight, seen.uploads]).toEqual([["upload1"], 0, 1]);
  });

  it("that has sent nothing has nothing to abort", async () => {
    const { upload, seen } = setUp();
    await upload.write(Buffer.alloc(10));
    await upload.abort();
    expect([seen.aborted, seen.uploads]).toEqual([[], 0]);
  });
});
