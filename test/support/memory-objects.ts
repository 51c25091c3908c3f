/** S3's multipart uploads in memory: an object is there whole, once it is completed, or not at all. */
import type { ObjectStore } from "../../functions/exports/format/object-store";

export interface MemoryObjects extends ObjectStore {
  readonly objects: ReadonlyMap<string, Buffer>;
  /** Uploads that nobody has completed or aborted. */
  readonly open: () => number;
}

export function memoryObjects(): MemoryObjects {
  const objects = new Map<string, Buffer>();
  const uploads = new Map<string, { readonly key: string; readonly chunks: Map<number, Buffer> }>();
  let ids = 0;
  return {
    objects,
    open: () => uploads.size,
    begin: (key) => {
      const id = `upload-${++ids}`;
      uploads.set(id, { key, chunks: new Map() });
      return Promise.resolve(id);
    },
    send: (_key, upload, number, chunk) => {
      const found = uploads.get(upload);
      if (found === undefined) return Promise.reject(new Error("NoSuchUpload"));
      found.chunks.set(number, Buffer.from(chunk));
      return Promise.resolve(`${upload}/${number}`);
    },
    complete: (key, { id, tags }) => {
      const upload = uploads.get(id);
      if (upload === undefined)
        return objects.has(key) ? Promise.resolve() : Promise.reject(new Error(`NoSuchUpload ${id} of ${key}`));
      const chunks = tags.map((_, index) => upload.chunks.get(index + 1) ?? Buffer.alloc(0));
      objects.set(key, Buffer.concat(chunks));
      uploads.delete(id);
      return Promise.resolve();
    },
    abort: (_key, id) => {
      uploads.delete(id);
      return Promise.resolve();
    },
    abortOthers: (key, keep) => {
      for (const [id, upload] of uploads) if (upload.key === key && id !== keep) uploads.delete(id);
      return Promise.resolve();
    },
  };
}
