/** What status.json tells of the targets: the document that each round of checks writes. */
import { GetObjectCommand, NoSuchKey, type S3Client } from "@aws-sdk/client-s3";
import type { StatusDocument } from "../../../functions/heartbeats/status-page/document";
import type { StatusSource, StatusView } from "./status-view";

export const STATUS_KEY = "status.json";

/** {@link StatusSource} over the status page's bucket. There is nothing to read before the first round of checks. */
export function documentSource(s3: S3Client, bucket: string): StatusSource {
  return {
    read: async () => {
      const source = `s3://${bucket}/${STATUS_KEY}`;
      try {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: STATUS_KEY }));
        // Ours to trust: nobody but the checker may write there.
        return viewOf(JSON.parse((await Body?.transformToString()) ?? "") as StatusDocument, source);
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    },
  };
}

/** As much of the document as the command shows. */
export function viewOf({ targets, incidents }: StatusDocument, source: string): StatusView {
  return {
    source,
    targets: targets.map(({ name, state, lastCheck, lastReport, windows }) => ({
      name,
      state,
      lastCheck,
      ...(lastReport !== undefined && { lastReport }),
      failuresToday: null,
      uptime: windows["24h"].uptime,
    })),
    incidents: incidents
      .filter(({ closedAt }) => closedAt === null)
      .map(({ target, openedAt, message }) => ({ target, openedAt, message })),
  };
}
