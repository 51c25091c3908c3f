/** Reads an environment's status from status.json, which its publisher writes after each round of checks. */
import { GetObjectCommand, NoSuchKey, type S3Client } from "@aws-sdk/client-s3";
import { STATUS_JSON_KEY } from "../../../functions/heartbeats/contract";
import type { StatusDocument, MonitorStatus } from "../../../functions/heartbeats/status-page/document";
import { staleAt } from "../../../functions/heartbeats/status-page/status-format";

export interface TargetView extends Pick<MonitorStatus, "name" | "state" | "lastCheck" | "lastHeartbeat"> {
  /** Of the last 24 hours, 0 to 1; null without data. */
  readonly uptime: number | null;
}

export interface IncidentView {
  readonly target: string;
  readonly severity: "degraded" | "down";
  readonly openedAt: string;
  readonly message: string;
}

export interface StatusView {
  /** `s3://almanac-staging-status/status.json` */
  readonly source: string;
  readonly targets: readonly TargetView[];
  /** Those that are open. */
  readonly incidents: readonly IncidentView[];
}

/**
 * @param now epoch milliseconds
 * @returns undefined before the first round of checks
 */
export async function readStatus(s3: S3Client, bucket: string, now: number): Promise<StatusView | undefined> {
  const document = await readStatusDocument(s3, bucket);
  return document && viewOf(document, `s3://${bucket}/${STATUS_JSON_KEY}`, now);
}

/** @returns undefined before the first round of checks */
export async function readStatusDocument(s3: S3Client, bucket: string): Promise<StatusDocument | undefined> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: STATUS_JSON_KEY }));
    // Trusted: only the publisher can write to the bucket.
    return JSON.parse((await Body?.transformToString()) ?? "") as StatusDocument;
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined;
    throw error;
  }
}

/** The document's targets and open incidents. All states are unknown in a document that is stale. */
function viewOf(document: StatusDocument, source: string, now: number): StatusView {
  const isStale = now > staleAt(document);
  return {
    source,
    targets: document.monitors.map(({ name, state, lastCheck, lastHeartbeat, windows }) => ({
      name,
      state: isStale ? "unknown" : state,
      lastCheck,
      ...(lastHeartbeat !== undefined && { lastHeartbeat }),
      uptime: windows["24h"].uptime,
    })),
    incidents: document.incidents
      .filter(({ closedAt }) => closedAt === null)
      .map(({ monitor, severity, openedAt, message }) => ({ target: monitor, severity, openedAt, message })),
  };
}
