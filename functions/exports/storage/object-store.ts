/** S3 objects written by multipart upload. A chunk is one part of the upload. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  UploadPartCommand,
  type MultipartUpload,
  type S3Client,
} from "@aws-sdk/client-s3";

import { errorName } from "../../shared/errors";
import type { Run } from "../contract";

/** A multipart upload with all of its chunks, not completed yet. */
export interface PendingUpload {
  readonly id: string;
  /** In the order of the chunks. */
  readonly etags: readonly string[];
}

export interface IncompleteUpload {
  readonly key: string;
  readonly id: string;
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
  /**
   * Creates the object; never overwrites one. Idempotent.
   *
   * @throws {@link ObjectExistsError}, {@link UploadLostError}
   */
  completeUpload(key: string, upload: PendingUpload): Promise<void>;
  abortUpload(key: string, uploadId: string): Promise<void>;
  /** Incomplete uploads of keys with this prefix. */
  listUploads(prefix: string): Promise<readonly IncompleteUpload[]>;
}

/** Another run or system has written an object with the key. */
export class ObjectExistsError extends Error {
  override readonly name = "ObjectExistsError";
}

/** The upload was aborted, by a newer run or by the bucket's lifecycle rule. */
export class UploadLostError extends Error {
  override readonly name = "UploadLostError";
}

export interface ObjectStoreOptions {
  readonly bucket: string;
  readonly kmsKeyArn: string | undefined;
  /** Saved with each object. */
  readonly owner: string;
}

/** Identifies a run among those of all deployments, by which it recognizes the objects that it has written. ASCII. */
export function ownerOf({ deployment, exportId, id }: Pick<Run, "deployment" | "exportId" | "id">): string {
  return `${deployment}/${exportId}/${id}`;
}

const OWNER = "almanac-run";

export function objectStore(s3: S3Client, { bucket: Bucket, kmsKeyArn, owner }: ObjectStoreOptions): ObjectStore {
  const ownerOfObject = async (Key: string): Promise<string | undefined> => {
    try {
      const { Metadata } = await s3.send(new HeadObjectCommand({ Bucket, Key }));
      return Metadata?.[OWNER] ?? "";
    } catch (error) {
      // A response to HEAD has no body, so no code.
      if (["NotFound", "NoSuchKey"].includes(errorName(error))) return undefined;
      throw error;
    }
  };
  return {
    createUpload: async (Key) => {
      const { UploadId } = await s3.send(
        new CreateMultipartUploadCommand({
          Bucket,
          Key,
          Metadata: { [OWNER]: owner },
          ...encryptionParameters(kmsKeyArn),
        }),
      );
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
        await s3.send(
          new CompleteMultipartUploadCommand({
            Bucket,
            Key,
            UploadId,
            MultipartUpload: { Parts },
            IfNoneMatch: "*",
          }),
        );
      } catch (cause) {
        if (!["NoSuchUpload", "PreconditionFailed"].includes(errorName(cause))) throw cause;
        // A completed upload no longer exists, but its object does: the response was lost.
        const found = await ownerOfObject(Key);
        if (found === undefined) throw new UploadLostError(`the upload of ${Key} was aborted`, { cause });
        if (found !== owner) throw new ObjectExistsError(`${Key} exists, and is not of this run`, { cause });
      }
    },
    abortUpload: async (Key, UploadId) => {
      try {
        await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
      } catch (error) {
        if (errorName(error) !== "NoSuchUpload") throw error;
      }
    },
    listUploads: async (Prefix) => {
      const uploads: IncompleteUpload[] = [];
      for await (const { Key: key, UploadId: id } of incompleteUploads(s3, Bucket, Prefix))
        if (key !== undefined && id !== undefined) uploads.push({ key, id });
      return uploads;
    },
  };
}

async function* incompleteUploads(s3: S3Client, Bucket: string, Prefix: string): AsyncGenerator<MultipartUpload> {
  let markers: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {};
  for (let more = true; more;) {
    const page = await s3.send(new ListMultipartUploadsCommand({ Bucket, Prefix, ...markers }));
    yield* page.Uploads ?? [];
    more = page.IsTruncated === true;
    markers = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
  }
}

/** For PutObject and CreateMultipartUpload. */
export function encryptionParameters(kmsKeyArn: string | undefined) {
  return kmsKeyArn === undefined ? {} : ({ ServerSideEncryption: "aws:kms", SSEKMSKeyId: kmsKeyArn } as const);
}
