/** Connects {@link exportSegment} to DynamoDB, S3 and the state table. */
import type { DynamoDBClient, ScanCommandInput } from "@aws-sdk/client-dynamodb";
import type { STSClient } from "@aws-sdk/client-sts";

import type { Clock } from "../../shared/clock";
import type { Run } from "../contract";
import { fileWriter } from "../format/file-writer";
import { fileKey } from "../run/object-keys";
import { scanFilter } from "../run/window";
import { objectStore, type ObjectStore } from "../storage/object-store";
import type { SegmentClaim, StateTable } from "../storage/state-table";
import { exportClients } from "./clients";
import { rateLimiter } from "./rate-limiter";
import { roleCredentials } from "./role-credentials";
import { PART_BYTES, type PageTotals, type SegmentPorts } from "./segment";
import { tableScan } from "./table-scan";

/** The state machine's MaxConcurrency: read units are divided among at most this many segments. */
const CONCURRENT_SEGMENTS = 40;

const PROGRESS_INTERVAL_MS = 2_000;

/** Where a run reads from and writes to. Assumes the job's role, if it names one. */
export async function sourceAndTarget(
  { role, region, bucket, config: { kmsKeyArn } }: Run,
  sts: STSClient,
): Promise<{ readonly dynamodb: DynamoDBClient; readonly store: ObjectStore }> {
  const credentials = role === undefined ? undefined : await roleCredentials(sts, role);
  const { dynamodb, s3 } = exportClients({ region, ...(credentials && { credentials }) });
  return { dynamodb, store: objectStore(s3, { bucket, kmsKeyArn }) };
}

export interface SegmentResources {
  /** With permission to scan the table. */
  readonly dynamodb: DynamoDBClient;
  readonly store: ObjectStore;
  readonly state: StateTable;
  readonly clock: Clock;
  /** Called after each page. */
  readonly onPage: (page: PageTotals) => void;
}

export function segmentPorts(
  claim: SegmentClaim,
  { dynamodb, store, state, clock, onPage }: SegmentResources,
): SegmentPorts {
  const { run, segment } = claim;
  const { format, mode, compression, maxReadUnitsPerSecond: limit } = run.config;
  let progressSavedAt = clock.elapsed();
  return {
    format,
    writeEmptyFile: format === "json" && mode === "full",
    partBytes: PART_BYTES,
    scan: tableScan(dynamodb, scanInput(run, segment)),
    rateLimiter: rateLimiter(limit && limit / Math.min(run.segments, CONCURRENT_SEGMENTS), clock),
    clock,
    partKey: (part) => fileKey(run, segment, part),
    openFile: (key) => fileWriter({ key, format, compressed: compression === "gzip" }, store),
    saveCheckpoint: (checkpoint, part) => state.saveCheckpoint(claim, checkpoint, part),
    completePart: async (part) => {
      await store.completeUpload(part.key, part.upload);
      await state.markUploadCompleted(run, segment, part.number);
    },
    onPage: (page, read) => {
      onPage(page);
      if (clock.elapsed() - progressSavedAt < PROGRESS_INTERVAL_MS) return;
      progressSavedAt = clock.elapsed();
      state.saveProgress(claim, read).catch(() => undefined); // Only for display.
    },
  };
}

function scanInput({ config, window, segments }: Run, segment: number): ScanCommandInput {
  const { table, watermark, mode } = config;
  return {
    TableName: table,
    ...(segments > 1 && { Segment: segment, TotalSegments: segments }),
    // A window is scanned once: items that a replica does not have yet would be lost.
    ...(mode === "incremental" && { ConsistentRead: true }),
    ...(window && watermark && scanFilter(window, watermark.attribute, watermark.unit)),
  };
}
