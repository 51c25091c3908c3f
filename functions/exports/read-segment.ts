import { randomUUID } from "node:crypto";

import type { ScanCommandInput } from "@aws-sdk/client-dynamodb";

import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createSts } from "../shared/aws/clients/sts";
import { invocationHandler } from "../shared/handlers/invocation-handler";
import { exportClients } from "./scan/clients";
import { readEnvironment, segmentCallSchema, type Run } from "./contract";
import { answeringFailures } from "./run/failure";
import { fileWriter } from "./format/file-writer";
import { fileKey, namesOf } from "./run/object-keys";
import { objectStore } from "./format/object-store";
import { paceOf } from "./scan/rate-limiter";
import { roleCredentials } from "./scan/role-credentials";
import { exportSegment, PART_BYTES, type Amount } from "./scan/segment";
import { stateTable } from "./storage/state-table";
import { tableScan } from "./scan/table-scan";
import { filterOf } from "./run/window";

/** Kept back from Lambda's own limit: time to send and to save what was read. */
const CLOSING_MS = 45_000;

/** How often people are told how far it is. */
const TELL_EVERY_MS = 2_000;

/** Step Functions' Map runs so many at a time, so the read units are shared by no more. */
const SEGMENTS_AT_A_TIME = 40;

/**
 * Exports a segment of a run from where it was left, until it is done or the time is up. Step Functions may call twice for one
 * segment: then the last one called is the only one whose work counts.
 */
export const handler = invocationHandler(
  readEnvironment,
  { input: segmentCallSchema },
  ({ environment, clock, logger, metrics }) => {
    const own = createDynamoDB();
    const sts = createSts();
    const state = stateTable(own, environment.STATE_TABLE, clock);

    return answeringFailures(logger, async ({ run, segment }, { deadline }): Promise<{ readonly done: boolean }> => {
      const { config } = run;
      const at = { run, segment, worker: randomUUID() };
      const progress = await state.takeSegment(at);
      if (progress.done) return { done: true };

      const credentials = run.role === undefined ? undefined : await roleCredentials(sts, run.role);
      const { dynamodb, s3 } = exportClients({ region: run.region, ...(credentials && { credentials }) });
      const store = objectStore(s3, { bucket: run.bucket, kmsKeyArn: config.kmsKeyArn });
      const keyOf = (part: number): string => fileKey(namesOf(run), segment, part);
      await store.abortOthers(keyOf(progress.nextPart));

      let [items, bytes, units, toldAt] = [0, 0, 0, clock.elapsed()];
      const tell = (seen: Amount): void => {
        if (clock.elapsed() - toldAt < TELL_EVERY_MS) return;
        toldAt = clock.elapsed();
        state.saveSeen(at, seen).catch(() => undefined); // Nothing hangs on it.
      };
      const share = Math.min(run.segments, SEGMENTS_AT_A_TIME);
      const cap = config.maxReadUnitsPerSecond === undefined ? undefined : config.maxReadUnitsPerSecond / share;
      try {
        const done = await exportSegment(
          progress,
          {
            format: config.format,
            writesEmpty: config.format === "json" && config.mode === "full",
            partBytes: PART_BYTES,
            scan: tableScan(dynamodb, scanInput(run, segment)),
            pace: paceOf(cap, clock),
            clock,
            keyOf,
            open: (key) => fileWriter({ key, format: config.format, compressed: config.compression === "gzip" }, store),
            save: (next, part) => state.saveProgress(at, next, part),
            complete: async (part) => {
              await store.complete(part.key, part.upload);
              await state.markStored(run, segment, part.number);
            },
            onPage: (page, read) => {
              items += page.items;
              bytes += page.bytes;
              units += page.units;
              tell(read);
            },
          },
          clock.elapsed() + (deadline - CLOSING_MS - clock.now()),
        );
        return { done };
      } finally {
        metrics.count("exportedItems", items);
        metrics.count("readBytes", bytes);
        metrics.count("readUnits", units);
      }
    });
  },
);

function scanInput({ config, window, segments }: Run, segment: number): ScanCommandInput {
  const { table, watermark, mode } = config;
  return {
    TableName: table,
    ...(segments > 1 && { Segment: segment, TotalSegments: segments }),
    // A window never comes again: what a replica has not heard of yet would be in none.
    ...(mode === "incremental" && { ConsistentRead: true }),
    ...(window && watermark && filterOf(window, watermark.attribute, watermark.unit)),
  };
}
