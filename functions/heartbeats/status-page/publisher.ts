import { createHash } from "node:crypto";

import { DeleteObjectCommand, paginateListObjectsV2, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";

import { mapConcurrently } from "../../shared/concurrency";
import { BADGES_PREFIX } from "../contract";
import type { StatusDocument } from "./document";
import { statusFiles, type StatusFile } from "./files";

const CONCURRENT_REQUESTS = 16;

/** Some of the status page is older than it should be, or all of it. */
export class PublishError extends Error {
  override readonly name = "StatusNotPublishedError";
}

export interface StatusPublisher {
  /**
   * Puts badges, then status.json, then the page, each whole at once: who reads meanwhile gets the one before or the new one.
   * Badges that are as they should be are left alone, those of targets that are gone are removed.
   *
   * @throws {@link StatusNotPublishedError} when something could not be put; all the rest was
   */
  publish(document: StatusDocument): Promise<void>;
}

export function statusPublisher(s3: S3Client, bucket: string): StatusPublisher {
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
    publish: async (document) => {
      const errors: unknown[] = [];
      /** One failure must not keep the others from being put, the page least of all. */
      const attempt = async (what: string, work: () => Promise<unknown>): Promise<void> => {
        try {
          await work();
        } catch (cause) {
          errors.push(new Error(what, { cause }));
        }
      };
      const putAll = (files: readonly StatusFile[]) =>
        mapConcurrently(files, CONCURRENT_REQUESTS, (file) => attempt(`${file.key} not put`, () => put(file)));

      const files = statusFiles(document);
      const isBadge = ({ key }: { readonly key: string }) => key.startsWith(BADGES_PREFIX);
      const badges = files.filter(isBadge);
      let stored: ReadonlyMap<string, string> = new Map();
      await attempt("badges not listed", async () => {
        stored = await entityTags(s3, bucket);
      });
      await putAll(badges.filter(({ key, content }) => stored.get(key) !== entityTag(content)));
      for (const file of files.filter((each) => !isBadge(each))) await putAll([file]);

      const wanted = new Set(badges.map(({ key }) => key));
      const gone = [...stored.keys()].filter((key) => !wanted.has(key));
      await mapConcurrently(gone, CONCURRENT_REQUESTS, (key) =>
        attempt(`${key} not removed`, () => s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }))),
      );
      if (errors.length === 0) return;
      const what = errors.map((error) => (error as Error).message).join(", ");
      throw new PublishError(`s3://${bucket}: ${what}`, { cause: errors[0] });
    },
  };
}

/**
 * The entity tags of all badges there are. One request tells of a thousand, and costs what one put costs: asking S3 is cheaper
 * than putting them all, and unlike remembering them it stays right when two functions write.
 */
async function entityTags(s3: S3Client, bucket: string): Promise<ReadonlyMap<string, string>> {
  const tags = new Map<string, string>();
  for await (const { Contents = [] } of paginateListObjectsV2(
    { client: s3 },
    { Bucket: bucket, Prefix: BADGES_PREFIX },
  )) {
    for (const { Key, ETag } of Contents) if (Key !== undefined) tags.set(Key, ETag ?? "");
  }
  return tags;
}

/** S3's entity tag of an object put in one piece and encrypted with S3's own keys: the MD5 of its content. */
function entityTag(content: string): string {
  return `"${createHash("md5").update(content).digest("hex")}"`;
}
