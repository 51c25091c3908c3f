/** Objects that are written in chunks, and are there whole or not at all: S3's multipart uploads. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  UploadPartCommand,
  type S3Client,
} from "@aws-sdk/client-s3";

import { errorName } from "../../shared/errors";

/** An upload that has all of its chunks and only needs to be completed. */
export interface PendingUpload {
  readonly id: string;
  /** Each chunk's, in order. */
  readonly tags: readonly string[];
}

export interface ObjectStore {
  /** Begins an upload. @returns its id */
  begin(key: string): Promise<string>;
  /** Sends one chunk, numbered from 1: 5 MiB at least, but for the last. @returns its tag */
  send(key: string, upload: string, number: number, chunk: Buffer): Promise<string>;
  /** Makes the object. Again is as good as once. */
  complete(key: string, upload: PendingUpload): Promise<void>;
  abort(key: string, upload: string): Promise<void>;
  /** Aborts whatever uploads of this key somebody has left, but for one. */
  abortOthers(key: string, keep?: string): Promise<void>;
}

export interface ObjectStoreOptions {
  readonly bucket: string;
  readonly kmsKeyArn: string | undefined;
}

export function objectStore(s3: S3Client, { bucket: Bucket, kmsKeyArn }: ObjectStoreOptions): ObjectStore {
  const encryption = kmsKeyArn && ({ ServerSideEncryption: "aws:kms", SSEKMSKeyId: kmsKeyArn } as const);
  const store: ObjectStore = {
    begin: async (Key) => {
      const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...encryption }));
      if (UploadId === undefined) throw new Error("S3 has given an upload no id");
      return UploadId;
    },
    send: async (Key, UploadId, PartNumber, Body) => {
      const { ETag } = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }));
      if (ETag === undefined) throw new Error("S3 has given a chunk no tag");
      return ETag;
    },
    complete: async (Key, { id: UploadId, tags }) => {
      const Parts = tags.map((ETag, index) => ({ ETag, PartNumber: index + 1 }));
      try {
        await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
      } catch (error) {
        // S3 forgets an upload once it is completed: then its object is there.
        if (errorName(error) !== "NoSuchUpload") throw error;
        const { ETag } = await s3.send(new HeadObjectCommand({ Bucket, Key }));
        if (!ETag?.includes(`-${tags.length}`)) throw error;
      }
    },
    abort: async (Key, UploadId) => {
      await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
    },
    abortOthers: async (Key, keep) => {
      const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket, Prefix: Key }));
      for (const { Key: key, UploadId: id } of Uploads)
        if (key === Key && id !== undefined && id !== keep) await store.abort(Key, id);
    },
  };
  return store;
}
