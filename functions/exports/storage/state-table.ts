/** The state of exports: claims, runs, finished days, cursors. */
import { UpdateItemCommand, type DynamoDBClient, type TransactWriteItem } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";

import type { Clock } from "../../shared/clock";
import { parseJson } from "../../shared/input";
import { failedStatusSchema, runSchema, watermarkUnitSchema, windowSchema, type Failure, type Run } from "../contract";
import { cursorSource } from "../run/cursor";
import type { ActiveRun, ClaimPorts, ExportState, FinishedDay, Occasion } from "../run/claim";
import type { RunningExport } from "../run/reconciler";
import { segmentTable, type SegmentTable } from "./segment-table";
import { isConditionFailed, parseRow, STATE, stateItems } from "./state-items";

/** Sort keys. */
const runKey = (id: string): string => `run#${id}`;
const dayKey = ({ day: date, time, trigger, range }: Occasion): string => {
  const day = time === undefined ? date : `${date}T${time}`;
  if (range !== undefined) return `day#${day}#backfill#${range.since}-${range.until}`;
  return `day#${day}${trigger === "manual" ? "#manual" : ""}`;
};
const NEXT_VERSION = "#version = #version + :one";

/** Partition of the runs whose records say RUNNING, one item an export. */
const ACTIVE = "#active";

const sourceSchema = z.object({
  table: z.string(),
  tableId: z.string().optional(),
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
  wholeRun: z.string().optional(),
});

const activeSchema = z.object({ sk: z.string(), execution: z.string(), since: z.number() });

const daySchema = z.object({
  run: z.string(),
  location: z.string(),
  window: windowSchema.optional(),
  source: sourceSchema.optional(),
  follows: z.string().optional(),
});

const recordSchema = z.object({
  run: z.string(),
  status: z.enum(["RUNNING", "SUCCEEDED", ...failedStatusSchema.options]),
  execution: z.string(),
  finishedAt: z.iso.datetime().optional(),
  items: z.number().optional(),
  bytes: z.number().optional(),
  location: z.string().optional(),
  error: z.string().optional(),
  cause: z.string().optional(),
});

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

export interface StateTable extends Omit<ClaimPorts, "isRunning" | "reserveKey">, SegmentTable {
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
  /**
   * The latest runs, the latest first.
   *
   * @param onUnreadable called with the id of each run whose record was changed by hand, or by another version, which the list lacks
   */
  readonly latestRuns: (
    exportId: string,
    limit: number,
    onUnreadable?: (id: string) => void,
  ) => Promise<readonly RunRecord[]>;
  /** @param onUnreadable called with each export whose row says that it runs, but not in which execution */
  readonly runningExports: (onUnreadable: (exportId: string) => void) => Promise<readonly RunningExport[]>;
  /**
   * Until when an export's scheduled runs are finished: when the latest one was due, or since when its schedule is known, epoch milliseconds.
   * Notes a new schedule.
   */
  readonly scheduledUntil: (exportId: string, schedule: string) => Promise<number>;
}

export function stateTable(dynamodb: DynamoDBClient, table: string, clock: Clock): StateTable {
  const items = stateItems(dynamodb, table, clock);
  const { ttl, read, query, transact, update, put } = items;

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

  /** Nothing else updates the record of a run that is superseded. */
  const recordSuperseded = (exportId: string, id: string, by: string): TransactWriteItem => ({
    Update: update(
      exportId,
      runKey(id),
      "SET #status = :status, #error = if_not_exists(#error, :error), #cause = if_not_exists(#cause, :cause), #ttl = if_not_exists(#ttl, :ttl)",
      { ":status": "FAILED", ":error": "RunSupersededError", ":cause": `superseded by ${by}`, ":ttl": ttl() },
    ),
  });

  const deleteActive = (exportId: string): TransactWriteItem => ({
    Delete: { TableName: table, Key: marshall({ pk: ACTIVE, sk: exportId }) },
  });

  const readState = async (exportId: string) => parseRow(stateSchema, (await read(exportId, STATE)) ?? {});

  const assertActive = async (run: Run): Promise<void> => {
    const { activeRun, activeAttempt, activeFailed } = await readState(run.exportId);
    if (activeRun !== run.id || activeAttempt !== run.attempt) throw new RunSupersededError(run);
    if (activeFailed === run.attempt) throw new RunFailedError(run);
  };

  return {
    ...segmentTable(items),
    exportState: async (exportId): Promise<ExportState> => {
      const {
        activeRun: id,
        activeExecution: execution = "",
        activeAttempt: attempt = 1,
        activeAbandoned: abandoned,
        activePublished: published,
        cursor: value,
        cursorSource: source,
        unusableItems,
        wholeRun,
        scheduledUntil,
        schedule,
        scheduledSince,
        version,
      } = await readState(exportId);
      return {
        active: id === undefined ? undefined : { id, execution, attempt, abandoned, published },
        cursor: value === undefined ? undefined : { value, source, unusableItems },
        wholeRun,
        scheduledUntil,
        knownSchedule: schedule === undefined ? undefined : { key: schedule, since: scheduledSince },
        version,
      };
    },
    finishedDay: async (exportId, occasion): Promise<FinishedDay | undefined> => {
      const item = await read(exportId, dayKey(occasion));
      if (item === undefined) return undefined;
      const { run, location, window, source, follows } = parseRow(daySchema, item);
      return { run, location, window, source, follows };
    },
    assertActive,
    run: async (exportId, id) => {
      const item = await read(exportId, runKey(id));
      return item && runOf(item);
    },
    activate: (run, execution, before) =>
      transact([
        activateRun(run, execution, before),
        recordRun(run, execution),
        put({ pk: ACTIVE, sk: run.exportId, execution, since: clock.now(), ttl: ttl() }),
        ...(before.active === undefined || before.active.id === run.id
          ? []
          : [recordSuperseded(run.exportId, before.active.id, `run ${run.id}`)]),
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
        // Its workers stop, also those that outlive its execution, and nothing that records the execution's end has it resumed.
        ...(active === undefined
          ? []
          : ["#activeAbandoned = :true", "#activeFailed = if_not_exists(#activeFailed, :attempt)"]),
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
        ...(active === undefined
          ? []
          : [recordSuperseded(exportId, active.id, "a cursor that was set"), deleteActive(exportId)]),
      ]);
    },

    finish: async (run, result, unusableItems) => {
      const { exportId, id, due, window, attempt, follows } = run;
      const { location, items = 0, bytes = 0 } = result ?? {};
      const cursor = run.keepsCursor ? undefined : window?.to;
      const set = [
        ...(cursor === undefined ? [] : ["#cursor = :cursor, #cursorSource = :source, #unusableItems = :unusable"]),
        ...(due === undefined ? [] : ["#scheduledUntil = :due"]),
        ...(follows === id ? ["#wholeRun = :run"] : []),
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
          : [
              put({
                ...{ pk: exportId, sk: dayKey(run), run: id, location, window, source: cursorSource(run), finishedAt },
                follows,
              }),
            ]),
        deleteActive(exportId),
      ]);
      if (ended) return;
      // Step Functions retries a call whose response was lost: then the run has already ended.
      const record = z.object({ status: z.string() }).safeParse(await read(exportId, runKey(id)));
      if (record.data?.status !== "SUCCEEDED") throw new RunSupersededError(run);
    },
    fail: async (exportId, execution, { status, error, cause, abandoned }) => {
      const { activeRun, activeExecution, activeAttempt, activeFailed } = await readState(exportId);
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
        deleteActive(exportId),
      ]);
      return recorded ? "recorded" : "repeated";
    },
    scheduledUntil: async (exportId, schedule) => {
      const known = await readState(exportId);
      if (known.schedule === schedule) return Math.max(known.scheduledSince, known.scheduledUntil ?? 0);
      const now = clock.now();
      const command = update(exportId, STATE, "SET #schedule = :schedule, #scheduledSince = :now", {
        ":schedule": schedule,
        ":now": now,
      });
      await dynamodb.send(new UpdateItemCommand(command));
      return now;
    },
    latestRuns: async (exportId, limit, onUnreadable) => {
      const rows = await query(exportId, runKey(""), { latest: limit });
      return rows.flatMap((row) => {
        const record = recordOf(row);
        if (record === undefined) onUnreadable?.(String(row["sk"]).slice(runKey("").length));
        return record ?? [];
      });
    },
    runningExports: async (onUnreadable) =>
      (await query(ACTIVE)).flatMap((item) => {
        const { data } = activeSchema.safeParse(item);
        if (data === undefined) onUnreadable(String(item["sk"]));
        return data === undefined ? [] : { exportId: data.sk, execution: data.execution, since: data.since };
      }),
  };
}

/** Undefined for one that was changed by hand, or by another version. */
function recordOf(item: unknown): RunRecord | undefined {
  const run = runOf(item);
  const { data } = recordSchema.safeParse(item);
  return run && data && { ...data, run };
}

/** As {@link recordOf}. */
function runOf(item: unknown): Run | undefined {
  try {
    return runSchema.parse(parseJson(z.object({ run: z.string() }).parse(item).run));
  } catch {
    return undefined;
  }
}
