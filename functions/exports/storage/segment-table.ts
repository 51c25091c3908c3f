/** Segments of runs: claims, checkpoints, parts, and the time reserved for reading a table. */
import { UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import * as z from "zod";

import { valuesOf } from "../../shared/aws/item";
import { JsonSyntaxError, parseJson } from "../../shared/input";
import { exportedFileSchema, type ExportedFile, type Run } from "../contract";
import type { PendingUpload } from "./object-store";
import { isConditionFailed, parseRow, STATE, type StateItems } from "./state-items";

const segmentKey = (segment: number): string => `segment#${String(segment).padStart(4, "0")}`;
const partKey = (segment: number, part: number): string =>
  `part#${String(segment).padStart(4, "0")}-${String(part).padStart(5, "0")}`;

/** Partition key of a run's segments and parts. */
const runPartition = ({ exportId, id }: Pick<Run, "exportId" | "id">): string => `${exportId}#${id}`;

const untilSchema = z.object({ until: z.number() });

const totalsSchema = z
  .object({ items: z.number(), bytes: z.number(), unusable: z.number().default(0) })
  .default({ items: 0, bytes: 0, unusable: 0 });

const segmentSchema = z.object({
  lastKey: z.string().refine(isItemKey, "is not the key of an item").optional(),
  nextPart: z.int().nonnegative().default(0),
  done: z.boolean().default(false),
  read: totalsSchema,
  /** `read`, and what the current worker has read since. Only for display. */
  progress: totalsSchema,
});

const partSchema = z.object({
  ...exportedFileSchema.shape,
  sk: z.string(),
  upload: z.object({ id: z.string(), etags: z.array(z.string()) }).optional(),
});

/** In DynamoDB JSON. Attributes of keys have one of three types. */
const itemKeySchema = z.record(
  z.string(),
  z.union(["S", "N", "B"].map((type) => z.strictObject({ [type]: z.string() }))),
);

function isItemKey(text: string): boolean {
  try {
    return itemKeySchema.safeParse(parseJson(text)).success;
  } catch (error) {
    if (error instanceof JsonSyntaxError) return false;
    throw error;
  }
}

/** What was read from a table, whether or not a filter selected it. */
export interface ReadTotals {
  readonly items: number;
  /** Bytes of Scan responses. */
  readonly bytes: number;
  /** Items that no window can hold. @default 0 */
  readonly unusable?: number;
}

export interface SegmentCheckpoint {
  /** DynamoDB JSON. Undefined before the first page. */
  readonly lastKey: string | undefined;
  /** From 0. */
  readonly nextPart: number;
  readonly done: boolean;
  /** Up to the last key. */
  readonly read: ReadTotals;
}

/** A part whose multipart upload has all of its chunks and is not completed yet. */
export interface UploadedPart {
  readonly number: number;
  readonly key: string;
  readonly items: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly unfitValues?: number;
  readonly upload: PendingUpload;
}

/** A file of a run, with its upload until that is completed. */
export type StoredPart = ExportedFile & {
  readonly upload: PendingUpload | undefined;
  readonly segment: number;
  readonly number: number;
};

export interface RunProgress extends ReadTotals {
  readonly segments: number;
  readonly segmentsDone: number;
}

/** A worker's claim on a segment. */
export interface SegmentClaim {
  readonly run: Run;
  readonly segment: number;
  readonly worker: string;
}

/** Another worker has claimed the segment: this one must stop, and nothing it saves is accepted. */
export class SegmentTakenOverError extends Error {
  override readonly name = "SegmentTakenOverError";
  constructor(segment: number) {
    super(`another worker has taken over segment ${segment}`);
  }
}

export interface SegmentTable {
  /**
   * Makes this worker the only one that can save checkpoints of the segment.
   *
   * @throws {@link SegmentTakenOverError} when a later attempt of the run has it; UnreadableRowError
   */
  readonly claimSegment: (claim: SegmentClaim) => Promise<SegmentCheckpoint>;
  /** @throws {@link SegmentTakenOverError} */
  readonly saveCheckpoint: (
    claim: SegmentClaim,
    checkpoint: SegmentCheckpoint,
    part: UploadedPart | undefined,
  ) => Promise<void>;
  /**
   * Saves what was read of the segment since its beginning. Only for display.
   *
   * @throws {@link SegmentTakenOverError}
   */
  readonly saveProgress: (claim: SegmentClaim, read: ReadTotals) => Promise<void>;
  readonly runProgress: (run: Run) => Promise<RunProgress>;
  /**
   * Reserves time for reading a run's table, of whatever export: see tableGovernor.
   *
   * @param latest reserves nothing if the reservation would begin later, epoch milliseconds
   * @returns when the reservation begins, epoch milliseconds; undefined: later than `latest`
   */
  readonly reserveReads: (run: Run, milliseconds: number, latest?: number) => Promise<number | undefined>;
  /** Saves a file that needs no upload. */
  readonly saveFile: (run: Run, number: number, file: ExportedFile) => Promise<void>;
  readonly markUploadCompleted: (run: Run, segment: number, part: number) => Promise<void>;
  /** All files of a run, in order. */
  readonly parts: (run: Run) => Promise<readonly StoredPart[]>;
}

export function segmentTable({ dynamodb, clock, ttl, read, query, transact, update, put }: StateItems): SegmentTable {
  const putPart = (run: Run, segment: number, { number, ...part }: ExportedFile & { readonly number: number }) =>
    put({ pk: runPartition(run), sk: partKey(segment, number), ...part, ttl: ttl() });

  return {
    claimSegment: async ({ run, segment, worker }) => {
      const command = new UpdateItemCommand({
        ...update(
          runPartition(run),
          segmentKey(segment),
          "SET #worker = :worker, #attempt = :attempt, #ttl = :ttl",
          { ":worker": worker, ":attempt": run.attempt, ":ttl": ttl() },
          "attribute_not_exists(#attempt) OR #attempt <= :attempt",
        ),
        ReturnValues: "ALL_NEW",
      });
      const { Attributes = {} } = await dynamodb.send(command).catch((error: unknown) => {
        throw takeoverOr(error, segment);
      });
      const { lastKey, nextPart, done, read } = parseRow(segmentSchema, valuesOf(Attributes));
      return { lastKey, nextPart, done, read };
    },
    saveCheckpoint: async ({ run, segment, worker }, { lastKey, nextPart, done, read }, part) => {
      const saved = await transact([
        {
          Update: update(
            runPartition(run),
            segmentKey(segment),
            `SET #nextPart = :nextPart, #done = :done, #read = :read, #progress = :read${lastKey === undefined ? "" : ", #lastKey = :lastKey"}`,
            { ":nextPart": nextPart, ":done": done, ":read": read, ":lastKey": lastKey, ":worker": worker },
            "#worker = :worker",
          ),
        },
        ...(part === undefined ? [] : [putPart(run, segment, part)]),
      ]);
      if (!saved) throw new SegmentTakenOverError(segment);
    },
    saveProgress: async ({ run, segment, worker }, read) => {
      const values = { ":read": read, ":worker": worker };
      const command = update(
        runPartition(run),
        segmentKey(segment),
        "SET #progress = :read",
        values,
        "#worker = :worker",
      );
      await dynamodb.send(new UpdateItemCommand(command)).catch((error: unknown) => {
        throw takeoverOr(error, segment);
      });
    },
    runProgress: async (run) => {
      const segments = (await query(runPartition(run), "segment#")).map((item) => parseRow(segmentSchema, item));
      return {
        segments: run.segments,
        segmentsDone: segments.filter(({ done }) => done).length,
        items: segments.reduce((sum, { progress }) => sum + progress.items, 0),
        bytes: segments.reduce((sum, { progress }) => sum + progress.bytes, 0),
        unusable: segments.reduce((sum, { read }) => sum + read.unusable, 0),
      };
    },
    reserveReads: async ({ account, region, config }, milliseconds, latest = Number.MAX_SAFE_INTEGER) => {
      const pk = `reads#${account}/${region}/${config.table}`;
      const values = { ":duration": milliseconds, ":ttl": ttl() };
      for (;;) {
        const now = clock.now();
        const attempts = [
          update(
            pk,
            STATE,
            "SET #until = #until + :duration, #ttl = :ttl",
            { ...values, ":now": now, ":latest": latest },
            "#until >= :now AND #until <= :latest",
          ),
          // Unreserved time does not accumulate.
          update(
            pk,
            STATE,
            "SET #until = :until, #ttl = :ttl",
            { ":until": now + milliseconds, ":ttl": ttl(), ":now": now },
            "attribute_not_exists(#until) OR #until < :now",
          ),
        ];
        for (const attempt of attempts)
          try {
            const command = new UpdateItemCommand({ ...attempt, ReturnValues: "ALL_NEW" });
            const { until } = untilSchema.parse(valuesOf((await dynamodb.send(command)).Attributes ?? {}));
            return until - milliseconds;
          } catch (error) {
            if (!isConditionFailed(error)) throw error;
          }
        // Otherwise another reader has changed it between the attempts.
        const stored = untilSchema.safeParse(await read(pk, STATE)).data;
        if (stored !== undefined && stored.until > latest) return undefined;
      }
    },
    saveFile: async (run, number, file) => {
      await transact([putPart(run, 0, { ...file, number })]);
    },
    markUploadCompleted: async (run, segment, part) => {
      const command = update(runPartition(run), partKey(segment, part), "REMOVE #upload", {});
      await dynamodb.send(new UpdateItemCommand(command));
    },
    parts: async (run) =>
      (await query(runPartition(run), "part#")).map((item) => {
        const { upload, sk, ...file } = parseRow(partSchema, item);
        const [segment = 0, number = 0] = sk.slice("part#".length).split("-").map(Number);
        return { ...file, upload, segment, number };
      }),
  };
}

/** Maps a failed condition. */
function takeoverOr(error: unknown, segment: number): unknown {
  return isConditionFailed(error) ? new SegmentTakenOverError(segment) : error;
}
