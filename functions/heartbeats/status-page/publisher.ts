/** Writes the files of the status page to S3. */
import { createHash } from "node:crypto";

import { DeleteObjectCommand, paginateListObjectsV2, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";

import { mapConcurrently } from "../../shared/resilience/concurrency";
import { BADGES_PREFIX, INCIDENTS_PREFIX, STATUS_JSON_KEY, STATUS_PAGE_KEY, type StoredBrand } from "../contract";
import type { StatusDocument } from "./document";
import { statusFiles, type StatusFile } from "./files";

const CONCURRENT_REQUESTS = 16;

/** Files here belong to a monitor or an incident. */
const REMOVED_PREFIXES = new RegExp(`^(${BADGES_PREFIX}|${INCIDENTS_PREFIX})`);

/** Some files could not be written or removed; the others were. */
class PublishError extends Error {
  override readonly name = "PublishError";
}

export interface StatusPublisher {
  /**
   * Writes changed badges, incidents and feeds, then status.json, then the page; removes badges of removed monitors and old incidents.
   *
   * @throws {@link PublishError}
   */
  publish(document: StatusDocument, brand: StoredBrand): Promise<void>;
}

/** @param pageUrl of the published page */
export function statusPublisher(s3: S3Client, bucket: string, pageUrl?: string): StatusPublisher {
  const put = ({ key, contentType, cacheControl, content }: StatusFile) =>
    s3.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: content,
        ContentType: contentType,
        CacheControl: cacheControl,
      }),
    );
  return {
    publish: async (document, brand) => {
      const errors: unknown[] = [];
      // One failed file must not prevent the others, above all the page.
      const attempt = async (failure: string, work: () => Promise<unknown>): Promise<void> => {
        try {
          await work();
        } catch (cause) {
          errors.push(new Error(failure, { cause }));
        }
      };
      const putAll = (files: readonly StatusFile[]) =>
        mapConcurrently(files, CONCURRENT_REQUESTS, (file) => attempt(`${file.key} not put`, () => put(file)));

      const files = statusFiles(document, brand, pageUrl);
      let stored: ReadonlyMap<string, string> = new Map();
      await attempt("files not listed", async () => {
        stored = await entityTags(s3, bucket);
      });
      const isLast = ({ key }: StatusFile) => key === STATUS_JSON_KEY || key === STATUS_PAGE_KEY;
      await putAll(files.filter((file) => !isLast(file) && stored.get(file.key) !== entityTag(file.content)));
      for (const file of files.filter(isLast)) await putAll([file]);

      const current = new Set(files.map(({ key }) => key));
      const obsolete = [...stored.keys()].filter((key) => REMOVED_PREFIXES.test(key) && !current.has(key));
      await mapConcurrently(obsolete, CONCURRENT_REQUESTS, (key) =>
        attempt(`${key} not removed`, () => s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }))),
      );
      if (errors.length === 0) return;
      const failures = errors.map((error) => (error as Error).message).join(", ");
      throw new PublishError(`s3://${bucket}: ${failures}`, { cause: errors[0] });
    },
  };
}

/** ETags of all stored files: one request lists a thousand of them at the price of one PUT, and unlike a cache it is always right. */
async function entityTags(s3: S3Client, bucket: string): Promise<ReadonlyMap<string, string>> {
  const tags = new Map<string, string>();
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket: bucket }))
    for (const { Key, ETag } of Contents) if (Key !== undefined) tags.set(Key, ETag ?? "");
  return tags;
}

/** The ETag of an object that is not multipart and uses SSE-S3: the MD5 of its content. */
function entityTag(content: string): string {
  return `"${createHash("md5").update(content).digest("hex")}"`;
}
