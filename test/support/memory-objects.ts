/** An object store in memory. */
import type { ObjectStore } from "../../functions/exports/storage/object-store";

export interface MemoryObjects extends ObjectStore {
  readonly objects: ReadonlyMap<string, Buffer>;
  /** The number of uploads that are neither completed nor aborted. */
  readonly incompleteUploads: () => number;
}

export function memoryObjects(): MemoryObjects {
  const objects = new Map<string, Buffer>();
  const uploads = new Map<string, { readonly key: string; readonly chunks: Map<number, Buffer> }>();
  let ids = 0;
  return {
    objects,
    incompleteUploads: () => uploads.size,
    createUpload: (key) => {
      const id = `upload-${++ids}`;
      uploads.set(id, { key, chunks: new Map() });
      return Promise.resolve(id);
    },
    uploadChunk: (_key, upload, number, chunk) => {
      const found = uploads.get(upload);
      if (found === undefined) return Promise.reject(new Error("NoSuchUpload"));
      found.chunks.set(number, Buffer.from(chunk));
      return Promise.resolve(`${upload}/${number}`);
    },
    completeUpload: (key, { id, etags }) => {
      const upload = uploads.get(id);
      if (upload === undefined)
        return objects.has(key) ? Promise.resolve() : Promise.reject(new Error(`NoSuchUpload ${id} of ${key}`));
      const chunks = etags.map((_, index) => upload.chunks.get(index + 1) ?? Buffer.alloc(0));
      objects.set(key, Buffer.concat(chunks));
      uploads.delete(id);
      return Promise.resolve();
    },
    abortUpload: (_key, id) => {
      uploads.delete(id);
      return Promise.resolve();
    },
    listUploads: (prefix) =>
      Promise.resolve([...uploads].flatMap(([id, { key }]) => (key.startsWith(prefix) ? [{ key, id }] : []))),
  };
}
