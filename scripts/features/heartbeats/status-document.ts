/** Reads status.json, which each round of checks writes. */
import { GetObjectCommand, NoSuchKey, type S3Client } from "@aws-sdk/client-s3";
import type { StatusDocument, TargetStatus } from "../../../functions/heartbeats/status-page/document";

export const STATUS_KEY = "status.json";

export interface TargetView extends Pick<TargetStatus, "name" | "state" | "lastCheck" | "lastReport"> {
  /** Of the last 24 hours, 0 to 1; null before the first check. */
  readonly uptime: number | null;
}

export interface StatusView {
  /** Where it was read: `s3://almanac-staging-status/status.json`. */
  readonly source: string;
  readonly targets: readonly TargetView[];
  /** Open incidents. */
  readonly incidents: readonly { readonly target: string; readonly openedAt: string; readonly message: string }[];
}

/** The status of all targets; undefined before the first round of checks. */
export async function readStatus(s3: S3Client, bucket: string): Promise<StatusView | undefined> {
  const source = `s3://${bucket}/${STATUS_KEY}`;
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: STATUS_KEY }));
    // Only the checker may write it: no need to parse it like input.
    return viewOf(JSON.parse((await Body?.transformToString()) ?? "") as StatusDocument, source);
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined;
    throw error;
  }
}

/** The part of the document that the command shows. */
function viewOf({ targets, incidents }: StatusDocument, source: string): StatusView {
  return {
    source,
    targets: targets.map(({ name, state, lastCheck, lastReport, windows }) => ({
      name,
      state,
      lastCheck,
      ...(lastReport !== undefined && { lastReport }),
      uptime: windows["24h"].uptime,
    })),
    incidents: incidents
      .filter(({ closedAt }) => closedAt === null)
      .map(({ target, openedAt, message }) => ({ target, openedAt, message })),
  };
}
