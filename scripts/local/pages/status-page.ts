/** Serves the status page, which is in a private bucket, on loopback. */
import type { ServerResponse } from "node:http";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { STATUS_PAGE_KEY } from "../../../functions/heartbeats/contract";
import { errorName } from "../../../functions/shared/errors";
import type { AwsSettings } from "../../shared/aws/aws-settings";
import { createS3Client } from "../../shared/aws/s3-client";

const NOT_PUBLISHED = "The status page is not published yet: the first check is running. This page reloads itself.\n";

export type PageServer = (pathname: string, response: ServerResponse) => Promise<void>;

/** Answers GET with the object of that key, with its content type; `/` is the page. */
export function statusPageServer(bucket: string, aws: AwsSettings): PageServer {
  const s3 = createS3Client(aws);
  return async (pathname, response) => {
    const Key = pathname === "/" ? STATUS_PAGE_KEY : decodeURIComponent(pathname.slice(1));
    try {
      const { Body, ContentType = "application/octet-stream" } = await s3.send(
        new GetObjectCommand({ Bucket: bucket, Key }),
      );
      const content = (await Body?.transformToByteArray()) ?? "";
      response.writeHead(200, { "Content-Type": ContentType, "Cache-Control": "no-cache" }).end(content);
    } catch (error) {
      if (errorName(error) !== "NoSuchKey") throw error;
      if (Key === STATUS_PAGE_KEY) response.writeHead(503, { "Content-Type": "text/plain", Refresh: "2" });
      else response.writeHead(404);
      response.end(Key === STATUS_PAGE_KEY ? NOT_PUBLISHED : undefined);
    }
  };
}
