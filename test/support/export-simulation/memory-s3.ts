/** S3 in memory, as far as exports use it: conditional writes, multipart uploads. Its errors have AWS's names. */
import { createHash } from "node:crypto";

export interface StoredObject {
  readonly body: Buffer;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Upload {
  readonly key: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly chunks: Map<number, Buffer>;
}

/** The fields of requests that are read. */
export interface S3Request {
  readonly Key?: string;
  readonly Prefix?: string;
  readonly Body?: Buffer;
  readonly UploadId?: string;
  readonly PartNumber?: number;
  readonly Metadata?: Readonly<Record<string, string>>;
  readonly IfMatch?: string;
  readonly IfNoneMatch?: string;
  readonly CopySource?: string;
  readonly CopySourceIfMatch?: string;
}

const tagOf = (body: Buffer): string => `"${createHash("md5").update(body).digest("hex")}"`;

const error = (name: string): Error => Object.assign(new Error(name), { name });

export class MemoryS3 {
  readonly objects = new Map<string, StoredObject>();
  readonly uploads = new Map<string, Upload>();
  private ids = 0;

  /** @param action of the command: `PutObject` */
  execute(action: string, request: S3Request): object {
    const { Key = "", Prefix = "", UploadId = "" } = request;
    const object = this.objects.get(Key);
    switch (action) {
      case "GetObject":
      case "HeadObject":
        if (object === undefined) throw error(action === "GetObject" ? "NoSuchKey" : "NotFound");
        return {
          Body: { transformToString: () => Promise.resolve(object.body.toString()) },
          ETag: tagOf(object.body),
          Metadata: object.metadata,
        };
      case "PutObject":
        this.checkCondition(request);
        this.objects.set(Key, { body: request.Body ?? Buffer.alloc(0), metadata: {} });
        return {};
      case "CopyObject": {
        const [, ...source] = decodeURIComponent(request.CopySource ?? "").split("/");
        const copied = this.objects.get(source.join("/"));
        if (copied === undefined) throw error("NoSuchKey");
        if (request.CopySourceIfMatch !== undefined && tagOf(copied.body) !== request.CopySourceIfMatch)
          throw error("PreconditionFailed");
        this.objects.set(Key, copied);
        return {};
      }
      case "DeleteObject":
        if (object !== undefined) this.checkCondition(request);
        this.objects.delete(Key);
        return {};
      case "ListObjectsV2":
        return {
          Contents: [...this.objects.keys()].filter((key) => key.startsWith(Prefix)).map((each) => ({ Key: each })),
        };
      case "CreateMultipartUpload":
        this.uploads.set(`upload-${++this.ids}`, { key: Key, metadata: request.Metadata ?? {}, chunks: new Map() });
        return { UploadId: `upload-${this.ids}` };
      case "UploadPart": {
        const body = Buffer.from(request.Body ?? "");
        this.uploadOf(UploadId).chunks.set(request.PartNumber ?? 0, body);
        return { ETag: tagOf(body) };
      }
      case "CompleteMultipartUpload": {
        const { chunks, metadata } = this.uploadOf(UploadId);
        this.checkCondition(request);
        const body = Buffer.concat([...chunks].sort(([a], [b]) => a - b).map(([, chunk]) => chunk));
        this.objects.set(Key, { body, metadata });
        this.uploads.delete(UploadId);
        return {};
      }
      case "AbortMultipartUpload":
        this.uploadOf(UploadId);
        this.uploads.delete(UploadId);
        return {};
      case "ListMultipartUploads":
        return {
          Uploads: [...this.uploads].flatMap(([id, { key }]) =>
            key.startsWith(Prefix) ? [{ Key: key, UploadId: id }] : [],
          ),
        };
      default:
        throw new Error(`unsupported action: ${action}`);
    }
  }

  private uploadOf(id: string): Upload {
    const upload = this.uploads.get(id);
    if (upload === undefined) throw error("NoSuchUpload");
    return upload;
  }

  private checkCondition({ Key = "", IfMatch, IfNoneMatch }: S3Request): void {
    const object = this.objects.get(Key);
    if (IfMatch !== undefined && (object === undefined || tagOf(object.body) !== IfMatch))
      throw error("PreconditionFailed");
    if (IfNoneMatch === "*" && object !== undefined) throw error("PreconditionFailed");
  }
}
