/** The state of exports: claims, runs, segment checkpoints and parts. */
import {
  GetItemCommand,
  paginateQuery,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type DynamoDBClient,
  type TransactWriteItem,
} from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";

import type { Clock } from "../../shared/clock";
import { errorName, isObject } from "../../shared/errors";
import { parseJson } from "../../shared/input";
import { DAY_SECONDS } from "../../shared/time";
import {
  exportedFileSchema,
  failedStatusSchema,
  runSchema,
  watermarkUnitSchema,
  windowSchema,
  type ExportedFile,
  type Failure,
  type Run,
} from "../contract";
import { cursorSource } from "../run/cursor";
import type { ActiveRun, ClaimPorts, ExportState, FinishedDay, Occasion } from "../run/claim";
import type { RunningExport } from "../run/reconciler";
import { ownerOf, type PendingUpload } from "./object-store";

/** How long runs, segments and parts are kept. Manifests do not expire. */
const RETENTION_DAYS = 90;

/** Sort keys. */
const STATE = "state";
const runKey = (id: string): string => `run#${id}`;
const dayKey = ({ day: date, time, trigger, range }: Occasion): string => {
  const day = time === undefined ? date : `${date}T${time}`;
  if (range !== undefined) return `day#${day}#backfill#${range.since}-${range.until}`;
  return `day#${day}${trigger === "manual" ? "#manual" : ""}`;
};
const segmentKey = (segment: number): string => `segment#${String(segment).padStart(4, "0")}`;
const partKey = (segment: number, part: number): string =>
  `part#${String(segment).padStart(4, "0")}-${String(part).padStart(5, "0")}`;

const NEXT_VERSION = "#version = #version + :one";

/** Partition of the runs whose records say RUNNING, one item an export. */
const ACTIVE = "#active";

/** Partition key of a run's segments and parts. */
const runPartition = ({ exportId, id }: Pick<Run, "exportId" | "id">): string => `${exportId}#${id}`;

const sourceSchema = z.object({
  table: z.string(),
  engine: z.enum(["scan", "dynamodb-export"]),
  attribute: z.string().optional(),
  unit: watermarkUnitSchema,
});

const stateSchema = z.object({
  activeRun: z.string().optional(),
  activeExecution: z.string().optional(),
  activeAttempt: z.number().optional(),
  activeAbandoned: z.boolean().default(false),
  /** The attempt that has failed. */
  activeFailed: z.number().optional(),
  activePublished: z.boolean().default(false),
  version: z.number().default(0),
  scheduledUntil: z.number().optional(),
  schedule: z.string().optional(),
  scheduledSince: z.number().default(0),
  cursor: z.string().optional(),
  cursorSource: sourceSchema.optional(),
  unusableItems: z.number().default(0),
});

const activeSchema = z.object({ sk: z.string(), execution: z.string(), since: z.number() });

const untilSchema = z.object({ until: z.number() });

const daySchema = z.object({
  run: z.string(),
  location: z.string(),
  window: windowSchema.optional(),
  source: sourceSchema.optional(),
});

const totalsSchema = z
  .object({ items: z.number(), bytes: z.number(), unusable: z.number().default(0) })
  .default({ items: 0, bytes: 0, unusable: 0 });

const recordSchema = z.object({
  run: z.string(),
  status: z.enum(["RUNNING", "SUCCEEDED", ...failedStatusSchema.options]),
  execution: z.string(),
  finishedAt: z.string().optional(),
  items: z.number().optional(),
  bytes: z.number().optional(),
  location: z.string().optional(),
  error: z.string().optional(),
  cause: z.string().optional(),
});

const segmentSchema = z.object({
  lastKey: z.string().optional(),
  nextPart: z.number().default(0),
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

/** Another run, or another attempt of this one, has been claimed since: this one must stop. */
export class RunSupersededError extends Error {
  override readonly name = "RunSupersededError";
  constructor({ exportId, id }: Pick<Run, "exportId" | "id">) {
    super(`${exportId}: run ${id} has been superseded by another execution`);
  }
}

/** A segment of the run has failed, or its execution was stopped: its other workers must stop. */
export class RunFailedError extends Error {
  override readonly name = "RunFailedError";
  constructor({ exportId, id }: Pick<Run, "exportId" | "id">) {
    super(`${exportId}: run ${id} has failed meanwhile`);
  }
}

/** A run as people see it. */
export interface RunRecord extends Readonly<Omit<z.output<typeof recordSchema>, "run">> {
  readonly run: Run;
}

export interface StateTable extends Omit<ClaimPorts, "isRunning"> {
  /** @throws {@link RunSupersededError}, {@link RunFailedError} */
  readonly assertActive: (run: Run) => Promise<void>;
  /**
   * Notes that the run's files are, or may be, published: it will be finished, never started over.
   *
   * @throws {@link RunSupersededError}
   */
  readonly markPublished: (run: Run) => Promise<void>;
  readonly saveRun: (run: Run) => Promise<void>;
  /**
   * Sets where the next window starts; an unfinished run starts over.
   *
   * @param time epoch milliseconds; undefined: all items are new
   * @param active the unfinished run, as it was read
   * @returns false when another run has been claimed since, or the unfinished run has published its files
   */
  readonly setCursor: (exportId: string, time: number | undefined, active: ActiveRun | undefined) => Promise<boolean>;
  /**
   * Makes this worker the only one that can save checkpoints of the segment.
   *
   * @throws {@link SegmentTakenOverError} when a later attempt of the run has it
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
   * @returns when the reservation begins, epoch milliseconds
   */
  readonly reserveReads: (run: Run, milliseconds: number) => Promise<number>;
  /** Saves a file that needs no upload. */
  readonly saveFile: (run: Run, number: number, file: ExportedFile) => Promise<void>;
  readonly markUploadCompleted: (run: Run, segment: number, part: number) => Promise<void>;
  /** All files of a run, in order. */
  readonly parts: (run: Run) => Promise<readonly StoredPart[]>;
  /**
   * Ends the active run: moves the cursor, and marks the day as finished. Idempotent.
   *
   * @param result `undefined` when there were no new items: the day stays unfinished
   * @throws {@link RunSupersededError}
   */
  readonly finish: (
    run: Run,
    result: { readonly location: string; readonly items: number; readonly bytes: number } | undefined,
    unusableItems: number,
  ) => Promise<void>;
  /**
   * Records a failure in the execution's run, and has the run's other workers stop. The first failure of an execution remains.
   *
   * @returns repeated: it has failed before; none: the execution has no unfinished run
   */
  readonly fail: (exportId: string, execution: string, failure: Failure) => Promise<"recorded" | "repeated" | "none">;
  /** The latest runs, the latest first. */
  readonly latestRuns: (exportId: string, limit: number) => Promise<readonly RunRecord[]>;
  readonly runningExports: () => Promise<readonly RunningExport[]>;
  /**
   * Until when an export's scheduled runs are finished: when the latest one was due, or since when its schedule is known, epoch milliseconds.
   * Notes a new schedule.
   */
  readonly scheduledUntil: (exportId: string, schedule: string) => Promise<number>;
}

export function stateTable(dynamodb: DynamoDBClient, table: string, clock: Clock): StateTable {
  const ttl = (): number => Math.floor(clock.now() / 1_000) + RETENTION_DAYS * DAY_SECONDS;

  const read = async (pk: string, sk: string): Promise<Record<string, unknown> | undefined> => {
    const key = { TableName: table, Key: marshall({ pk, sk }), ConsistentRead: true };
    const { Item } = await dynamodb.send(new GetItemCommand(key));
    return Item && unmarshall(Item);
  };

  const query = async (pk: string, prefix = ""): Promise<readonly Record<string, unknown>[]> => {
    const items: Record<string, unknown>[] = [];
    const pages = paginateQuery(
      { client: dynamodb },
      {
        TableName: table,
        ConsistentRead: true,
        KeyConditionExpression: `pk = :pk${prefix === "" ? "" : " AND begins_with(sk, :prefix)"}`,
        ExpressionAttributeValues: marshall({ ":pk": pk, ...(prefix !== "" && { ":prefix": prefix }) }),
      },
    );
    for await (const { Items = [] } of pages) items.push(...Items.map((item) => unmarshall(item)));
    return items;
  };

  /** @returns false when a condition failed */
  const transact = async (items: TransactWriteItem[]): Promise<boolean> => {
    try {
      await dynamodb.send(new TransactWriteItemsCommand({ TransactItems: items }));
      return true;
    } catch (error) {
      if (isConditionFailed(error)) return false;
      throw error;
    }
  };

  const update = (
    pk: string,
    sk: string,
    expression: string,
    values: Readonly<Record<string, unknown>>,
    condition?: string,
  ) => {
    // DynamoDB rejects names that no expression uses.
    const names = Object.fromEntries(
      [...new Set(`${expression} ${condition ?? ""}`.match(/#\w+/g))].map((name) => [name, name.slice(1)]),
    );
    return {
      TableName: table,
      Key: marshall({ pk, sk }),
      UpdateExpression: expression,
      ...(condition !== undefined && { ConditionExpression: condition }),
      ...(Object.keys(names).length > 0 && { ExpressionAttributeNames: names }),
      ...(Object.keys(values).length > 0 && {
        ExpressionAttributeValues: marshall(values, { removeUndefinedValues: true }),
      }),
    };
  };

  const put = (item: Readonly<Record<string, unknown>>): TransactWriteItem => ({
    Put: { TableName: table, Item: marshall(item, { removeUndefinedValues: true }) },
  });

  const putPart = (run: Run, segment: number, { number, ...part }: ExportedFile & { readonly number: number }) =>
    put({ pk: runPartition(run), sk: partKey(segment, number), ...part, ttl: ttl() });

  const activateRun = (run: Run, execution: string, { active, version }: ExportState): TransactWriteItem => ({
    Update: update(
      run.exportId,
      STATE,
      "SET #activeRun = :run, #activeExecution = :execution, #activeAttempt = :attempt, #version = :next " +
        `REMOVE #activeAbandoned, #activeFailed${active?.id === run.id ? "" : ", #activePublished"}`,
      {
        ":run": run.id,
        ":execution": execution,
        ":attempt": run.attempt,
        ":next": version + 1,
        ...(version > 0 && { ":version": version }),
      },
      version === 0 ? "attribute_not_exists(#version)" : "#version = :version",
    ),
  });

  const recordRun = (run: Run, execution: string): TransactWriteItem => ({
    Update: update(
      run.exportId,
      runKey(run.id),
      "SET #run = :run, #status = :status, #execution = :execution, #ttl = :ttl REMOVE #error, #cause",
      { ":run": JSON.stringify(run), ":status": "RUNNING", ":execution": execution, ":ttl": ttl() },
      // Another run may have started in the same millisecond.
      run.attempt === 1 ? "attribute_not_exists(pk)" : undefined,
    ),
  });

  /** Nothing else updates the record of a run that another has superseded. */
  const recordSuperseded = (run: Run, previous: ActiveRun | undefined): TransactWriteItem[] =>
    previous === undefined || previous.id === run.id
      ? []
      : [
          {
            Update: update(
              run.exportId,
              runKey(previous.id),
              "SET #status = :status, #error = if_not_exists(#error, :error), #cause = if_not_exists(#cause, :cause), #ttl = if_not_exists(#ttl, :ttl)",
              {
                ":status": "FAILED",
                ":error": "RunSupersededError",
                ":cause": `superseded by run ${run.id}`,
                ":ttl": ttl(),
              },
            ),
          },
        ];

  const assertActive = async (run: Run): Promise<void> => {
    const { activeRun, activeAttempt, activeFailed } = stateSchema.parse((await read(run.exportId, STATE)) ?? {});
    if (activeRun !== run.id || activeAttempt !== run.attempt) throw new RunSupersededError(run);
    if (activeFailed === run.attempt) throw new RunFailedError(run);
  };

  return {
    exportState: async (exportId): Promise<ExportState> => {
      const item = (await read(exportId, STATE)) ?? {};
      const {
        activeRun: id,
        activeExecution: execution = "",
        activeAttempt: attempt = 1,
        activeAbandoned: abandoned,
        activePublished: published,
        cursor: value,
        cursorSource: source,
        unusableItems,
        scheduledUntil,
        version,
      } = stateSchema.parse(item);
      return {
        active: id === undefined ? undefined : { id, execution, attempt, abandoned, published },
        cursor: value === undefined ? undefined : { value, source, unusableItems },
        scheduledUntil,
        version,
      };
    },
    finishedDay: async (exportId, occasion): Promise<FinishedDay | undefined> => {
      const item = await read(exportId, dayKey(occasion));
      if (item === undefined) return undefined;
      const { run, location, window, source } = daySchema.parse(item);
      return { run, location, window, source };
    },
    reserveKey: async (run, key) => {
      const command = update(
        `key#${run.bucket}/${key}`,
        STATE,
        "SET #owner = :owner, #ttl = :ttl",
        { ":owner": ownerOf(run), ":ttl": ttl() },
        "attribute_not_exists(#owner) OR #owner = :owner",
      );
      return dynamodb.send(new UpdateItemCommand(command)).then(
        () => true,
        (error: unknown) => {
          if (isConditionFailed(error)) return false;
          throw error;
        },
      );
    },
    assertActive,
    run: async (exportId, id) => {
      const item = await read(exportId, runKey(id));
      return item && runSchema.parse(parseJson(z.object({ run: z.string() }).parse(item).run));
    },
    activate: (run, execution, before) =>
      transact([
        activateRun(run, execution, before),
        recordRun(run, execution),
        put({ pk: ACTIVE, sk: run.exportId, execution, since: clock.now(), ttl: ttl() }),
        ...recordSuperseded(run, before.active),
      ]),
    markPublished: async (run) => {
      const command = update(
        run.exportId,
        STATE,
        `SET #activePublished = :true, ${NEXT_VERSION}`,
        { ":true": true, ":one": 1, ":run": run.id, ":attempt": run.attempt },
        "#activeRun = :run AND #activeAttempt = :attempt AND attribute_not_exists(#activeFailed)",
      );
      await dynamodb.send(new UpdateItemCommand(command)).catch((error: unknown) => {
        throw isConditionFailed(error) ? new RunSupersededError(run) : error;
      });
    },
    saveRun: async (run) => {
      const command = update(run.exportId, runKey(run.id), "SET #run = :run", { ":run": JSON.stringify(run) });
      await dynamodb.send(new UpdateItemCommand(command));
    },

    setCursor: async (exportId, time, active) => {
      const set = [
        ...(time === undefined ? [] : ["#cursor = :cursor"]),
        ...(active === undefined ? [] : ["#activeAbandoned = :true"]),
        "#version = if_not_exists(#version, :zero) + :one",
      ];
      const remove = [...(time === undefined ? ["#cursor"] : []), "#cursorSource", "#unusableItems"];
      return transact([
        {
          Update: update(
            exportId,
            STATE,
            `SET ${set.join(", ")} REMOVE ${remove.join(", ")}`,
            {
              ":one": 1,
              ":zero": 0,
              ...(time !== undefined && { ":cursor": String(time) }),
              ...(active && { ":true": true, ":run": active.id, ":attempt": active.attempt }),
            },
            active === undefined
              ? "attribute_not_exists(#activeRun)"
              : "#activeRun = :run AND #activeAttempt = :attempt AND attribute_not_exists(#activePublished)",
          ),
        },
      ]);
    },

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
      const { lastKey, nextPart, done, read } = segmentSchema.parse(unmarshall(Attributes));
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
      const segments = (await query(runPartition(run), "segment#")).map((item) => segmentSchema.parse(item));
      return {
        segments: run.segments,
        segmentsDone: segments.filter(({ done }) => done).length,
        items: segments.reduce((sum, { progress }) => sum + progress.items, 0),
        bytes: segments.reduce((sum, { progress }) => sum + progress.bytes, 0),
        unusable: segments.reduce((sum, { read }) => sum + read.unusable, 0),
      };
    },
    reserveReads: async ({ account, region, config }, milliseconds) => {
      const pk = `reads#${account}/${region}/${config.table}`;
      const values = { ":duration": milliseconds, ":ttl": ttl() };
      for (;;) {
        const now = clock.now();
        const attempts = [
          update(
            pk,
            STATE,
            "SET #until = #until + :duration, #ttl = :ttl",
            { ...values, ":now": now },
            "#until >= :now",
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
            const { until } = untilSchema.parse(unmarshall((await dynamodb.send(command)).Attributes ?? {}));
            return until - milliseconds;
          } catch (error) {
            if (!isConditionFailed(error)) throw error;
          }
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
        const { upload, sk, ...file } = partSchema.parse(item);
        const [segment = 0, number = 0] = sk.slice("part#".length).split("-").map(Number);
        return { ...file, upload, segment, number };
      }),

    finish: async (run, result, unusableItems) => {
      const { exportId, id, due, window, attempt } = run;
      const { location, items = 0, bytes = 0 } = result ?? {};
      const cursor = run.keepsCursor ? undefined : window?.to;
      const set = [
        ...(cursor === undefined ? [] : ["#cursor = :cursor, #cursorSource = :source, #unusableItems = :unusable"]),
        ...(due === undefined ? [] : ["#scheduledUntil = :due"]),
        NEXT_VERSION,
      ];
      const finishedAt = new Date(clock.now()).toISOString();
      const ended = await transact([
        {
          Update: update(
            exportId,
            STATE,
            `SET ${set.join(", ")} REMOVE #activeRun, #activeExecution, #activeAttempt, #activeAbandoned, #activeFailed, #activePublished`,
            {
              ":run": id,
              ":attempt": attempt,
              ":one": 1,
              ...(due !== undefined && { ":due": due }),
              ...(cursor !== undefined && {
                ":cursor": cursor,
                ":source": cursorSource(run),
                ":unusable": unusableItems,
              }),
            },
            "#activeRun = :run AND #activeAttempt = :attempt",
          ),
        },
        {
          Update: update(
            exportId,
            runKey(id),
            `SET #status = :status, #finishedAt = :at, #items = :items, #bytes = :bytes${location === undefined ? "" : ", #location = :location"}`,
            { ":status": "SUCCEEDED", ":at": finishedAt, ":items": items, ":bytes": bytes, ":location": location },
          ),
        },
        ...(result === undefined
          ? []
          : [put({ pk: exportId, sk: dayKey(run), run: id, location, window, source: cursorSource(run), finishedAt })]),
        { Delete: { TableName: table, Key: marshall({ pk: ACTIVE, sk: exportId }) } },
      ]);
      if (ended) return;
      // Step Functions retries a call whose response was lost: then the run has already ended.
      const record = z.object({ status: z.string() }).safeParse(await read(exportId, runKey(id)));
      if (record.data?.status !== "SUCCEEDED") throw new RunSupersededError(run);
    },
    fail: async (exportId, execution, { status, error, cause, abandoned }) => {
      const { activeRun, activeExecution, activeAttempt, activeFailed } = stateSchema.parse(
        (await read(exportId, STATE)) ?? {},
      );
      if (activeRun === undefined || activeExecution !== execution) return "none";
      if (activeFailed !== undefined) return "repeated";
      const recorded = await transact([
        {
          Update: update(exportId, runKey(activeRun), "SET #status = :status, #error = :error, #cause = :cause", {
            ":status": status,
            ":error": error,
            ":cause": cause,
          }),
        },
        {
          Update: update(
            exportId,
            STATE,
            `SET #activeAbandoned = :abandoned, #activeFailed = :attempt, ${NEXT_VERSION}`,
            {
              ":one": 1,
              ":abandoned": abandoned,
              ":attempt": activeAttempt,
              ":run": activeRun,
              ":execution": execution,
            },
            "#activeRun = :run AND #activeExecution = :execution AND attribute_not_exists(#activeFailed)",
          ),
        },
        { Delete: { TableName: table, Key: marshall({ pk: ACTIVE, sk: exportId }) } },
      ]);
      return recorded ? "recorded" : "repeated";
    },
    scheduledUntil: async (exportId, schedule) => {
      const known = stateSchema.parse((await read(exportId, STATE)) ?? {});
      if (known.schedule === schedule) return Math.max(known.scheduledSince, known.scheduledUntil ?? 0);
      const now = clock.now();
      const command = update(exportId, STATE, "SET #schedule = :schedule, #scheduledSince = :now", {
        ":schedule": schedule,
        ":now": now,
      });
      await dynamodb.send(new UpdateItemCommand(command));
      return now;
    },
    latestRuns: async (exportId, limit) => {
      const { Items = [] } = await dynamodb.send(
        new QueryCommand({
          TableName: table,
          ConsistentRead: true,
          KeyConditionExpression: "pk = :pk AND begins_with(sk, :prefix)",
          ExpressionAttributeValues: marshall({ ":pk": exportId, ":prefix": runKey("") }),
          ScanIndexForward: false,
          Limit: limit,
        }),
      );
      return Items.map((item) => {
        const { run, ...record } = recordSchema.parse(unmarshall(item));
        return { ...record, run: runSchema.parse(parseJson(run)) };
      });
    },
    runningExports: async () =>
      (await query(ACTIVE)).map((item) => {
        const { sk: exportId, execution, since } = activeSchema.parse(item);
        return { exportId, execution, since };
      }),
  };
}

function isConditionFailed(error: unknown): boolean {
  if (errorName(error) === "ConditionalCheckFailedException") return true;
  if (errorName(error) !== "TransactionCanceledException") return false;
  if (!isObject(error) || !("CancellationReasons" in error) || !Array.isArray(error.CancellationReasons)) return false;
  return error.CancellationReasons.some(
    (reason: unknown) => isObject(reason) && "Code" in reason && reason.Code === "ConditionalCheckFailed",
  );
}

/** Maps a failed condition. */
function takeoverOr(error: unknown, segment: number): unknown {
  return isConditionFailed(error) ? new SegmentTakenOverError(segment) : error;
}
