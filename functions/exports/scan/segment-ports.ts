/** Connects {@link exportSegment} to DynamoDB, S3 and the state table. */
import { DescribeTableCommand, type ScanCommandInput } from "@aws-sdk/client-dynamodb";
import type { STSClient } from "@aws-sdk/client-sts";

import type { Clock } from "../../shared/clock";
import type { Run } from "../contract";
import { fileWriter } from "../format/file-writer";
import { ParquetSchema } from "../format/parquet-schema";
import { parquetWriter } from "../format/parquet-writer";
import type { Selection } from "../format/scan-page";
import { fileKey } from "../run/object-keys";
import { assertSameTable } from "../run/table-identity";
import { isUsable, scanFilter } from "../run/window";
import { objectStore, ownerOf, type ObjectStore } from "../storage/object-store";
import type { ReadTotals, SegmentClaim } from "../storage/segment-table";
import type { StateTable } from "../storage/state-table";
import { exportClients } from "./clients";
import { rateLimiter, tableGovernor } from "./rate-limiter";
import { roleCredentials } from "./role-credentials";
import type { PageTotals, SegmentPorts } from "./segment";
import { tableScan, type TableScan } from "./table-scan";

/** Read units of a page of a megabyte, eventually consistent. Consistent reads take twice as many. */
const PAGE_UNITS = 128;

const MEGABYTE = 1_048_576;

const PROGRESS_INTERVAL_MS = 2_000;

/** Of a worker that must stop. */
const STOPPING_ERRORS: ReadonlySet<string> = new Set(["RunFailedError", "RunSupersededError", "SegmentTakenOverError"]);

/** Where a run reads from and writes to. */
export interface SourceAndTarget {
  readonly scan: TableScan;
  /** Of the table that has the name now. */
  readonly tableId: () => Promise<string | undefined>;
  readonly store: ObjectStore;
}

/** Assumes the job's role, if it names one. @param account owns the bucket */
export async function sourceAndTarget(
  run: Run,
  segment: number,
  account: string,
  sts: STSClient,
): Promise<SourceAndTarget> {
  const {
    role,
    region,
    bucket,
    config: { table, kmsKeyArn },
  } = run;
  const credentials = role === undefined ? undefined : await roleCredentials(sts, role);
  const { dynamodb, s3 } = exportClients(account, { region, ...(credentials && { credentials }) });
  return {
    scan: tableScan(dynamodb, scanInput(run, segment)),
    tableId: async () => (await dynamodb.send(new DescribeTableCommand({ TableName: table }))).Table?.TableId,
    store: objectStore(s3, { bucket, kmsKeyArn, owner: ownerOf(run) }),
  };
}

export interface SegmentResources extends SourceAndTarget {
  readonly state: StateTable;
  readonly clock: Clock;
  /** Called after each page. */
  readonly onPage: (page: PageTotals) => void;
}

export function segmentPorts(
  claim: SegmentClaim,
  { scan, tableId, store, state, clock, onPage }: SegmentResources,
): SegmentPorts {
  const { run, segment } = claim;
  const { format, mode, compression, columns } = run.config;
  const form = { compressed: compression === "gzip", selection: selectionOf(run) };
  const schema = new ParquetSchema(columns);
  const limit = run.maxReadUnitsPerSecond;
  let progressSavedAt = clock.elapsed();
  let stopped: Error | undefined;
  const saveProgress = async (read: ReadTotals): Promise<void> => {
    await state.saveProgress(claim, read);
    await state.assertActive(run);
  };
  return {
    format,
    writeEmptyFile: format === "json" && mode === "full",
    partBytes: run.config.partMegabytes * MEGABYTE,
    scan,
    // A role of another account need not be allowed to describe its table.
    assertSameTable: async () => {
      if (run.tableId !== undefined) assertSameTable(run, await tableId());
    },
    rateLimiter:
      limit === undefined
        ? rateLimiter(undefined, clock)
        : tableGovernor({
            unitsPerSecond: limit,
            pageUnits: mode === "incremental" ? 2 * PAGE_UNITS : PAGE_UNITS,
            reserve: (milliseconds, latest) => state.reserveReads(run, milliseconds, latest),
            clock,
          }),
    clock,
    partKey: (part) => fileKey(run, segment, part),
    openFile: (key) =>
      format === "parquet"
        ? parquetWriter({ key, schema, ...form }, store)
        : fileWriter({ key, format, ...form }, store),
    saveCheckpoint: (checkpoint, part) => state.saveCheckpoint(claim, checkpoint, part),
    onPage: (page, read) => {
      if (stopped !== undefined) throw stopped;
      onPage(page);
      if (clock.elapsed() - progressSavedAt < PROGRESS_INTERVAL_MS) return;
      progressSavedAt = clock.elapsed();
      saveProgress(read).catch((error: unknown) => {
        // Other errors do not matter: progress is only displayed.
        if (error instanceof Error && STOPPING_ERRORS.has(error.name)) stopped = error;
      });
    },
  };
}

function selectionOf({ window, startedAt, resumedAt = startedAt, config: { watermark } }: Run): Selection | undefined {
  if (window === undefined || watermark === undefined) return undefined;
  const { attribute, unit } = watermark;
  return {
    attribute,
    type: unit === "iso8601" ? "S" : "N",
    isUsable: (value) => isUsable({ window, startedAt: resumedAt }, unit, value),
  };
}

/** A run's Scan of one segment. */
export function scanInput(run: Run, segment: number): ScanCommandInput {
  const { config, window, segments, startedAt, resumedAt = startedAt } = run;
  const { table, watermark, mode } = config;
  return {
    TableName: table,
    ...(segments > 1 && { Segment: segment, TotalSegments: segments }),
    // A window is scanned once: items that a replica does not have yet would be lost.
    ...(mode === "incremental" && { ConsistentRead: true }),
    ...(window && watermark && scanFilter({ window, startedAt: resumedAt }, watermark.attribute, watermark.unit)),
  };
}
