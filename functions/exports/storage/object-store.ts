/** S3 objects written by multipart upload. A chunk is one part of the upload. */
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

/** A multipart upload with all of its chunks, not completed yet. */
export interface PendingUpload {
  readonly id: string;
  /** In the order of the chunks. */
  readonly etags: readonly string[];
}

export interface ObjectStore {
  /** @returns the upload's id */
  createUpload(key: string): Promise<string>;
  /**
   * @param number from 1
   * @param chunk at least 5 MiB, except the last
   * @returns the chunk's ETag
   */
  uploadChunk(key: string, uploadId: string, number: number, chunk: Buffer): Promise<string>;
  /** Idempotent. */
  completeUpload(key: string, upload: PendingUpload): Promise<void>;
  abortUpload(key: string, uploadId: string): Promise<void>;
  /** Aborts all uploads of this key. */
  abortUploads(key: string): Promise<void>;
}

export interface ObjectStoreOptions {
  readonly bucket: string;
  readonly kmsKeyArn: string | undefined;
}

export function objectStore(s3: S3Client, { bucket: Bucket, kmsKeyArn }: ObjectStoreOptions): ObjectStore {
  const store: ObjectStore = {
    createUpload: async (Key) => {
      const command = new CreateMultipartUploadCommand({ Bucket, Key, ...encryptionParameters(kmsKeyArn) });
      const { UploadId } = await s3.send(command);
      if (UploadId === undefined) throw new Error("S3 returned no upload id");
      return UploadId;
    },
    uploadChunk: async (Key, UploadId, PartNumber, Body) => {
      const { ETag } = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }));
      if (ETag === undefined) throw new Error("S3 returned no ETag");
      return ETag;
    },
    completeUpload: async (Key, { id: UploadId, etags }) => {
      const Parts = etags.map((ETag, index) => ({ ETag, PartNumber: index + 1 }));
      try {
        await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
      } catch (error) {
        // A completed upload no longer exists, but its object does.
        if (errorName(error) !== "NoSuchUpload") throw error;
        const { ETag } = await s3.send(new HeadObjectCommand({ Bucket, Key }));
        if (!ETag?.includes(`-${etags.length}`)) throw error;
      }
    },
    abortUpload: async (Key, UploadId) => {
      await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
    },
    abortUploads: async (Key) => {
      const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket, Prefix: Key }));
      for (const { Key: key, UploadId: id } of Uploads)
        if (key === Key && id !== undefined) await store.abortUpload(Key, id);
    },
  };
  return store;
}

/** For PutObject and CreateMultipartUpload. */
export function encryptionParameters(kmsKeyArn: string | undefined) {
  return kmsKeyArn === undefined ? {} : ({ ServerSideEncryption: "aws:kms", SSEKMSKeyId: kmsKeyArn } as const);
}
